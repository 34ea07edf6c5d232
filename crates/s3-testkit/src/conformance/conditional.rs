//! Conformance cases of conditional reads, copies and deletes. Times are HTTP dates, in whole seconds.

use std::time::{Duration, SystemTime};

use s3_core::{
    Conditions, CopyRequest, DeleteRequest, ETag, Error, ErrorKind, GetRequest, HeadRequest,
    Result, Store,
};

use super::assertions::{fails, succeeds};
use super::verdict::require;
use super::{Harness, Verdict};

const HOUR: Duration = Duration::from_secs(3600);

/// An object, its ETag and the time when it was written.
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

/// Gets and heads with conditions; both must have the same outcome. `Ok` means that the bytes arrived.
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

/// `If-Match` with the current ETag reads the object.
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

/// `If-Match` with another ETag fails.
pub async fn if_match_rejects_another_version(harness: &Harness) -> Verdict {
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

/// `If-Match` applies to ranges too: parallel downloads pin their version with it.
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

/// `If-Match` on a missing object is `NotFound`.
pub async fn if_match_on_a_missing_object_is_not_found(harness: &Harness) -> Verdict {
    let tag = ETag::new("d41d8cd98f00b204e9800998ecf8427e");
    let outcome = read(harness, |conditions| {
        conditions.if_match = Some(tag.clone())
    })
    .await;
    fails(outcome, ErrorKind::NotFound);
    Verdict::Ran
}

/// `If-None-Match` with the current ETag is `NotModified`.
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

/// `If-None-Match` with another ETag reads the object.
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

/// `If-Modified-Since` reads an object written after that time.
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

/// `If-Modified-Since` is `NotModified` for an object written in that second or earlier.
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

/// `If-Unmodified-Since` reads an object written in that second or earlier.
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

/// `If-Unmodified-Since` fails for an object written after that time.
pub async fn if_unmodified_since_rejects_what_is_newer(harness: &Harness) -> Verdict {
    require!(harness, get_if_match);
    let Written { at, .. } = written(harness).await;
    let outcome = read(harness, |conditions| {
        conditions.if_unmodified_since = Some(at - HOUR)
    })
    .await;
    fails(outcome, ErrorKind::PreconditionFailed);
    Verdict::Ran
}

/// An ETag that matches takes precedence over a time that does not, for both pairs of conditions.
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

/// A copy accepts the conditions of a read for its source. Each failed condition is `PreconditionFailed`.
pub async fn a_copy_takes_conditions_on_its_source(harness: &Harness) -> Verdict {
    require!(harness, get_if_match);
    let Written { tag, at } = written(harness).await;
    let other = || ETag::new("00000000000000000000000000000000");
    for (conditions, holds) in [
        (Conditions::default().with_if_match(tag.clone()), true),
        (Conditions::default().with_if_match(other()), false),
        (Conditions::default().with_if_none_match(tag), false),
        (Conditions::default().with_if_none_match(other()), true),
        (
            Conditions::default().with_if_modified_since(at - HOUR),
            true,
        ),
        (Conditions::default().with_if_modified_since(at), false),
        (Conditions::default().with_if_unmodified_since(at), true),
        (
            Conditions::default().with_if_unmodified_since(at - HOUR),
            false,
        ),
    ] {
        let copy = CopyRequest::new(harness.url("k"), harness.url("copy"));
        let copy = copy.with_source_conditions(conditions.clone());
        match harness.store.copy(copy).await {
            Ok(_) => assert!(holds, "{conditions:?}"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::PreconditionFailed, "{error}");
                assert!(!holds, "{conditions:?}: {error}");
            }
        }
    }
    Verdict::Ran
}

fn delete_if(harness: &Harness, keys: &[(&str, Option<&ETag>)]) -> DeleteRequest {
    let urls = keys.iter().map(|(key, _)| harness.url(key));
    let request = DeleteRequest::new(harness.bucket.as_str(), urls.collect());
    request.with_if_match(keys.iter().map(|(_, tag)| tag.cloned()).collect())
}

/// A delete may have an `If-Match` condition.
pub async fn a_delete_may_insist_on_its_object(harness: &Harness) -> Verdict {
    require!(harness, delete_if_match);
    let Written { tag, .. } = written(harness).await;
    let other = ETag::new("00000000000000000000000000000000");
    for (wanted, deleted) in [(&other, false), (&tag, true)] {
        let request = delete_if(harness, &[("k", Some(wanted))]);
        let failures = succeeds(harness.store.delete(request).await).failures;
        let kinds: Vec<_> = { failures.iter() }.map(|(_, error)| error.kind()).collect();
        let rejected = match deleted {
            true => vec![],
            false => vec![ErrorKind::PreconditionFailed],
        };
        assert_eq!(kinds, rejected);
        assert_eq!(harness.exists("k").await, !deleted);
    }
    Verdict::Ran
}

/// In a batch, each object is deleted only if its own condition is met.
pub async fn a_batch_deletes_what_meets_its_condition(harness: &Harness) -> Verdict {
    require!(harness, delete_if_match);
    let Written { tag, .. } = written(harness).await;
    harness.put_all(&["a", "b"]).await;
    let request = delete_if(
        harness,
        &[("a", None), ("b", Some(&tag)), ("k", Some(&tag))],
    );
    let failures = succeeds(harness.store.delete(request).await).failures;
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert_eq!(
        (failures[0].0, failures[0].1.kind()),
        (1, ErrorKind::PreconditionFailed)
    );
    for (key, is_left) in [("a", false), ("b", true), ("k", false)] {
        assert_eq!(harness.exists(key).await, is_left, "{key}");
    }
    Verdict::Ran
}

/// A conditional delete of a missing object fails.
pub async fn a_delete_under_a_condition_needs_an_object(harness: &Harness) -> Verdict {
    require!(harness, delete_if_match);
    let Written { tag, .. } = written(harness).await;
    for keys in [
        &[("missing", Some(&tag))][..],
        &[("missing", Some(&tag)), ("other", None)],
    ] {
        let request = delete_if(harness, keys);
        let failures = succeeds(harness.store.delete(request).await).failures;
        let failed: Vec<_> = { failures.iter() }
            .map(|(index, error)| (*index, error.kind()))
            .collect();
        assert_eq!(failed, [(0, ErrorKind::NotFound)]);
    }
    Verdict::Ran
}
