//! `COPY` of DataFusion that is cancelled or fails: no upload is left.

use std::sync::Arc;
use std::time::Duration;

use datafusion::datasource::MemTable;
use datafusion::prelude::{SessionConfig, SessionContext};
use s3_client::S3;
use s3_core::{Limits, MemoryStore, Operation};
use s3_frame::tables::{S3Tables, UnlistableKeys};
use s3_testkit::{FaultAction, FaultMatch, FaultPlan, FaultStore, Faults};
use tokio::time::{sleep, timeout};

use crate::tables::frame;

/// Targets of a `COPY`: one object, and a folder that gets one for each partition.
const TARGETS: [&str; 4] = [
    "'s3://b/copy.csv' STORED AS CSV",
    "'s3://b/copy/' STORED AS CSV",
    "'s3://b/copy.parquet' STORED AS PARQUET",
    "'s3://b/copy/' STORED AS PARQUET",
];

const ROWS: i64 = 40_000;
const BATCH: i64 = 2000;

/// Returns a session with the table `t`, in which uploads have pieces of 4 KiB.
fn session(plan: FaultPlan) -> (MemoryStore, Faults, SessionContext) {
    let mut limits = Limits::default();
    limits.min_part_size = 1;
    let memory = MemoryStore::with_buckets(["b"]).with_limits(limits);
    let store = FaultStore::new(memory.clone(), plan);
    let faults = store.faults().clone();
    let s3 = S3::builder().store(store).build().unwrap();
    let runtime = S3Tables::new(&s3).unwrap().session().unwrap().runtime_env();
    let buffer = "datafusion.execution.objectstore_writer_buffer_size";
    let config = SessionConfig::new()
        .with_target_partitions(4)
        .set_usize(buffer, 4096)
        .set_usize("datafusion.execution.minimum_parallel_output_files", 4)
        .set_usize("datafusion.execution.soft_max_rows_per_output_file", 9000)
        .set_usize("datafusion.execution.parquet.max_row_group_size", 2000);
    let session = SessionContext::new_with_config_rt(config, runtime);
    let batches: Vec<_> = (0..ROWS / BATCH)
        .map(|batch| frame(batch * BATCH..(batch + 1) * BATCH))
        .collect();
    let table = MemTable::try_new(batches[0].schema(), vec![batches]).unwrap();
    session.register_table("t", Arc::new(table)).unwrap();
    (memory, faults, session)
}

/// Waits until something holds.
async fn until(what: &str, holds: impl Fn() -> bool + Send + Sync) {
    let wait = async {
        while !holds() {
            sleep(Duration::from_millis(2)).await;
        }
    };
    let limit = Duration::from_secs(30);
    timeout(limit, wait)
        .await
        .unwrap_or_else(|_| panic!("{what}"));
}

async fn no_upload_is_left(memory: &MemoryStore, case: &str) {
    // Aborts run on the threads of the store.
    let uploads = || memory.unfinished_uploads();
    until(&format!("{case}: {} uploads are left", uploads()), || {
        uploads() == 0
    })
    .await;
}

fn has_begun(memory: &MemoryStore) -> bool {
    memory.operations().get(Operation::CreateUpload) > 0
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_copy_writes_has_the_encryption_of_the_client() {
    let memory = MemoryStore::with_buckets(["b"]);
    let s3 = S3::builder().store(memory).encryption("aws:kms").build();
    let s3 = s3.unwrap();
    let tables = S3Tables::new(&s3).unwrap();
    let unlistable = tables.clone().with_unlistable_keys(UnlistableKeys::Error);
    let sessions = [
        tables.session(),
        tables.pinned_session(),
        unlistable.session(),
    ];
    for (number, session) in sessions.into_iter().enumerate() {
        let url = format!("s3://b/{number}.csv");
        let sql = format!("COPY (SELECT 1 AS n) TO '{url}' STORED AS CSV");
        let copy = session.unwrap().sql(&sql).await.unwrap();
        copy.collect().await.unwrap();
        let written = s3.info(url.as_str()).await.unwrap();
        assert_eq!(written.encryption(), Some("aws:kms"), "{url}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_cancelled_leaves_no_upload() {
    for target in TARGETS {
        for operation in [
            "UploadPart",
            "CompleteMultipartUpload",
            "CreateMultipartUpload",
        ] {
            for skip in [0, 1, 5] {
                let case = format!("{target}, {operation} {skip}");
                // The server responds neither to this request nor to the later ones.
                let parked = FaultAction::Stall {
                    at: None,
                    wait: None,
                };
                let stalled = FaultMatch::operation(operation).on(parked).skip(skip);
                let (memory, faults, session) = session(FaultPlan::new([stalled]));
                let sql = format!("COPY (SELECT * FROM t) TO {target}");
                let copy = session.sql(&sql).await.unwrap();
                let mut running = tokio::spawn(copy.collect());
                let stalled = until("no request stalls", || faults.delivered().total() > 0);
                tokio::select! {
                    () = stalled => {}
                    // There are not as many of these requests.
                    ended = &mut running => {
                        ended.unwrap().unwrap();
                        no_upload_is_left(&memory, &case).await;
                        continue;
                    }
                }
                if operation == "CreateMultipartUpload" && skip == 0 {
                    running.abort();
                    assert!(running.await.unwrap_err().is_cancelled());
                    assert_eq!(memory.unfinished_uploads(), 0, "{case}");
                    continue;
                }
                assert!(has_begun(&memory), "{case}");
                running.abort();
                assert!(running.await.unwrap_err().is_cancelled());
                no_upload_is_left(&memory, &case).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_fails_leaves_no_upload() {
    for target in TARGETS {
        for (operation, skip) in [
            ("UploadPart", 0),
            ("UploadPart", 5),
            ("CreateMultipartUpload", 1),
            ("CompleteMultipartUpload", 0),
            ("CompleteMultipartUpload", 1),
        ] {
            let case = format!("{target}, {operation} {skip}");
            let denied = FaultAction::status(403, "AccessDenied");
            let denied = FaultMatch::operation(operation).on(denied);
            let (memory, faults, session) = session(FaultPlan::new([denied.skip(skip).times(1)]));
            let sql = format!("COPY (SELECT * FROM t) TO {target}");
            let copied = session.sql(&sql).await.unwrap().collect().await;
            // An object has one creation and one completion.
            if faults.delivered().total() > 0 {
                copied.expect_err(&case);
                // Known: of several objects, those that were completed before are visible, one by one.
                if (operation, skip) == ("CompleteMultipartUpload", 1) {
                    assert!(memory.object_count() > 0, "{case}");
                }
            }
            assert!(has_begun(&memory), "{case}");
            no_upload_is_left(&memory, &case).await;
        }
        // The query itself fails after most of its rows.
        let (memory, _, session) = session(FaultPlan::none());
        let sql = format!(
            "COPY (SELECT text, 1 / (n - {}) AS n FROM t) TO {target}",
            ROWS - 10
        );
        let copied = session.sql(&sql).await.unwrap().collect().await;
        copied.expect_err(target);
        // Parquet is sent when a row group ends.
        assert!(has_begun(&memory) || target.contains("PARQUET"), "{target}");
        no_upload_is_left(&memory, target).await;
    }
}
