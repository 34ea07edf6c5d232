//! Conformance cases of PutObject: exact bytes, read-after-write consistency, and conditional writes.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::future::join_all;
use s3_core::{ETag, ErrorKind, Payload, PutMode, PutRequest, Store};

use super::assertions::{fails, succeeds};
use super::pages::{all_keys, page};
use super::verdict::require;
use super::{Harness, Verdict};
use crate::{assert_ramp, ramp};

/// A second write replaces the first.
pub async fn a_write_replaces_what_is_there(harness: &Harness) -> Verdict {
    let first = harness.put("k", "longer before").await;
    let second = harness.put("k", "after").await;
    assert_ne!(first.etag, second.etag, "other bytes have another tag");
    assert_eq!(harness.read("k").await, "after");
    assert_eq!(harness.head("k").await.size, 5);
    assert_eq!(all_keys(harness, harness.listing("")).await, ["k"]);
    Verdict::Ran
}

/// A completed write is visible to GET, HEAD and listings.
pub async fn a_write_is_visible_at_once(harness: &Harness) -> Verdict {
    for round in 0..5 {
        assert!(!harness.exists("k").await, "round {round}");
        harness.put("k", "x").await;
        assert_eq!(harness.read("k").await, "x");
        assert_eq!(page(harness, harness.listing("k")).await.objects.len(), 1);
        super::copy_delete::delete(harness, &["k"]).await;
    }
    Verdict::Ran
}

/// A payload of several buffers is stored as their concatenation.
pub async fn a_payload_of_several_buffers_is_their_join(harness: &Harness) -> Verdict {
    let chunks =
        [0..7, 7..7, 7..70_000, 70_000..70_001].map(|range| ramp(range.start as u64, range.len()));
    let request = PutRequest::new(harness.url("k"), Payload::from_chunks(chunks));
    succeeds(harness.store.put(request).await);
    let bytes = harness.read("k").await;
    assert_eq!(bytes.len(), 70_001);
    assert_ramp(&bytes, 0);
    Verdict::Ran
}

/// A payload that is a range of a file can be sent twice.
pub async fn a_payload_from_a_file_can_be_sent_twice(harness: &Harness) -> Verdict {
    let payload = Payload::from_file(Arc::new(ramp_file(300_000)), 1000, 200_000);
    for key in ["first", "second"] {
        succeeds(
            harness
                .store
                .put(PutRequest::new(harness.url(key), payload.clone()))
                .await,
        );
        let bytes = harness.read(key).await;
        assert_eq!(bytes.len(), 200_000);
        assert_ramp(&bytes, 1000);
    }
    Verdict::Ran
}

/// Returns an open, unlinked file of ramp data.
fn ramp_file(len: usize) -> File {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("s3-conformance-{}-{count}", std::process::id());
    let path = std::env::temp_dir().join(name);
    let make = || {
        let mut file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)?;
        std::fs::remove_file(&path)?;
        file.write_all(&ramp(0, len))?;
        Ok::<_, std::io::Error>(file)
    };
    make().unwrap_or_else(|error| panic!("make {}: {error}", path.display()))
}

/// The ETag depends on the bytes only.
pub async fn the_same_bytes_have_the_same_tag(harness: &Harness) -> Verdict {
    let tags: Vec<_> = join_all(["a", "b"].map(|key| harness.put(key, "same"))).await;
    assert!(tags[0].etag.is_some(), "a write says the tag");
    assert_eq!(tags[0].etag, tags[1].etag);
    Verdict::Ran
}

/// A PUT with `If-None-Match: *` creates a new object.
pub async fn put_if_absent_writes_a_new_object(harness: &Harness) -> Verdict {
    require!(harness, put_if_absent);
    succeeds(
        harness
            .put_with("k", "x", |request| request.mode = PutMode::IfAbsent)
            .await,
    );
    assert_eq!(harness.read("k").await, "x");
    Verdict::Ran
}

/// A PUT with `If-None-Match: *` does not change an existing object.
pub async fn put_if_absent_leaves_an_object_alone(harness: &Harness) -> Verdict {
    require!(harness, put_if_absent);
    harness.put("k", "first").await;
    let outcome = harness
        .put_with("k", "second", |request| request.mode = PutMode::IfAbsent)
        .await;
    fails(outcome, ErrorKind::PreconditionFailed);
    assert_eq!(harness.read("k").await, "first");
    Verdict::Ran
}

/// Of several concurrent writers with `If-None-Match: *`, exactly one succeeds, and its bytes are stored.
pub async fn put_if_absent_has_one_winner(harness: &Harness) -> Verdict {
    require!(harness, put_if_absent);
    for round in 0..4 {
        let key = format!("k{round}");
        let writers = (0..8_u8).map(|writer| {
            let bytes = Bytes::from(vec![writer; 10_000]);
            harness.put_with(&key, bytes, |request| request.mode = PutMode::IfAbsent)
        });
        let outcomes = join_all(writers).await;
        let winners: Vec<usize> = (0..outcomes.len())
            .filter(|&index| outcomes[index].is_ok())
            .collect();
        assert_eq!(winners.len(), 1, "winners of round {round}: {winners:?}");
        let winner = u8::try_from(winners[0]).expect("there are eight writers");
        assert_eq!(harness.read(&key).await, vec![winner; 10_000]);
        for error in outcomes.into_iter().filter_map(Result::err) {
            // S3 returns 409 to a writer that loses while the winner is still writing.
            let kind = error.kind();
            assert!(
                matches!(kind, ErrorKind::PreconditionFailed | ErrorKind::Conflict),
                "{error}"
            );
        }
    }
    Verdict::Ran
}

/// A PUT with `If-Match` replaces the version with that ETag.
pub async fn put_if_match_replaces_the_version_it_knows(harness: &Harness) -> Verdict {
    require!(harness, put_if_match);
    let tag = harness
        .put("k", "first")
        .await
        .etag
        .expect("a write says the tag");
    succeeds(
        harness
            .put_with("k", "second", |request| {
                request.mode = PutMode::IfMatch(tag)
            })
            .await,
    );
    assert_eq!(harness.read("k").await, "second");
    Verdict::Ran
}

/// A PUT with `If-Match` does not change an object with another ETag.
pub async fn put_if_match_leaves_another_version_alone(harness: &Harness) -> Verdict {
    require!(harness, put_if_match);
    let old = harness
        .put("k", "first")
        .await
        .etag
        .expect("a write says the tag");
    harness.put("k", "second").await;
    let outcome = harness
        .put_with("k", "third", |request| request.mode = PutMode::IfMatch(old))
        .await;
    fails(outcome, ErrorKind::PreconditionFailed);
    assert_eq!(harness.read("k").await, "second");
    Verdict::Ran
}

/// A PUT with `If-Match` fails if the object does not exist.
pub async fn put_if_match_needs_an_object(harness: &Harness) -> Verdict {
    require!(harness, put_if_match);
    let tag = ETag::new("d41d8cd98f00b204e9800998ecf8427e");
    let outcome = harness
        .put_with("k", "x", |request| request.mode = PutMode::IfMatch(tag))
        .await;
    fails(outcome, ErrorKind::NotFound);
    assert!(!harness.exists("k").await);
    Verdict::Ran
}
