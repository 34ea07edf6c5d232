//! Sets while they are written: readers in between, writers that are killed, and faults of the server.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
#[cfg(feature = "parquet")]
use futures_util::TryStreamExt;
use futures_util::{future, stream};
use s3_client::{ErrorKind, S3};
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

/// The encoding of a set and the names of its parts.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Csv,
    /// With names of its own.
    NamedCsv,
    #[cfg(feature = "parquet")]
    Parquet,
    /// Read by the pattern that dask users write.
    #[cfg(feature = "parquet")]
    ParquetByExtension,
}

impl Kind {
    const ALL: &[Self] = &[
        Self::Csv,
        Self::NamedCsv,
        #[cfg(feature = "parquet")]
        Self::Parquet,
        #[cfg(feature = "parquet")]
        Self::ParquetByExtension,
    ];

    fn target(self) -> &'static str {
        match self {
            Self::NamedCsv => "s3://b/set/x-*.csv",
            _ => "s3://b/set",
        }
    }

    fn pattern(self) -> &'static str {
        match self {
            Self::NamedCsv => "s3://b/set/x-*.csv",
            #[cfg(feature = "parquet")]
            Self::ParquetByExtension => "s3://b/set/*.parquet",
            _ => "s3://b/set/*",
        }
    }

    fn manifest(self) -> &'static str {
        match self {
            Self::NamedCsv => "s3://b/set.x-*.csv.manifest.json",
            _ => "s3://b/set.manifest.json",
        }
    }

    /// The length of a text: of one set, the first part is not one request.
    fn text_len(self) -> usize {
        match self {
            Self::Csv => SEVERAL_PIECES,
            _ => 1,
        }
    }

    /// Writes a set of this number of parts with one row each, the first of which has this length.
    async fn write(
        self,
        frames: &Frames,
        numbers: Range<i64>,
        len: usize,
        existing: Existing,
    ) -> Result<()> {
        let schema = rows(0..1, 1).schema();
        let first = numbers.start;
        let parts = numbers.map(|number| {
            let len = if number == first { len } else { 1 };
            stream::iter([Ok(rows(number..number + 1, len))])
        });
        match self {
            Self::Csv | Self::NamedCsv => {
                let write = frames.write_csv(self.target()).existing(existing);
                write.send(schema, parts).await.map(drop)
            }
            #[cfg(feature = "parquet")]
            Self::Parquet | Self::ParquetByExtension => {
                let write = frames.write_parquet(self.target()).existing(existing);
                write.send(schema, parts).await.map(drop)
            }
        }
    }

    async fn read(self, frames: &Frames, manifests: Manifests) -> Result<Vec<i64>> {
        let batches = match self {
            Self::Csv | Self::NamedCsv => {
                let read = frames.read_csv([self.pattern()]).manifests(manifests);
                all(read.open().await?).await?
            }
            #[cfg(feature = "parquet")]
            Self::Parquet | Self::ParquetByExtension => {
                let read = frames.read_parquet([self.pattern()]).manifests(manifests);
                read.open().await?.try_collect().await?
            }
        };
        let numbers = column(&batches, "n").into_iter();
        Ok(numbers
            .map(|number| number.unwrap().parse().unwrap())
            .collect())
    }

    async fn remove_orphans(self, frames: &Frames, older_than: Duration) -> Vec<String> {
        let removed = match self {
            Self::Csv | Self::NamedCsv => {
                let write = frames.write_csv(self.target());
                write.remove_orphans(older_than).await
            }
            #[cfg(feature = "parquet")]
            Self::Parquet | Self::ParquetByExtension => {
                let write = frames.write_parquet(self.target());
                write.remove_orphans(older_than).await
            }
        };
        removed.unwrap()
    }

    /// Fails unless this is an error that a reader may have during a rewrite: the set is not finished, or one of its parts
    /// is no longer there in its version.
    fn assert_interrupted(self, error: &Error, seed: u64) {
        match error {
            Error::Unfinished(url) => assert_eq!(url, self.manifest(), "seed {seed}"),
            Error::S3(error) => {
                let request = error.as_request().unwrap();
                let is_gone = matches!(
                    request.kind(),
                    ErrorKind::PreconditionFailed
                        | ErrorKind::ChangedDuringRead
                        | ErrorKind::NotFound
                );
                let part = request.resource().unwrap();
                assert!(
                    is_gone && part.starts_with("s3://b/set/"),
                    "{self:?}, seed {seed}: {error}"
                );
            }
            error => panic!("{self:?}, seed {seed}: {error}"),
        }
    }
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
const FEWER: Range<i64> = 20..21;

