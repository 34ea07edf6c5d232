//! Conformance: conditional reads. Times are HTTP dates, in whole seconds.

use std::time::{Duration, SystemTime};

use s3_core::{Conditions, ETag, Error, ErrorKind, GetRequest, HeadRequest, Result, Store};

use super::assertions::{fails, succeeds};
use super::verdict::require;
use super::{Harness, Verdict};

const HOUR: Duration = Duration::from_secs(3600);

/// An object, its tag and when it was written.
struct Written {
    tag: ETag,
    at: SystemTime,
}

async fn written(harness: &Harness) -> Written {
    harness.put("k", "0123456789").await;
    let meta = harness.head("k").await;
    let tag = meta.etag.expect("head says the tag");
    Written {
        tag,
        at: meta.last_modified.expect("head says the time"),
    }
}

/// Gets and heads under conditions; both must come out alike. `Ok` means that the bytes came.
async fn read(harness: &Harness, change: impl Fn(&mut Conditions)) -> Result<()> {
    let mut get = GetRequest::new(harness.url("k"));
    let mut head = HeadRequest::new(harness.url("k"));
    change(&mut get.conditions);
    change(&mut head.conditions);
    let got = match harness.store.get(get).await {
        Ok(response) => response
            .body
            .collect()
            .await
            .map(|bytes| assert_eq!(bytes, "0123456789")),
        Err(error) => Err(error),
    };
    let headed = harness.store.head(head).await;
    let (got_kind, headed_kind) = (
        got.as_ref().map_err(Error::kind),
        headed.as_ref().map_err(Error::kind),
    );
    assert_eq!(
        got_kind.err(),
        headed_kind.err(),
        "get and head judge conditions alike"
    );
    got
}

/// The version that the caller knows is read.
pub async fn if_match_reads_the_version_it_names(harness: &Harness) -> Verdict {
    require!(harness, get_if_match);
    let Written { tag, .. } = written(harness).await;
    succeeds(
        read(harness, |conditions| {
            conditions.if_match = Some(tag.clone())
        })
        .await,
    );
    Verdict::Ran
}

/// Another version is not read.
pub async fn if_match_refuses_another_version(harness: &Harness) -> Verdict {
    require!(harness, get_if_match);
    let Written { tag, .. } = written(harness).await;
    harness.put("k", "another version").await;
    let outcome = read(harness, |conditions| {
        conditions.if_match = Some(tag.clone())
    })
    .await;
    fails(outcome, ErrorKind::PreconditionFailed);
    Verdict::Ran
}

/// A range of the version that the caller knows is read, and of no other: what pins a download in parts.
pub async fn if_match_pins_a_range(harness: &Harness) -> Verdict {
    require!(harness, get_if_match);
    let Written { tag, .. } = written(harness).await;
    let request = || {
        GetRequest::new(harness.url("k"))
            .with_range(2..4)
            .with_if_match(tag.clone())
    };
    let response = succeeds(harness.store.get(request()).await);
    assert_eq!(succeeds(response.body.collect().await), "23");
    harness.put("k", "another version").await;
    fails(
        harness.store.get(request()).await,
        ErrorKind::PreconditionFailed,
    );
    Verdict::Ran
}

/// A condition on what is not there is not found.
pub async fn if_match_on_a_missing_object_is_not_found(harness: &Harness) -> Verdict {
    let tag = ETag::new("d41d8cd98f00b204e9800998ecf8427e");
    let outcome = read(harness, |conditions| {
        conditions.if_match = Some(tag.clone())
    })
    .await;
    fails(outcome, ErrorKind::NotFound);
    Verdict::Ran
}

/// What the caller has already is not sent again.
pub async fn if_none_match_spares_the_same_version(harness: &Harness) -> Verdict {
    require!(harness, get_if_match);
    let Written { tag, .. } = written(harness).await;
    let outcome = read(harness, |conditions| {
        conditions.if_none_match = Some(tag.clone())
    })
    .await;
    fails(outcome, ErrorKind::NotModified);
    Verdict::Ran
}

/// What the caller does not have is sent.
pub async fn if_none_match_reads_another_version(harness: &Harness) -> Verdict {
    written(harness).await;
    let other = ETag::new("00000000000000000000000000000000");
    succeeds(
        read(harness, |conditions| {
            conditions.if_none_match = Some(other.clone())
        })
        .await,
    );
    Verdict::Ran
}

/// What was written since is sent.
pub async fn if_modified_since_reads_what_is_newer(harness: &Harness) -> Verdict {
    let Written { at, .. } = written(harness).await;
    succeeds(
        read(harness, |conditions| {
            conditions.if_modified_since = Some(at - HOUR)
        })
        .await,
    );
    Verdict::Ran
}

/// What was not written since is not sent; the second of the writing itself is not "since".
pub async fn if_modified_since_spares_what_is_older(harness: &Harness) -> Verdict {
    require!(harness, get_if_match);
    let Written { at, .. } = written(harness).await;
    let outcome = read(harness, |conditions| {
        conditions.if_modified_since = Some(at)
    })
    .await;
    fails(outcome, ErrorKind::NotModified);
    Verdict::Ran
}

/// What was not written since is read.
pub async fn if_unmodified_since_reads_what_is_older(harness: &Harness) -> Verdict {
    let Written { at, .. } = written(harness).await;
    succeeds(
        read(harness, |conditions| {
            conditions.if_unmodified_since = Some(at)
        })
        .await,
    );
    Verdict::Ran
}

/// What was written since is refused.
pub async fn if_unmodified_since_refuses_what_is_newer(harness: &Harness) -> Verdict {
    require!(harness, get_if_match);
    let Written { at, .. } = written(harness).await;
    let outcome = read(harness, |conditions| {
        conditions.if_unmodified_since = Some(at - HOUR)
    })
    .await;
    fails(outcome, ErrorKind::PreconditionFailed);
    Verdict::Ran
}

/// A tag that matches beats a time that does not, for both pairs of conditions.
pub async fn a_tag_beats_a_time(harness: &Harness) -> Verdict {
    require!(harness, get_if_match);
    let Written { tag, at } = written(harness).await;
    let matches_but_newer = read(harness, |conditions| {
        conditions.if_match = Some(tag.clone());
        conditions.if_unmodified_since = Some(at - HOUR);
    });
    succeeds(matches_but_newer.await);
    let same_but_newer = read(harness, |conditions| {
        conditions.if_none_match = Some(tag.clone());
        conditions.if_modified_since = Some(at - HOUR);
    });
    fails(same_but_newer.await, ErrorKind::NotModified);
    Verdict::Ran
}
