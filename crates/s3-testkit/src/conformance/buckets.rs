//! Conformance cases of ListBuckets, CreateBucket, DeleteBucket and presigned URLs.

use std::time::Duration;

use s3_core::{
    BucketRequest, DeleteRequest, ErrorKind, ListRequest, PresignMethod, PresignRequest, S3Url,
    Store, StoreExt,
};

use super::assertions::{fails, succeeds};
use super::harness::prefix_in;
use super::verdict::require;
use super::{Harness, Verdict};

fn named(harness: &Harness, suffix: &str) -> String {
    format!("{}-b{suffix}", harness.bucket)
}

async fn names(harness: &Harness) -> Vec<String> {
    let buckets = succeeds(harness.store.list_buckets().await);
    buckets
        .into_iter()
        .map(|bucket| bucket.name.to_string())
        .collect()
}

/// The bucket of the case is listed.
pub async fn a_bucket_is_listed(harness: &Harness) -> Verdict {
    assert!(names(harness).await.contains(&harness.bucket));
    Verdict::Ran
}

/// A new bucket exists and is empty, and is missing after its deletion.
pub async fn a_bucket_comes_and_goes(harness: &Harness) -> Verdict {
    let bucket = named(harness, "1");
    succeeds(
        harness
            .store
            .create_bucket(BucketRequest::new(bucket.as_str()))
            .await,
    );
    assert!(names(harness).await.contains(&bucket));
    let listing = || ListRequest::new(prefix_in(&bucket, ""));
    assert!(
        succeeds(harness.store.list_page(listing()).await)
            .objects
            .is_empty()
    );
    succeeds(
        harness
            .store
            .delete_bucket(BucketRequest::new(bucket.as_str()))
            .await,
    );
    assert!(!names(harness).await.contains(&bucket));
    fails(
        harness.store.list_page(listing()).await,
        ErrorKind::NoSuchBucket,
    );
    Verdict::Ran
}

/// Buckets are listed in the order of their names.
pub async fn buckets_are_listed_by_name(harness: &Harness) -> Verdict {
    let made = ["c", "a", "b"].map(|suffix| named(harness, suffix));
    for bucket in &made {
        succeeds(
            harness
                .store
                .create_bucket(BucketRequest::new(bucket.as_str()))
                .await,
        );
    }
    let listed = names(harness).await;
    for bucket in &made {
        succeeds(
            harness
                .store
                .delete_bucket(BucketRequest::new(bucket.as_str()))
                .await,
        );
    }
    let mut sorted = listed.clone();
    sorted.sort();
    assert_eq!(listed, sorted);
    assert!(
        made.iter().all(|bucket| listed.contains(bucket)),
        "{listed:?}"
    );
    Verdict::Ran
}

/// CreateBucket for an existing bucket fails or leaves it unchanged: S3 in us-east-1 accepts it from the owner.
pub async fn a_bucket_is_made_once(harness: &Harness) -> Verdict {
    let url = harness.url("kept");
    succeeds(harness.store.put_bytes(url.clone(), "kept").await);
    let again = BucketRequest::new(harness.bucket.as_str());
    if let Err(error) = harness.store.create_bucket(again).await {
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    }
    assert_eq!(succeeds(harness.store.get_bytes(url).await), "kept");
    Verdict::Ran
}

/// A bucket with an object in it is not deleted.
pub async fn a_full_bucket_stays(harness: &Harness) -> Verdict {
    require!(harness, exact_keys);
    let bucket = named(harness, "2");
    succeeds(
        harness
            .store
            .create_bucket(BucketRequest::new(bucket.as_str()))
            .await,
    );
    let url = S3Url::from_parts(&bucket, "k").expect("the bucket's name is legal");
    succeeds(harness.store.put_bytes(url.clone(), "x").await);
    let outcome = harness
        .store
        .delete_bucket(BucketRequest::new(bucket.as_str()))
        .await;
    fails(outcome, ErrorKind::InvalidInput);
    assert_eq!(succeeds(harness.store.get_bytes(url.clone()).await), "x");
    succeeds(
        harness
            .store
            .delete(DeleteRequest::new(bucket.as_str(), vec![url]))
            .await,
    );
    succeeds(
        harness
            .store
            .delete_bucket(BucketRequest::new(bucket))
            .await,
    );
    Verdict::Ran
}

/// The same key in two buckets names two objects.
pub async fn buckets_do_not_mix(harness: &Harness) -> Verdict {
    let bucket = named(harness, "3");
    succeeds(
        harness
            .store
            .create_bucket(BucketRequest::new(bucket.as_str()))
            .await,
    );
    let other =
        S3Url::from_parts(&bucket, harness.url("k").key()).expect("the bucket's name is legal");
    harness.put("k", "here").await;
    succeeds(harness.store.put_bytes(other.clone(), "there").await);
    assert_eq!(harness.read("k").await, "here");
    succeeds(
        harness
            .store
            .delete(DeleteRequest::new(bucket.as_str(), vec![other]))
            .await,
    );
    assert_eq!(harness.read("k").await, "here");
    succeeds(
        harness
            .store
            .delete_bucket(BucketRequest::new(bucket))
            .await,
    );
    Verdict::Ran
}

/// A presigned URL is an HTTP URL with a signature, and is created without a request.
pub async fn a_presigned_url_carries_a_signature(harness: &Harness) -> Verdict {
    require!(harness, presign);
    for method in [
        PresignMethod::Get,
        PresignMethod::Head,
        PresignMethod::Put,
        PresignMethod::Delete,
    ] {
        let request =
            PresignRequest::new(harness.url("not there"), method, Duration::from_secs(60));
        let address = succeeds(harness.store.presign(request).await);
        assert!(address.starts_with("http"), "{address}");
        assert!(
            address.contains("X-Amz-Signature=") && address.contains("X-Amz-Expires=60"),
            "{address}"
        );
        assert!(address.contains("not%20there"), "{address}");
    }
    Verdict::Ran
}