#[tokio::test(start_paused = true)]
async fn readers_during_a_rewrite_see_the_old_set_or_the_new_one_or_an_error() {
    for kind in Kind::ALL {
        let (mut old, mut new, mut unfinished, mut gone) = (0, 0, 0, 0);
        for seed in 0..1000 {
            let memory = MemoryStore::with_buckets(["b"]);
            kind.write(&client(memory.clone()), OLD, 1, Existing::Refuse)
                .await
                .unwrap();
            let writer = client(FaultStore::new(memory.clone(), delays(seed)));
            let readers = (0..4).map(|number| {
                let reader = client(FaultStore::new(memory.clone(), delays(seed * 4 + number)));
                async move {
                    tokio::time::sleep(Duration::from_millis((seed + number * 5) % 20)).await;
                    kind.read(&reader, Manifests::IfPresent).await
                }
            });
            let writing = kind.write(&writer, NEW, 1, Existing::Replace);
            let (written, found) = future::join(writing, future::join_all(readers)).await;
            written.unwrap();
            for found in found {
                match found {
                    Ok(found) if found == OLD.collect::<Vec<_>>() => old += 1,
                    Ok(found) if found == NEW.collect::<Vec<_>>() => new += 1,
                    Ok(found) => panic!("{kind:?}, seed {seed}: {found:?}"),
                    Err(error) => {
                        kind.assert_interrupted(&error, seed);
                        match error {
                            Error::Unfinished(_) => unfinished += 1,
                            _ => gone += 1,
                        }
                    }
                }
            }
            assert_eq!(
                kind.read(&writer, Manifests::Require).await.unwrap(),
                NEW.collect::<Vec<_>>()
            );
        }
        assert!(
            old > 10 && new > 100 && unfinished > 100 && gone > 20,
            "{kind:?}: {old}, {new}, {unfinished} and {gone} readers"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn readers_during_the_first_write_see_nothing_or_the_set_or_an_error() {
    for kind in Kind::ALL {
        let (mut nothing, mut new, mut unfinished) = (0, 0, 0);
        for seed in 0..200 {
            let memory = MemoryStore::with_buckets(["b"]);
            let writer = client(FaultStore::new(memory.clone(), delays(seed)));
            let readers = (0..4).map(|number| {
                let reader = client(FaultStore::new(memory.clone(), delays(seed * 4 + number)));
                async move {
                    tokio::time::sleep(Duration::from_millis((seed + number * 5) % 30)).await;
                    kind.read(&reader, Manifests::IfPresent).await
                }
            });
            let writing = kind.write(&writer, NEW, 1, Existing::Refuse);
            let (written, found) = future::join(writing, future::join_all(readers)).await;
            written.unwrap();
            for found in found {
                match found {
                    Ok(found) if found == NEW.collect::<Vec<_>>() => new += 1,
                    Ok(found) => panic!("{kind:?}, seed {seed}: {found:?}"),
                    Err(Error::NoMatch(_)) => nothing += 1,
                    Err(error) => {
                        kind.assert_interrupted(&error, seed);
                        unfinished += 1;
                    }
                }
            }
        }
        assert!(
            nothing > 10 && new > 10 && unfinished > 10,
            "{kind:?}: {nothing}, {new} and {unfinished} readers"
        );
    }
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
            async move { Kind::Csv.write(&writer, numbers, 1, Existing::Refuse).await }
        });
        let written = future::join_all(writers).await;
        let succeeded = written.iter().filter(|written| written.is_ok()).count();
        conflicts += written
            .iter()
            .filter(|written| matches!(written, Err(Error::Conflict(_))))
            .count();
        let found = Kind::Csv.read(&client(memory), Manifests::Require).await;
        match (succeeded, &written[0]) {
            (1, Ok(())) => assert_eq!(found.unwrap(), OLD.collect::<Vec<_>>(), "seed {seed}"),
            (1, Err(_)) => assert_eq!(found.unwrap(), NEW.collect::<Vec<_>>(), "seed {seed}"),
            _ => panic!("seed {seed}: {written:?}"),
        }
    }
    assert!(conflicts > 20, "{conflicts} conflicts");
}

