//! ListBuckets, CreateBucket, DeleteBucket, HeadBucket and GetBucketLocation.

use s3_core::{BucketRequest, Store};
use s3s::dto::{
    Bucket, BucketLocationConstraint, CreateBucketInput, CreateBucketOutput, DeleteBucketInput,
    DeleteBucketOutput, GetBucketLocationInput, GetBucketLocationOutput, HeadBucketInput,
    HeadBucketOutput, ListBucketsInput, ListBucketsOutput,
};
use s3s::{S3Request, S3Result, s3_error};

use super::Frontend;
use crate::convert::timestamp;
use crate::errors::s3_error;

pub(super) async fn list_buckets(
    front: &Frontend,
    _: S3Request<ListBucketsInput>,
) -> S3Result<ListBucketsOutput> {
    let buckets = front.store.list_buckets().await.map_err(s3_error)?;
    let buckets = buckets.into_iter().map(|bucket| Bucket {
        name: Some(bucket.name.to_string()),
        creation_date: timestamp(bucket.created),
        ..Bucket::default()
    });
    Ok(ListBucketsOutput {
        buckets: Some(buckets.collect()),
        ..ListBucketsOutput::default()
    })
}

pub(super) async fn create_bucket(
    front: &Frontend,
    request: S3Request<CreateBucketInput>,
) -> S3Result<CreateBucketOutput> {
    let bucket = request.input.bucket;
    let location = Some(format!("/{bucket}"));
    front
        .store
        .create_bucket(BucketRequest::new(bucket))
        .await
        .map_err(s3_error)?;
    Ok(CreateBucketOutput { location })
}

pub(super) async fn delete_bucket(
    front: &Frontend,
    request: S3Request<DeleteBucketInput>,
) -> S3Result<DeleteBucketOutput> {
    front
        .store
        .delete_bucket(BucketRequest::new(request.input.bucket))
        .await
        .map_err(s3_error)?;
    Ok(DeleteBucketOutput {})
}

pub(super) async fn head_bucket(
    front: &Frontend,
    request: S3Request<HeadBucketInput>,
) -> S3Result<HeadBucketOutput> {
    must_exist(front, &request.input.bucket).await?;
    Ok(HeadBucketOutput {
        bucket_region: Some(front.region.clone()),
        ..HeadBucketOutput::default()
    })
}

pub(super) async fn get_bucket_location(
    front: &Frontend,
    request: S3Request<GetBucketLocationInput>,
) -> S3Result<GetBucketLocationOutput> {
    must_exist(front, &request.input.bucket).await?;
    // The location of `us-east-1` is empty.
    let constraint =
        (front.region != "us-east-1").then(|| BucketLocationConstraint::from(front.region.clone()));
    Ok(GetBucketLocationOutput {
        location_constraint: constraint,
    })
}

async fn must_exist(front: &Frontend, bucket: &str) -> S3Result<()> {
    let buckets = front.store.list_buckets().await.map_err(s3_error)?;
    if buckets.iter().any(|have| *have.name == *bucket) {
        Ok(())
    } else {
        Err(s3_error!(NoSuchBucket))
    }
}
