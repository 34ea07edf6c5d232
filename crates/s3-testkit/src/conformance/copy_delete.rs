//! Conformance cases of CopyObject, DeleteObject and DeleteObjects.

use s3_core::{
    Attributes, BucketRequest, CopyRequest, DeleteRequest, ETag, Encryption, ErrorKind, PutMode,
    S3Url, Store, StoreExt,
};

use super::assertions::{fails, succeeds};
use super::pages::all_keys;
use super::verdict::require;
use super::{Harness, Verdict};
use crate::{assert_ramp, ramp};

/// Deletes keys of the case.
pub(super) async fn delete(harness: &Harness, keys: &[&str]) {
    let urls = keys.iter().map(|key| harness.url(key)).collect();
    let response = succeeds(
        harness
            .store
            .delete(DeleteRequest::new(harness.bucket.as_str(), urls))
            .await,
    );
    assert!(response.failures.is_empty(), "{:?}", response.failures);
}

fn attributes(name: &str) -> Attributes {
    let mut attributes = Attributes::default();
    attributes.content_type = Some(format!("text/{name}").into());
    attributes.user.insert("name".to_owned(), name.to_owned());
    attributes
}

async fn put_source(harness: &Harness) {
    succeeds(
        harness
            .put_with("from", ramp(0, 1000), |request| {
                request.attributes = attributes("source")
            })
            .await,
    );
}

fn copy(harness: &Harness, from: &str, to: &str) -> CopyRequest {
    CopyRequest::new(harness.url(from), harness.url(to))
}

/// A copy has the bytes of its source, which is unchanged.
pub async fn a_copy_has_the_bytes(harness: &Harness) -> Verdict {
    put_source(harness).await;
    let written = succeeds(harness.store.copy(copy(harness, "from", "to")).await);
    for key in ["from", "to"] {
        let bytes = harness.read(key).await;
        assert_eq!(bytes.len(), 1000);
        assert_ramp(&bytes, 0);
    }
    assert_eq!(written.etag, harness.head("to").await.etag);
    Verdict::Ran
}

/// A copy has the attributes of its source.
pub async fn a_copy_keeps_the_attributes(harness: &Harness) -> Verdict {
    require!(harness, attributes);
    put_source(harness).await;
    succeeds(harness.store.copy(copy(harness, "from", "to")).await);
    let kept = harness.head("to").await.attributes;
    assert_eq!(kept.content_type.as_deref(), Some("text/source"));
    assert_eq!(kept.user, attributes("source").user);
    Verdict::Ran
}

/// A copy may request encryption, and keeps all other attributes.
pub async fn a_copy_may_be_encrypted_and_keeps_the_attributes(harness: &Harness) -> Verdict {
    require!(harness, attributes);
    put_source(harness).await;
    for to in ["to", "from"] {
        let mut request = copy(harness, "from", to);
        request.encryption = Some(Encryption::new("AES256"));
        succeeds(harness.store.copy(request).await);
        let mut expected = harness.head("from").await.attributes;
        expected.encryption = Some(Encryption::new("AES256"));
        assert_eq!(harness.head(to).await.attributes, expected, "{to}");
    }
    Verdict::Ran
}

/// A copy with new attributes has only those.
pub async fn a_copy_may_replace_the_attributes(harness: &Harness) -> Verdict {
    require!(harness, attributes);
    put_source(harness).await;
    let mut request = copy(harness, "from", "to");
    let mut new = Attributes::default();
    new.content_type = Some("text/new".into());
    new.user.insert("other".to_owned(), "1".to_owned());
    request.attributes = Some(new.clone());
    succeeds(harness.store.copy(request).await);
    let replaced = harness.head("to").await.attributes;
    assert_eq!(replaced.content_type, new.content_type);
    assert_eq!(replaced.user, new.user);
    Verdict::Ran
}

/// A copy replaces an existing object.
pub async fn a_copy_replaces_what_is_there(harness: &Harness) -> Verdict {
    put_source(harness).await;
    harness.put("to", "before").await;
    succeeds(harness.store.copy(copy(harness, "from", "to")).await);
    assert_eq!(harness.read("to").await.len(), 1000);
    Verdict::Ran
}

/// An empty object can be copied.
pub async fn an_empty_object_can_be_copied(harness: &Harness) -> Verdict {
    harness.put("from", "").await;
    succeeds(harness.store.copy(copy(harness, "from", "to")).await);
    assert_eq!(harness.head("to").await.size, 0);
    Verdict::Ran
}

/// A copy of an object onto itself that changes nothing is rejected.
pub async fn a_copy_onto_itself_is_rejected(harness: &Harness) -> Verdict {
    require!(harness, attributes);
    put_source(harness).await;
    fails(
        harness.store.copy(copy(harness, "from", "from")).await,
        ErrorKind::InvalidInput,
    );
    assert_eq!(harness.read("from").await.len(), 1000);
    Verdict::Ran
}

/// A copy of an object onto itself can replace its attributes.
pub async fn a_copy_onto_itself_changes_attributes(harness: &Harness) -> Verdict {
    require!(harness, attributes);
    put_source(harness).await;
    let mut request = copy(harness, "from", "from");
    request.attributes = Some(attributes("new"));
    succeeds(harness.store.copy(request).await);
    assert_eq!(
        harness.head("from").await.attributes.user,
        attributes("new").user
    );
    assert_ramp(&harness.read("from").await, 0);
    Verdict::Ran
}