#[tokio::test(start_paused = true)]
async fn of_two_writers_that_replace_a_set_what_one_has_acknowledged_is_read() {
    for kind in Kind::ALL {
        let (mut first, mut second, mut neither) = (0, 0, 0);
        for seed in 0..200 {
            let memory = MemoryStore::with_buckets(["b"]);
            let frames = client(memory.clone());
            kind.write(&frames, OLD, 1, Existing::Refuse).await.unwrap();
            // The second begins while the first publishes.
            let writers = [(NEW, 0), (FEWER, 1)].map(|(numbers, number)| {
                let plan = delays(seed * 2 + number);
                let writer = client(FaultStore::new(memory.clone(), plan));
                async move {
                    tokio::time::sleep(Duration::from_millis(number * (seed % 40))).await;
                    kind.write(&writer, numbers, 1, Existing::Replace).await
                }
            });
            let written = future::join_all(writers).await;
            let found = kind.read(&frames, Manifests::Require).await;
            match (&written[0], &written[1]) {
                // One after the other.
                (Ok(()), Ok(())) => assert!(
                    [NEW, FEWER].contains(&range_of(&found.unwrap())),
                    "{kind:?}, seed {seed}"
                ),
                (Ok(()), Err(_)) => {
                    assert_eq!(range_of(&found.unwrap()), NEW, "{kind:?}, seed {seed}");
                    first += 1;
                }
                (Err(_), Ok(())) => {
                    assert_eq!(range_of(&found.unwrap()), FEWER, "{kind:?}, seed {seed}");
                    second += 1;
                }
                (Err(_), Err(_)) => {
                    assert!(matches!(found, Err(Error::Unfinished(_))), "{found:?}");
                    neither += 1;
                }
            }
            for failed in written.into_iter().filter_map(Result::err) {
                assert!(
                    matches!(&failed, Error::Conflict(url) if url == kind.manifest()),
                    "{kind:?}, seed {seed}: {failed}"
                );
            }
            // Nothing is in the way of another write.
            kind.write(&frames, OLD, 1, Existing::Replace)
                .await
                .unwrap();
            let found = kind.read(&frames, Manifests::Require).await;
            assert_eq!(range_of(&found.unwrap()), OLD, "{kind:?}, seed {seed}");
        }
        assert!(
            first > 10 && second > 10,
            "{kind:?}: {first}, {second} and {neither}"
        );
    }
}

/// Returns the range of successive numbers.
fn range_of(numbers: &[i64]) -> Range<i64> {
    assert!(numbers.is_sorted_by(|a, b| a + 1 == *b), "{numbers:?}");
    let first = numbers[0];
    first..first + numbers.len() as i64
}

/// After this number of requests no other takes effect, not even one that cleans up: as if the process had been killed.
fn killed_after(requests: u32) -> FaultPlan {
    let rejection = FaultAction::status(403, "AccessDenied");
    FaultPlan::new([FaultMatch::any().on(rejection).skip(requests)])
}

