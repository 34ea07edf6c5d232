//! Every fault of the test kit during a query: the rows are right, or there is an error.

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::time::Duration;

use arrow_array::RecordBatch;
use datafusion::prelude::SessionContext;
use futures_util::stream;
use s3_client::S3;
use s3_core::{Limits, MemoryStore};
use s3_frame::tables::S3Tables;
use s3_frame::{Frames, Manifests, Result, Split};
use s3_testkit::{FaultAction, FaultMatch, FaultPlan, ListFault, Position, S3Server};
use s3_transfer::TransferConfig;
use tokio::time::timeout;

use crate::setup::column;
use crate::tables::frame;

const ROWS: i64 = 4000;
const PARTS: u64 = 7;

/// The tables that a query reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tables {
    /// Ours, over the parts that the manifest names.
    OfManifest,
    /// Ours, over the parts that a listing finds.
    OfListing,
    /// DataFusion's own.
    Own,
    /// DataFusion's own in a pinned session.
    OwnPinned,
}

/// The effect of a fault that a query cannot notice, because no response shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unnoticed {
    Nothing,
    /// Keys that a page of a listing leaves out.
    Keys,
    /// A byte that is another one: S3 has no checksums of ranges. The rows are any then, also over a manifest, which is a
    /// body too, and whose parts may have a digit or a line break in that place.
    Bytes,
}

/// Returns every action of the test kit that a read can meet, with those parameters that make another fault of it.
///
/// `CutRequest` is missing: a read sends no body.
fn faults() -> Vec<(FaultAction, Unnoticed)> {
    let status = FaultAction::status;
    let (stall, half) = (FaultAction::stall, Position::Half);
    let millis = Duration::from_millis;
    let header = |name, value: Option<&str>| FaultAction::Header {
        name,
        value: value.map(str::to_owned),
    };
    let trickle = |at| FaultAction::Trickle {
        bytes: 500,
        every: millis(2),
        at,
    };
    let mut faults = vec![
        status(503, "SlowDown"),
        status(500, "InternalError"),
        status(403, "AccessDenied"),
        status(404, "NoSuchKey"),
        status(416, "InvalidRange"),
        FaultAction::request_timeout(),
        FaultAction::conditional_conflict(),
        FaultAction::skewed(),
        FaultAction::expired_token(),
        FaultAction::redirect_to_nowhere(),
        FaultAction::Drop,
        FaultAction::LoseReply,
        FaultAction::Reset,
        FaultAction::truncate_after(0),
        FaultAction::truncate_half(),
        FaultAction::body_error_after(1),
        FaultAction::BodyError { at: half },
        stall(millis(30)),
        FaultAction::Stall {
            at: None,
            wait: None,
        },
        FaultAction::stall_after(100),
        FaultAction::ChangedETag,
        trickle(None),
        trickle(Some(half)),
        header("etag", None),
        header("last-modified", None),
        header("content-range", None),
        header("content-range", Some("bytes 0-9/10")),
        header("content-type", Some("text/html")),
        FaultAction::ShiftedRange,
        FaultAction::WholeObject,
        FaultAction::Announce { by: 1 },
        FaultAction::Announce { by: -1 },
        FaultAction::CloseIdle,
        status(500, "InternalError").after_commit(),
        FaultAction::Drop.after_commit(),
        FaultAction::Reset.after_commit(),
        stall(millis(30)).after_commit(),
        FaultAction::parked_reply(),
        FaultAction::List(ListFault::NoToken),
        FaultAction::List(ListFault::RepeatsToken),
        FaultAction::List(ListFault::RepeatsPage),
        FaultAction::List(ListFault::Overlaps),
    ];
    for code in [None, Some("InternalError")] {
        faults.push(FaultAction::WhiteSpace {
            wait: millis(20),
            every: millis(5),
            code: code.map(str::to_owned),
        });
    }
    let mut faults: Vec<_> = faults
        .into_iter()
        .map(|fault| (fault, Unnoticed::Nothing))
        .collect();
    for fault in [ListFault::Ends, ListFault::SkipsPage] {
        faults.push((FaultAction::List(fault), Unnoticed::Keys));
    }
    faults.push((FaultAction::FlipByte { at: half }, Unnoticed::Bytes));
    faults
}

#[test]
fn no_action_of_the_test_kit_is_left_out() {
    let mut named: BTreeSet<_> = faults().iter().map(|(fault, _)| fault.name()).collect();
    // A read sends no body.
    assert!(named.insert("cut request"));
    assert_eq!(named, FaultAction::NAMES.iter().copied().collect());
}

/// Returns a client that gives up soon and reads objects in several parts.
fn client(server: &S3Server) -> S3 {
    let mut config = TransferConfig::default();
    config.part_size = 4096;
    config.max_attempts = 4;
    config.backoff_base = Duration::from_millis(1);
    config.backoff_cap = Duration::from_millis(2);
    config.stall_timeout = Duration::from_millis(100);
    let s3 = S3::builder().store(server.sdk_store()).transfer(config);
    s3.build().unwrap()
}

