//! Sets while they are written: readers in between, writers that are killed, and faults of the server.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use futures_util::{future, stream};
use s3_client::S3;
use s3_core::MemoryStore;
use s3_frame::{Error, Existing, Frames, Manifests, Result};
use s3_testkit::{FaultAction, FaultMatch, FaultPlan, FaultStore};

use crate::setup::{all, column};

/// Rows of one set: numbers, and a text of this length.
fn rows(numbers: Range<i64>, len: usize) -> RecordBatch {
    let texts = StringArray::from_iter_values(numbers.clone().map(|_| "x".repeat(len)));
    let columns: [(&str, ArrayRef); 2] = [
        ("n", Arc::new(Int64Array::from_iter_values(numbers))),
        ("text", Arc::new(texts)),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))
        .unwrap()
}

/// Writes a set of so many parts with one row each, the first of which has this length.
async fn write(frames: &Frames, numbers: Range<i64>, len: usize, existing: Existing) -> Result<()> {
    let schema = rows(0..1, 1).schema();
    let first = numbers.start;
    let parts = numbers.map(|number| {
        let len = if number == first { len } else { 1 };
        stream::iter([Ok(rows(number..number + 1, len))])
    });
    let write = frames.write_csv("s3://b/set").existing(existing);
    write.send(schema, parts).await.map(drop)
}

async fn read(frames: &Frames, manifests: Manifests) -> Result<Vec<i64>> {
    let read = frames.read_csv(["s3://b/set/*"]).manifests(manifests);
    let numbers = column(&all(read.open().await?).await?, "n");
    Ok(numbers
        .into_iter()
        .map(|number| number.unwrap().parse().unwrap())
        .collect())
}

fn client(store: impl s3_client::Store) -> Frames {
    let s3 = S3::builder().store(store).part_size(5 << 20).build();
    Frames::new(&s3.unwrap())
}

/// Requests take up to 8 ms, before or after they take effect: the order of two writers' and readers' requests depends
/// on the seed.
fn delays(seed: u64) -> FaultPlan {
    let stall = |millis| FaultAction::stall(Duration::from_millis(millis));
    let before = (0..8).map(stall);
    let after = (1..8).map(stall).map(FaultAction::after_commit);
    FaultPlan::random(seed, 1.0, before.chain(after))
}

/// Of an upload that is not one request.
const SEVERAL_PIECES: usize = 6 << 20;

const OLD: Range<i64> = 0..3;
const NEW: Range<i64> = 10..15;

#[tokio::test(start_paused = true)]
async fn readers_during_a_rewrite_see_the_old_set_or_the_new_one_or_an_error() {
    let (mut old, mut new, mut failed) = (0, 0, 0);
    for seed in 0..1000 {
        let memory = MemoryStore::with_buckets(["b"]);
        write(&client(memory.clone()), OLD, 1, Existing::Refuse)
            .await
            .unwrap();
        let writer = client(FaultStore::new(memory.clone(), delays(seed)));
        let readers = (0..4).map(|number| {
            let reader = client(FaultStore::new(memory.clone(), delays(seed * 4 + number)));
            async move {
                tokio::time::sleep(Duration::from_millis((seed + number * 5) % 20)).await;
                read(&reader, Manifests::IfPresent).await
            }
        });
        let writing = write(&writer, NEW, 1, Existing::Replace);
        let (written, found) = future::join(writing, future::join_all(readers)).await;
        written.unwrap();
        for found in found {
            match found {
                Ok(found) if found == OLD.collect::<Vec<_>>() => old += 1,
                Ok(found) if found == NEW.collect::<Vec<_>>() => new += 1,
                Ok(found) => panic!("seed {seed}: {found:?}"),
                Err(error) => {
                    let text = error.to_string();
                    assert!(text.contains("s3://b/set"), "seed {seed}: {text}");
                    failed += 1;
                }
            }
        }
        assert_eq!(
            read(&writer, Manifests::Require).await.unwrap(),
            NEW.collect::<Vec<_>>()
        );
    }
    assert!(
        old > 50 && new > 100 && failed > 100,
        "{old}, {new} and {failed} readers"
    );
}