/// Returns all keys of the bucket.
async fn keys(s3: &S3) -> Vec<String> {
    let listed = s3.list_recursive().at(["s3://b/"]).await.unwrap();
    listed
        .iter()
        .map(|object| object.key().to_owned())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn of_a_writer_that_is_killed_removal_leaves_the_old_set_or_the_new_one_or_nothing() {
    for kind in Kind::ALL {
        for existing in [Existing::Refuse, Existing::Replace, Existing::Append] {
            let (mut outcomes, mut removed, mut restored) = (Vec::new(), 0, 0);
            // The second has fewer parts than the set before.
            for numbers in [NEW, FEWER] {
                for requests in 0.. {
                    let left = killed_writer(*kind, existing, numbers.clone(), requests).await;
                    outcomes.push(left.set);
                    removed += left.removed;
                    restored += u32::from(left.restored);
                    if left.was_written {
                        break;
                    }
                }
            }
            outcomes.dedup();
            let expected: &[_] = match existing {
                Existing::Append => &["old", "new", "old", "new"],
                _ => &["old", "unfinished", "new", "old", "unfinished", "new"],
            };
            assert_eq!(outcomes, expected, "{kind:?} {existing:?}");
            assert!(removed > 0, "{kind:?} {existing:?}: nothing was left");
            // Once for each of the sets: after the claim.
            let expected = if existing == Existing::Replace { 2 } else { 0 };
            assert_eq!(restored, expected, "{kind:?} {existing:?}");
        }
    }
}

/// The set and the objects after a writer was killed.
struct Left {
    /// Which set is read.
    set: &'static str,
    /// How many objects belonged to none.
    removed: usize,
    /// Whether the removal has restored the set before.
    restored: bool,
    was_written: bool,
}

/// Writes over an old set, if it may exist, with a writer that is killed. Checks the rows that readers see, and the
/// objects after the removal.
async fn killed_writer(kind: Kind, existing: Existing, numbers: Range<i64>, requests: u32) -> Left {
    let case = format!("{kind:?} {existing:?} {numbers:?} after {requests} requests");
    let memory = MemoryStore::with_buckets(["b"]);
    let s3 = S3::builder().store(memory.clone()).build().unwrap();
    let frames = Frames::new(&s3);
    let before: Vec<i64> = match existing {
        Existing::Refuse => Vec::new(),
        _ => OLD.collect(),
    };
    if !before.is_empty() {
        kind.write(&frames, OLD, 1, Existing::Refuse).await.unwrap();
    }
    let keys_before = keys(&s3).await;
    let after = match existing {
        Existing::Append => [before.clone(), numbers.clone().collect()].concat(),
        _ => numbers.clone().collect::<Vec<_>>(),
    };
    let writer = client(FaultStore::new(memory.clone(), killed_after(requests)));
    let written = kind
        .write(&writer, numbers, kind.text_len(), existing)
        .await;
    let set = match kind.read(&frames, Manifests::IfPresent).await {
        Ok(found) if found == before => "old",
        Ok(found) if found == after => "new",
        Ok(found) => panic!("{case}: {found:?}"),
        Err(Error::NoMatch(_)) if before.is_empty() => "old",
        Err(Error::Unfinished(_)) => "unfinished",
        Err(error) => panic!("{case}: {error}"),
    };
    assert!(written.is_err() || set == "new", "{case}");

    let sweep = s3.cleanup(Duration::ZERO).uploads_below("s3://b/");
    sweep.await.unwrap();
    assert_eq!(memory.unfinished_uploads(), 0, "{case}");
    let hour = Duration::from_secs(3600);
    assert_eq!(kind.remove_orphans(&frames, hour).await, [""; 0], "{case}");
    let removed = kind.remove_orphans(&frames, Duration::ZERO).await.len();
    let left = keys(&s3).await;
    let mut restored = false;
    match set {
        "old" => assert_eq!(left, keys_before, "{case}"),
        "new" => {
            assert_eq!(left.len(), after.len() + 1, "{case}: {left:?}");
            let found = kind.read(&frames, Manifests::Require).await;
            assert_eq!(found.unwrap(), after, "{case}");
        }
        // No part of the old set was replaced yet: it is restored.
        _ if !before.is_empty() && !left.is_empty() => {
            assert_eq!(left, keys_before, "{case}");
            let found = kind.read(&frames, Manifests::Require).await;
            assert_eq!(found.unwrap(), before, "{case}");
            restored = true;
        }
        _ => assert_eq!(left, [""; 0], "{case}"),
    }
    assert_eq!(
        kind.remove_orphans(&frames, Duration::ZERO).await,
        [""; 0],
        "{case}"
    );
    // Nothing is in the way of another write.
    let again = match left.is_empty() {
        true => Existing::Refuse,
        false => Existing::Replace,
    };
    kind.write(&frames, OLD, 1, again).await.unwrap();
    let found = kind.read(&frames, Manifests::Require).await;
    assert_eq!(found.unwrap(), OLD.collect::<Vec<_>>(), "{case}");
    assert_eq!(memory.object_count(), 4, "{case}");
    Left {
        set,
        removed,
        restored,
        was_written: written.is_ok(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_set_that_was_not_finished_can_be_replaced() {
    for kind in Kind::ALL {
        let mut unfinished = 0;
        for requests in 0.. {
            let memory = MemoryStore::with_buckets(["b"]);
            let writer = client(FaultStore::new(memory.clone(), killed_after(requests)));
            let written = kind
                .write(&writer, NEW, kind.text_len(), Existing::Refuse)
                .await;
            let frames = client(memory.clone());
            let found = kind.read(&frames, Manifests::IfPresent).await;
            unfinished += u32::from(matches!(found, Err(Error::Unfinished(_))));
            kind.write(&frames, OLD, 1, Existing::Replace)
                .await
                .unwrap();
            let found = kind.read(&frames, Manifests::Require).await;
            assert_eq!(found.unwrap(), OLD.collect::<Vec<_>>());
            assert_eq!(
                memory.object_count(),
                4,
                "{kind:?} after {requests} requests"
            );
            if written.is_ok() {
                break;
            }
        }
        assert!(unfinished > 2, "{kind:?}: {unfinished}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_writer_whose_set_is_removed_meanwhile_cannot_finish_it_and_leaves_nothing() {
    for kind in Kind::ALL {
        for (existing, before) in [(Existing::Refuse, 0), (Existing::Replace, OLD.count())] {
            // How many parts are completed before the set is removed.
            for completed in 0..=NEW.count() {
                let case = format!("{kind:?} {existing:?} after {completed} parts");
                let memory = MemoryStore::with_buckets(["b"]);
                let frames = client(memory.clone());
                if before > 0 {
                    kind.write(&frames, OLD, 1, Existing::Refuse).await.unwrap();
                }
                let stall = FaultAction::stall(Duration::from_secs(1));
                let later = FaultMatch::operation("PutObject").on(stall);
                let later = later.skip(1 + completed as u32);
                let writer = client(FaultStore::new(memory.clone(), FaultPlan::new([later])));
                let writing = kind.write(&writer, NEW, 1, existing);
                let removal = async {
                    tokio::time::sleep(Duration::from_millis(500)).await;
                    kind.remove_orphans(&frames, Duration::ZERO).await
                };
                let (written, removed) = future::join(writing, removal).await;
                assert!(
                    matches!(&written, Err(Error::Conflict(url)) if url == kind.manifest()),
                    "{case}: {written:?}"
                );
                if before > 0 && completed == 0 {
                    // The old set was restored, and then the writer has replaced its parts.
                    assert_eq!(removed, [""; 0], "{case}");
                    let error = kind.read(&frames, Manifests::Require).await.unwrap_err();
                    kind.assert_interrupted(&error, 0);
                    continue;
                }
                assert_eq!(removed.len(), completed.max(before) + 1, "{case}");
                assert_eq!(removed.last().unwrap(), kind.manifest(), "{case}");
                let s3 = S3::builder().store(memory).build().unwrap();
                assert_eq!(keys(&s3).await, [""; 0], "{case}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn faults_during_a_read_end_in_the_right_rows_or_an_error() {
    let (mut right, mut failed) = (0, 0);
    let memory = MemoryStore::with_buckets(["b"]);
    Kind::Csv
        .write(&client(memory.clone()), 0..20, 5000, Existing::Refuse)
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
            match Kind::Csv.read(&reader, manifests).await {
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
