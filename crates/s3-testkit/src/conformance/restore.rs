//! Conformance cases of archived objects (GLACIER) and RestoreObject.

use s3_core::{
    Attributes, CopyRequest, CreateUpload, ErrorKind, GetRequest, ObjectMeta, RestoreRequest,
    RestoreStatus, Store, UploadPartCopy,
};

use super::assertions::{fails, succeeds};
use super::copy_delete::delete;
use super::verdict::require;
use super::{Harness, Verdict};

async fn archive(harness: &Harness, key: &str) {
    let archived = Attributes::default().with_storage_class("GLACIER");
    let put = harness.put_with(key, "hello", |request| request.attributes = archived);
    succeeds(put.await);
}

async fn restore(harness: &Harness, key: &str) {
    let request = RestoreRequest::new(harness.url(key), 2);
    succeeds(harness.store.restore(request).await);
}

fn is_restored(meta: &ObjectMeta) -> bool {
    matches!(
        meta.restore,
        Some(RestoreStatus::Restored { until: Some(_) })
    )
}

/// HEAD of an archived object succeeds; GET fails, and the error has a hint.
pub async fn an_archived_object_is_not_read(harness: &Harness) -> Verdict {
    require!(harness, restore);
    archive(harness, "k").await;
    let meta = harness.head("k").await;
    assert_eq!((meta.size, meta.restore), (5, None));
    let outcome = harness.store.get(GetRequest::new(harness.url("k"))).await;
    let error = outcome.expect_err("the object is archived");
    assert_eq!(error.kind(), ErrorKind::Archived, "{error}");
    assert!(
        error.hint().is_some_and(|hint| hint.contains("restore")),
        "{error}"
    );
    Verdict::Ran
}

/// A restored object can be read, and GET and HEAD return the expiry of the restored copy.
pub async fn a_restored_object_is_read(harness: &Harness) -> Verdict {
    require!(harness, restore);
    archive(harness, "k").await;
    restore(harness, "k").await;
    assert_eq!(harness.read("k").await, "hello");
    assert!(is_restored(&harness.head("k").await));
    assert!(is_restored(&harness.get("k").await.meta));
    let class = harness.head("k").await.attributes.storage_class;
    assert_eq!(class.as_deref(), Some("GLACIER"));
    // A second restore extends the expiry.
    restore(harness, "k").await;
    assert_eq!(harness.read("k").await, "hello");
    Verdict::Ran
}

/// An archived object is neither copied nor copied into a part.
pub async fn an_archived_object_is_not_copied(harness: &Harness) -> Verdict {
    require!(harness, restore);
    archive(harness, "k").await;
    let copy = || CopyRequest::new(harness.url("k"), harness.url("copy"));
    fails(harness.store.copy(copy()).await, ErrorKind::Archived);
    assert!(!harness.exists("copy").await);
    let create = CreateUpload::new(harness.url("parts"), Attributes::default());
    let upload = succeeds(harness.store.create_upload(create).await);
    let part = UploadPartCopy::new(harness.url("parts"), upload.clone(), 1, harness.url("k"));
    let copied = harness.store.upload_part_copy(part).await;
    fails(copied, ErrorKind::Archived);
    let abort = s3_core::AbortUpload::new(harness.url("parts"), upload);
    succeeds(harness.store.abort_upload(abort).await);
    restore(harness, "k").await;
    succeeds(harness.store.copy(copy()).await);
    // The copy has the default storage class.
    assert_eq!(harness.read("copy").await, "hello");
    Verdict::Ran
}

/// RestoreObject fails for an object that is not archived, and for a missing one.
pub async fn only_an_archived_object_is_restored(harness: &Harness) -> Verdict {
    require!(harness, restore);
    harness.put("k", "hello").await;
    let request = RestoreRequest::new(harness.url("k"), 1);
    fails(
        harness.store.restore(request).await,
        ErrorKind::InvalidInput,
    );
    let request = RestoreRequest::new(harness.url("missing"), 1);
    fails(harness.store.restore(request).await, ErrorKind::NotFound);
    archive(harness, "archived").await;
    let request = RestoreRequest::new(harness.url("archived"), 0);
    fails(
        harness.store.restore(request).await,
        ErrorKind::InvalidInput,
    );
    Verdict::Ran
}

/// An archived object can be deleted and replaced.
pub async fn an_archived_object_can_be_replaced(harness: &Harness) -> Verdict {
    require!(harness, restore);
    archive(harness, "k").await;
    restore(harness, "k").await;
    archive(harness, "k").await;
    assert_eq!(harness.head("k").await.restore, None);
    delete(harness, &["k"]).await;
    harness.put("k", "new").await;
    assert_eq!(harness.read("k").await, "new");
    Verdict::Ran
}