#[tokio::test(start_paused = true)]
async fn of_two_writers_one_succeeds_and_readers_see_its_rows_only() {
    let mut conflicts = 0;
    for seed in 0..200 {
        let memory = MemoryStore::with_buckets(["b"]);
        let writers = [OLD, NEW].map(|numbers| {
            let writer = client(FaultStore::new(
                memory.clone(),
                delays(seed * 2 + numbers.start as u64),
            ));
            async move { write(&writer, numbers, 1, Existing::Refuse).await }
        });
        let written = future::join_all(writers).await;
        let succeeded = written.iter().filter(|written| written.is_ok()).count();
        conflicts += written
            .iter()
            .filter(|written| matches!(written, Err(Error::Conflict(_))))
            .count();
        let found = read(&client(memory), Manifests::Require).await;
        match (succeeded, &written[0]) {
            (1, Ok(())) => assert_eq!(found.unwrap(), OLD.collect::<Vec<_>>(), "seed {seed}"),
            (1, Err(_)) => assert_eq!(found.unwrap(), NEW.collect::<Vec<_>>(), "seed {seed}"),
            _ => panic!("seed {seed}: {written:?}"),
        }
    }
    assert!(conflicts > 20, "{conflicts} conflicts");
}

/// After so many requests no other takes effect, not even one that cleans up: as if the process had been killed.
fn killed_after(requests: u32) -> FaultPlan {
    let rejection = FaultAction::status(403, "AccessDenied");
    FaultPlan::new([FaultMatch::any().on(rejection).skip(requests)])
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_is_killed_leaves_no_set_that_can_be_read_in_part() {
    for existing in [Existing::Refuse, Existing::Replace, Existing::Append] {
        let before = if existing == Existing::Refuse {
            Vec::new()
        } else {
            OLD.collect()
        };
        let after = match existing {
            Existing::Append => [before.clone(), NEW.collect()].concat(),
            _ => NEW.collect::<Vec<_>>(),
        };
        let mut outcomes = Vec::new();
        for requests in 0.. {
            let memory = MemoryStore::with_buckets(["b"]);
            if !before.is_empty() {
                write(&client(memory.clone()), OLD, 1, Existing::Refuse)
                    .await
                    .unwrap();
            }
            let writer = client(FaultStore::new(memory.clone(), killed_after(requests)));
            let written = write(&writer, NEW, SEVERAL_PIECES, existing).await;
            let found = read(&client(memory.clone()), Manifests::IfPresent).await;
            let kind = match found {
                Ok(found) if found == before => "old",
                Ok(found) if found == after => "new",
                Ok(found) => panic!("{existing:?} after {requests} requests: {found:?}"),
                Err(Error::NoMatch(_)) if before.is_empty() => "old",
                Err(Error::Unfinished(_)) => "unfinished",
                Err(error) => panic!("{existing:?} after {requests} requests: {error}"),
            };
            outcomes.push(kind);
            outcomes.dedup();
            let s3 = S3::builder().store(memory.clone()).build().unwrap();
            s3.cleanup(Duration::ZERO)
                .uploads_below("s3://b/")
                .await
                .unwrap();
            assert_eq!(memory.unfinished_uploads(), 0);
            if written.is_ok() {
                break;
            }
            // Whatever was left, the set can be written again.
            write(&Frames::new(&s3), OLD, 1, Existing::Replace)
                .await
                .unwrap();
            assert_eq!(
                read(&Frames::new(&s3), Manifests::Require).await.unwrap(),
                OLD.collect::<Vec<_>>()
            );
            assert_eq!(
                memory.object_count(),
                4,
                "{existing:?} after {requests} requests"
            );
        }
        match existing {
            Existing::Append => assert_eq!(outcomes, ["old", "new"]),
            _ => assert_eq!(outcomes, ["old", "unfinished", "new"]),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn faults_during_a_read_end_in_the_right_rows_or_an_error() {
    let (mut right, mut failed) = (0, 0);
    let memory = MemoryStore::with_buckets(["b"]);
    write(&client(memory.clone()), 0..20, 5000, Existing::Refuse)
        .await
        .unwrap();
    let actions = [
        FaultAction::status(503, "SlowDown"),
        FaultAction::status(500, "InternalError"),
        FaultAction::request_timeout(),
        FaultAction::status(403, "AccessDenied"),
        FaultAction::status(404, "NoSuchKey"),
        FaultAction::Drop,
        FaultAction::LoseReply,
        FaultAction::truncate_half(),
        FaultAction::truncate_after(0),
        FaultAction::body_error_after(1),
        FaultAction::stall_after(100),
        FaultAction::ChangedETag,
        FaultAction::ShiftedRange,
        FaultAction::WholeObject,
    ];
    for manifests in [Manifests::Require, Manifests::Ignore] {
        for seed in 0..100 {
            let probability = [0.02, 0.1, 0.4][seed as usize % 3];
            let plan = FaultPlan::random(seed, probability, actions.clone());
            let reader = client(FaultStore::new(memory.clone(), plan));
            match read(&reader, manifests).await {
                Ok(found) => {
                    assert_eq!(found, (0..20).collect::<Vec<_>>(), "seed {seed}");
                    right += 1;
                }
                Err(_) => failed += 1,
            }
        }
    }
    assert!(right > 50 && failed > 25, "{right} right, {failed} failed");
}