/// Writes the rows as `csv` and as `parquet`, in 7 parts each.
async fn write_sets(s3: &S3) {
    let (frames, rows) = (Frames::new(s3), frame(0..ROWS));
    let split = Split::Even {
        rows: ROWS as u64,
        parts: NonZeroU64::new(PARTS).unwrap(),
    };
    let stream = || stream::iter([Ok(rows.clone())]);
    let csv = frames.write_csv("s3://demo/csv");
    csv.send_split(rows.schema(), stream(), split)
        .await
        .unwrap();
    let parquet = frames.write_parquet("s3://demo/parquet");
    parquet
        .send_split(rows.schema(), stream(), split)
        .await
        .unwrap();
}

/// Returns a session with the tables `csv` and `parquet`.
async fn session(s3: &S3, kind: Tables) -> Result<SessionContext> {
    let (frames, tables) = (Frames::new(s3), S3Tables::new(s3).unwrap());
    let session = match kind {
        Tables::OwnPinned => tables.pinned_session()?,
        _ => tables.session()?,
    };
    if matches!(kind, Tables::Own | Tables::OwnPinned) {
        for create in [
            "CREATE EXTERNAL TABLE csv STORED AS CSV LOCATION 's3://demo/csv/' \
             OPTIONS ('format.has_header' 'true', 'format.newlines_in_values' 'true')",
            "CREATE EXTERNAL TABLE parquet STORED AS PARQUET LOCATION 's3://demo/parquet/'",
        ] {
            session.sql(create).await?.collect().await?;
        }
        return Ok(session);
    }
    let manifests = match kind {
        Tables::OfManifest => Manifests::Require,
        _ => Manifests::Ignore,
    };
    let csv = frames.read_csv(["s3://demo/csv/*"]).manifests(manifests);
    session.register_table("csv", tables.csv(csv).await?)?;
    let parquet = frames.read_parquet(["s3://demo/parquet/*"]);
    let parquet = tables.parquet(parquet.manifests(manifests)).await?;
    session.register_table("parquet", parquet)?;
    Ok(session)
}

/// Returns the number of rows and their sum, of each table.
async fn ask(s3: &S3, kind: Tables) -> Result<Vec<(i64, i64)>> {
    let session = session(s3, kind).await?;
    let mut totals = Vec::new();
    for table in ["csv", "parquet"] {
        // The text is read too.
        let sql =
            format!("SELECT count(*) AS rows, sum(n) AS n FROM {table} WHERE text LIKE 'line%'");
        let found: Vec<RecordBatch> = session.sql(&sql).await?.collect().await?;
        // There is no sum of no rows.
        let number = |name| -> i64 {
            match &column(&found, name)[0] {
                Some(number) => number.parse().unwrap(),
                None => 0,
            }
        };
        totals.push((number("rows"), number("n")));
    }
    Ok(totals)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_during_a_query_ends_in_the_right_rows_or_an_error() {
    let mut limits = Limits::default();
    // Seven keys are four pages, of which the third is requested by its token.
    limits.max_keys_per_page = 2;
    let memory = MemoryStore::with_buckets(["demo"]).with_limits(limits);
    let server = S3Server::start(memory).await.unwrap();
    write_sets(&client(&server)).await;
    let expected = vec![(ROWS, ROWS * (ROWS - 1) / 2); 2];
    let (mut right, mut failed) = (0, 0);
    for (fault, unnoticed) in faults() {
        let mut delivered = 0;
        for kind in [
            Tables::OfManifest,
            Tables::OfListing,
            Tables::Own,
            Tables::OwnPinned,
        ] {
            for (seed, probability) in [(1_u32, 0.05), (2, 0.5)] {
                let case = format!("{fault} over {kind:?}, seed {seed}");
                let s3 = client(&server);
                let plan: FaultPlan = match fault {
                    // From the second or the third page on.
                    FaultAction::List(_) => FaultMatch::operation("ListObjectsV2")
                        .on(fault.clone())
                        .skip(seed)
                        .into(),
                    _ => FaultPlan::random(seed.into(), probability, [fault.clone()]),
                };
                server.faults().set(plan);
                let query = tokio::spawn(async move { ask(&s3, kind).await });
                let outcome = timeout(Duration::from_secs(60), query).await;
                delivered += server.faults().delivered().total();
                let outcome = match outcome.unwrap_or_else(|_| panic!("{case}: no end")) {
                    Ok(outcome) => outcome,
                    // Of another size in a listing, DataFusion asks for bytes that are not there, and panics.
                    Err(_)
                        if unnoticed == Unnoticed::Bytes
                            && matches!(kind, Tables::Own | Tables::OwnPinned) =>
                    {
                        continue;
                    }
                    Err(panic) => panic!("{case}: {panic}"),
                };
                match outcome {
                    Ok(found) if found == expected => right += 1,
                    Ok(found) => match unnoticed {
                        Unnoticed::Bytes => {}
                        Unnoticed::Keys if kind != Tables::OfManifest => {
                            assert!(
                                found.iter().all(|(rows, _)| *rows <= ROWS),
                                "{case}: {found:?}"
                            );
                        }
                        _ => panic!("{case}: {found:?}"),
                    },
                    Err(_) => failed += 1,
                }
            }
        }
        assert!(delivered > 0, "{fault}: not delivered");
    }
    server.faults().clear();
    assert!(right > 100 && failed > 50, "{right} right, {failed} failed");
}
