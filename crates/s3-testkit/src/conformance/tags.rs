//! Conformance cases of object tags: GetObjectTagging, PutObjectTagging, and tags of writes and copies.

use s3_core::{
    Attributes, CompleteUpload, CopyRequest, CreateUpload, ErrorKind, GetTags, SetTags, Store,
    Tags, UploadPart,
};

use super::assertions::{fails, succeeds};
use super::verdict::require;
use super::{Harness, Verdict};

fn tags(pairs: &[(&str, &str)]) -> Tags {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

async fn of(harness: &Harness, key: &str) -> Tags {
    succeeds(harness.store.get_tags(GetTags::new(harness.url(key))).await)
}

async fn put(harness: &Harness, key: &str, tags: Tags) {
    let mut attributes = Attributes::default();
    attributes.tags = tags;
    let put = harness.put_with(key, "x", |request| request.attributes = attributes);
    succeeds(put.await);
}

/// An object without tags has an empty set.
pub async fn an_object_has_no_tags_at_first(harness: &Harness) -> Verdict {
    require!(harness, tags);
    harness.put("k", "x").await;
    assert_eq!(of(harness, "k").await, Tags::new());
    assert_eq!(harness.head("k").await.tag_count, 0);
    Verdict::Ran
}

/// A write stores its tags; GET and HEAD return their number.
pub async fn a_write_brings_its_tags(harness: &Harness) -> Verdict {
    require!(harness, tags);
    let sent = tags(&[("animal", "cat"), ("odd + name", "a=b & é")]);
    put(harness, "k", sent.clone()).await;
    assert_eq!(of(harness, "k").await, sent);
    assert_eq!(harness.head("k").await.tag_count, 2);
    assert_eq!(harness.get("k").await.meta.tag_count, 2);
    Verdict::Ran
}

/// PutObjectTagging replaces all tags and does not change the object.
pub async fn tags_are_replaced_as_a_whole(harness: &Harness) -> Verdict {
    require!(harness, tags);
    put(harness, "k", tags(&[("a", "1"), ("b", "2")])).await;
    let before = harness.head("k").await;
    for new in [tags(&[("c", "<3>")]), Tags::new()] {
        let set = SetTags::new(harness.url("k"), new.clone());
        succeeds(harness.store.set_tags(set).await);
        assert_eq!(of(harness, "k").await, new);
    }
    let after = harness.head("k").await;
    assert_eq!((before.etag, before.size), (after.etag, after.size));
    Verdict::Ran
}

/// More than ten tags, or a tag key of more than 128 characters, are rejected.
pub async fn too_many_tags_are_rejected(harness: &Harness) -> Verdict {
    require!(harness, tags);
    harness.put("k", "x").await;
    let many: Tags = (0..11)
        .map(|number| (format!("name{number}"), String::new()))
        .collect();
    let long = tags(&[(&"n".repeat(129), "")]);
    for rejected in [many, long] {
        let set = SetTags::new(harness.url("k"), rejected);
        fails(harness.store.set_tags(set).await, ErrorKind::InvalidInput);
    }
    assert_eq!(of(harness, "k").await, Tags::new());
    Verdict::Ran
}

/// Reading or setting the tags of a missing object fails.
pub async fn a_missing_object_has_no_tags(harness: &Harness) -> Verdict {
    require!(harness, tags);
    let url = harness.url("missing");
    let set = SetTags::new(url.clone(), tags(&[("a", "1")]));
    fails(harness.store.set_tags(set).await, ErrorKind::NotFound);
    let get = harness.store.get_tags(GetTags::new(url)).await;
    fails(get, ErrorKind::NotFound);
    Verdict::Ran
}

/// A copy has the tags of its source, or its own.
pub async fn a_copy_keeps_or_replaces_tags(harness: &Harness) -> Verdict {
    require!(harness, tags);
    let source = tags(&[("a", "1")]);
    put(harness, "from", source.clone()).await;
    let copy = CopyRequest::new(harness.url("from"), harness.url("kept"));
    succeeds(harness.store.copy(copy).await);
    assert_eq!(of(harness, "kept").await, source);
    let own = tags(&[("b", "2")]);
    let copy = CopyRequest::new(harness.url("from"), harness.url("own"));
    succeeds(harness.store.copy(copy.with_tags(own.clone())).await);
    assert_eq!(of(harness, "own").await, own);
    Verdict::Ran
}

/// A multipart upload keeps the tags that it was created with.
pub async fn an_upload_brings_its_tags(harness: &Harness) -> Verdict {
    require!(harness, tags);
    let url = harness.url("k");
    let attributes = Attributes::default().with_tag("a", "1");
    let create = CreateUpload::new(url.clone(), attributes);
    let upload = succeeds(harness.store.create_upload(create).await);
    let part = UploadPart::new(url.clone(), upload.clone(), 1, "x".into());
    let tag = succeeds(harness.store.upload_part(part).await);
    let complete = CompleteUpload::new(url, upload, vec![tag]);
    succeeds(harness.store.complete_upload(complete).await);
    assert_eq!(of(harness, "k").await, tags(&[("a", "1")]));
    Verdict::Ran
}
