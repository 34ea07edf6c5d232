//! Conformance cases of missing objects and missing buckets: the error of each operation.

use s3_core::{
    Attributes, BucketRequest, CopyRequest, CreateUpload, DeleteRequest, ErrorKind, GetRequest,
    HeadRequest, ListRequest, ListUploads, Operation, Payload, PutRequest, S3Url, Store,
};

use super::assertions::fails;
use super::harness::prefix_in;
use super::verdict::require;
use super::{Harness, Verdict};

fn in_missing_bucket(harness: &Harness) -> S3Url {
    S3Url::from_parts(&missing_bucket(harness), "k").expect("the bucket's name is legal")
}

fn missing_bucket(harness: &Harness) -> String {
    format!("{}-missing", harness.bucket)
}

/// Get of a missing object is `NotFound`.
pub async fn getting_a_missing_object_is_not_found(harness: &Harness) -> Verdict {
    fails(
        harness.store.get(GetRequest::new(harness.url("k"))).await,
        ErrorKind::NotFound,
    );
    let ranged = GetRequest::new(harness.url("k")).with_range(0..1);
    fails(harness.store.get(ranged).await, ErrorKind::NotFound);
    Verdict::Ran
}

/// Head of a missing object is `NotFound`.
pub async fn head_of_a_missing_object_is_not_found(harness: &Harness) -> Verdict {
    fails(
        harness.store.head(HeadRequest::new(harness.url("k"))).await,
        ErrorKind::NotFound,
    );
    assert!(!harness.exists("k").await);
    Verdict::Ran
}

/// A directory of a key, such as `a` of `a/b`, is not an object.
pub async fn a_directory_of_an_object_is_no_object(harness: &Harness) -> Verdict {
    harness.put("dir/file", "x").await;
    for key in ["dir", "di"] {
        fails(
            harness.store.head(HeadRequest::new(harness.url(key))).await,
            ErrorKind::NotFound,
        );
        fails(
            harness.store.get(GetRequest::new(harness.url(key))).await,
            ErrorKind::NotFound,
        );
    }
    Verdict::Ran
}

/// Get from a missing bucket.
pub async fn getting_from_a_missing_bucket(harness: &Harness) -> Verdict {
    let outcome = harness
        .store
        .get(GetRequest::new(in_missing_bucket(harness)))
        .await;
    fails(outcome, ErrorKind::NoSuchBucket);
    Verdict::Ran
}

/// HEAD in a missing bucket has no body, so it returns the same error as for a missing object.
pub async fn head_in_a_missing_bucket_is_not_found(harness: &Harness) -> Verdict {
    let outcome = harness
        .store
        .head(HeadRequest::new(in_missing_bucket(harness)))
        .await;
    fails(outcome, ErrorKind::NotFound);
    Verdict::Ran
}

/// Put into a missing bucket.
pub async fn putting_into_a_missing_bucket(harness: &Harness) -> Verdict {
    let request = PutRequest::new(in_missing_bucket(harness), Payload::from("x"));
    fails(harness.store.put(request).await, ErrorKind::NoSuchBucket);
    Verdict::Ran
}

/// Listing of a missing bucket.
pub async fn listing_a_missing_bucket(harness: &Harness) -> Verdict {
    let request = ListRequest::new(prefix_in(&missing_bucket(harness), ""));
    fails(
        harness.store.list_page(request).await,
        ErrorKind::NoSuchBucket,
    );
    Verdict::Ran
}

/// Delete from a missing bucket.
pub async fn deleting_from_a_missing_bucket(harness: &Harness) -> Verdict {
    let url = in_missing_bucket(harness);
    let request = DeleteRequest::new(missing_bucket(harness), vec![url]);
    fails(harness.store.delete(request).await, ErrorKind::NoSuchBucket);
    Verdict::Ran
}

/// Copies from and to a missing bucket.
pub async fn copying_from_and_to_a_missing_bucket(harness: &Harness) -> Verdict {
    harness.put("k", "x").await;
    let from = CopyRequest::new(in_missing_bucket(harness), harness.url("copy"));
    fails(harness.store.copy(from).await, ErrorKind::NoSuchBucket);
    let to = CopyRequest::new(harness.url("k"), in_missing_bucket(harness));
    fails(harness.store.copy(to).await, ErrorKind::NoSuchBucket);
    Verdict::Ran
}

/// CreateMultipartUpload in a missing bucket.
pub async fn uploading_to_a_missing_bucket(harness: &Harness) -> Verdict {
    let request = CreateUpload::new(in_missing_bucket(harness), Attributes::default());
    fails(
        harness.store.create_upload(request).await,
        ErrorKind::NoSuchBucket,
    );
    Verdict::Ran
}

/// ListMultipartUploads of a missing bucket.
pub async fn listing_uploads_of_a_missing_bucket(harness: &Harness) -> Verdict {
    require!(harness, list_uploads);
    let request = ListUploads::new(prefix_in(&missing_bucket(harness), ""));
    fails(
        harness.store.list_uploads(request).await,
        ErrorKind::NoSuchBucket,
    );
    Verdict::Ran
}

/// Deletion of a missing bucket.
pub async fn deleting_a_missing_bucket(harness: &Harness) -> Verdict {
    let request = BucketRequest::new(missing_bucket(harness));
    fails(
        harness.store.delete_bucket(request).await,
        ErrorKind::NoSuchBucket,
    );
    Verdict::Ran
}

/// An error names the operation and the resource.
pub async fn an_error_names_operation_and_place(harness: &Harness) -> Verdict {
    let url = harness.url("a b/ключ?x#y");
    let error = harness
        .store
        .get(GetRequest::new(url.clone()))
        .await
        .expect_err("there is no object");
    assert_eq!(
        (error.operation(), error.resource()),
        (Operation::Get, Some(url.as_str()))
    );
    assert_eq!(error.http_status(), Some(404));
    let error = harness
        .store
        .head(HeadRequest::new(url.clone()))
        .await
        .expect_err("there is no object");
    assert_eq!(
        (error.operation(), error.resource()),
        (Operation::Head, Some(url.as_str()))
    );
    assert_eq!(error.attempts(), 1, "a call of a store is one attempt");
    assert!(
        !error.retryability().is_retryable(),
        "a missing object is not retried"
    );
    Verdict::Ran
}