/// A copy of a missing object is `NotFound`.
pub async fn a_copy_needs_its_source(harness: &Harness) -> Verdict {
    fails(
        harness.store.copy(copy(harness, "from", "to")).await,
        ErrorKind::NotFound,
    );
    assert!(!harness.exists("to").await);
    Verdict::Ran
}

/// A copy may have a condition on the ETag of its source.
pub async fn a_copy_may_insist_on_its_source(harness: &Harness) -> Verdict {
    require!(harness, get_if_match);
    put_source(harness).await;
    let mut request = copy(harness, "from", "to");
    request.source_conditions.if_match = Some(ETag::new("00000000000000000000000000000000"));
    fails(
        harness.store.copy(request.clone()).await,
        ErrorKind::PreconditionFailed,
    );
    assert!(!harness.exists("to").await);
    request.source_conditions.if_match = harness.head("from").await.etag;
    succeeds(harness.store.copy(request).await);
    assert!(harness.exists("to").await);
    Verdict::Ran
}

/// A copy may have the condition that its target does not exist.
pub async fn a_copy_may_insist_on_a_free_place(harness: &Harness) -> Verdict {
    require!(harness, put_if_absent, put_if_match);
    put_source(harness).await;
    harness.put("taken", "before").await;
    let mut request = copy(harness, "from", "taken");
    request.mode = PutMode::IfAbsent;
    fails(
        harness.store.copy(request.clone()).await,
        ErrorKind::PreconditionFailed,
    );
    assert_eq!(harness.read("taken").await, "before");
    request.to = harness.url("free");
    succeeds(harness.store.copy(request).await);
    assert_eq!(harness.read("free").await.len(), 1000);
    Verdict::Ran
}

/// Objects can be copied into another bucket.
pub async fn a_copy_may_cross_buckets(harness: &Harness) -> Verdict {
    put_source(harness).await;
    let other = format!("{}-other", harness.bucket);
    succeeds(
        harness
            .store
            .create_bucket(BucketRequest::new(other.as_str()))
            .await,
    );
    let to = S3Url::from_parts(&other, "to").expect("the bucket's name is legal");
    succeeds(
        harness
            .store
            .copy(CopyRequest::new(harness.url("from"), to.clone()))
            .await,
    );
    assert_ramp(&succeeds(harness.store.get_bytes(to.clone()).await), 0);
    succeeds(
        harness
            .store
            .delete(DeleteRequest::new(other.as_str(), vec![to]))
            .await,
    );
    succeeds(harness.store.delete_bucket(BucketRequest::new(other)).await);
    Verdict::Ran
}

/// A deleted object is missing from GET, HEAD and listing.
pub async fn a_deleted_object_is_gone(harness: &Harness) -> Verdict {
    harness.put_all(&["stays", "goes"]).await;
    delete(harness, &["goes"]).await;
    assert!(!harness.exists("goes").await);
    assert_eq!(all_keys(harness, harness.listing("")).await, ["stays"]);
    Verdict::Ran
}

/// Deletes of missing objects succeed, alone and in a batch, and so does an empty batch.
pub async fn deleting_what_is_not_there_succeeds(harness: &Harness) -> Verdict {
    delete(harness, &[]).await;
    delete(harness, &["never"]).await;
    harness.put_all(&["a", "b"]).await;
    delete(harness, &["a", "never", "b"]).await;
    assert!(all_keys(harness, harness.listing("")).await.is_empty());
    Verdict::Ran
}

/// A batch may contain a key twice.
pub async fn a_key_may_be_deleted_twice_at_once(harness: &Harness) -> Verdict {
    harness.put("k", "").await;
    delete(harness, &["k", "k"]).await;
    assert!(!harness.exists("k").await);
    Verdict::Ran
}

/// Deleting `dir` or `dir/` deletes that key only, not the keys below it.
pub async fn a_delete_is_not_recursive(harness: &Harness) -> Verdict {
    require!(harness, exact_keys);
    harness.put_all(&["dir", "dir/", "dir/file"]).await;
    delete(harness, &["dir/"]).await;
    delete(harness, &["dir"]).await;
    assert_eq!(all_keys(harness, harness.listing("")).await, ["dir/file"]);
    Verdict::Ran
}

/// One batch can delete 1,000 keys.
pub async fn a_thousand_keys_go_at_once(harness: &Harness) -> Verdict {
    let keys: Vec<String> = (0..DeleteRequest::MAX_KEYS)
        .map(|number| format!("k{number}"))
        .collect();
    for key in keys.iter().step_by(50) {
        harness.put(key, "").await;
    }
    let names: Vec<&str> = keys.iter().map(String::as_str).collect();
    delete(harness, &names).await;
    assert!(all_keys(harness, harness.listing("")).await.is_empty());
    Verdict::Ran
}

/// A batch deletes keys that XML must escape, and no other keys.
pub async fn odd_keys_are_deleted_in_one_batch(harness: &Harness) -> Verdict {
    let odd = ["<a>", "&amp;", "'", "\"", "a b", "a%20b", "é"];
    harness.put_all(&odd).await;
    harness.put_all(&["&", "a+b"]).await;
    delete(harness, &odd).await;
    let mut left = all_keys(harness, harness.listing("")).await;
    left.sort();
    assert_eq!(left, ["&", "a+b"]);
    Verdict::Ran
}
