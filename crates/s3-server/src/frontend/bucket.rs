//! Handlers of ListBuckets, CreateBucket, DeleteBucket, HeadBucket and GetBucketLocation.

use s3_core::{BucketRequest, ErrorKind, SetVersioning, Store, Versioning};
use s3s::dto::{
    Bucket, BucketLocationConstraint, CreateBucketInput, CreateBucketOutput, DeleteBucketInput,
    DeleteBucketOutput, GetBucketLocationInput, GetBucketLocationOutput, HeadBucketInput,
    HeadBucketOutput, ListBucketsInput, ListBucketsOutput,
};
use s3s::{S3Request, S3Result, s3_error};

use super::Frontend;
use super::acl::owner;
use super::bucket_configuration::BucketConfiguration;
use super::object_lock;
use crate::convert::timestamp;
use crate::errors::s3_error;

/// Prefixes that bucket names must not have.
const RESERVED_BEGINS: [&str; 2] = ["sthree-", "amzn-s3-demo-"];

/// Suffixes that bucket names must not have. Names of directory buckets end with `--x-s3`.
const RESERVED_ENDS: [&str; 4] = ["-s3alias", "--ol-s3", ".mrap", "--table-s3"];

/// The region that GetBucketLocation returns as an empty location.
const US_EAST_1: &str = "us-east-1";

pub(super) async fn list_buckets(
    front: &Frontend,
    request: S3Request<ListBucketsInput>,
) -> S3Result<ListBucketsOutput> {
    let input = request.input;
    if { input.max_buckets }.is_some_and(|most| !(1..=10_000).contains(&most)) {
        return Err(s3_error!(
            InvalidArgument,
            "Argument max-buckets must be an integer between 1 and 10000"
        ));
    }
    let mut buckets = front.store.list_buckets().await.map_err(s3_error)?;
    if { input.bucket_region.as_ref() }.is_some_and(|region| *region != front.region) {
        buckets.clear();
    }
    let prefix = input.prefix.clone().unwrap_or_default();
    let after = input.continuation_token.unwrap_or_default();
    buckets.retain(|bucket| bucket.name.starts_with(&prefix) && *bucket.name > *after);
    let most = input
        .max_buckets
        .map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(0));
    // The token is the name of the last bucket, because names are sorted.
    let next = (buckets.len() > most).then(|| {
        buckets.truncate(most);
        buckets.last().map(|bucket| bucket.name.to_string())
    });
    let buckets = buckets.into_iter().map(|bucket| Bucket {
        name: Some(bucket.name.to_string()),
        creation_date: timestamp(bucket.created),
        bucket_region: Some(front.region.clone()),
    });
    Ok(ListBucketsOutput {
        buckets: Some(buckets.collect()),
        owner: Some(owner()),
        prefix: input.prefix,
        continuation_token: next.flatten(),
    })
}

pub(super) async fn create_bucket(
    front: &Frontend,
    request: S3Request<CreateBucketInput>,
) -> S3Result<CreateBucketOutput> {
    let input = request.input;
    let bucket = input.bucket;
    let is_reserved = RESERVED_BEGINS
        .iter()
        .any(|begin| bucket.starts_with(begin))
        || RESERVED_ENDS.iter().any(|end| bucket.ends_with(end));
    if is_reserved {
        return Err(s3_error!(
            InvalidBucketName,
            "The specified bucket is not valid."
        ));
    }
    let acl = super::acl::of_write(
        input.acl.as_ref().map(|acl| acl.as_str()),
        &[
            ("FULL_CONTROL", input.grant_full_control.as_deref()),
            ("READ", input.grant_read.as_deref()),
            ("READ_ACP", input.grant_read_acp.as_deref()),
            ("WRITE", input.grant_write.as_deref()),
            ("WRITE_ACP", input.grant_write_acp.as_deref()),
        ],
    )?;
    let location = Some(format!("/{bucket}"));
    let created = front
        .store
        .create_bucket(BucketRequest::new(&*bucket))
        .await;
    match created {
        // In `us-east-1`, S3 accepts CreateBucket for a bucket that the caller already owns.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && front.region == US_EAST_1 => {}
        created => created.map_err(s3_error)?,
    }
    if let Some(ownership) = input.object_ownership {
        let set = |all: &mut BucketConfiguration| all.set_ownership(ownership);
        front.configurations.change(&bucket, set);
    }
    if let Some(acl) = acl {
        front
            .configurations
            .change(&bucket, |all| all.acl = Some(acl));
    }
    if input.object_lock_enabled_for_bucket == Some(true) {
        let set = SetVersioning::new(&*bucket, Versioning::Enabled);
        front.store.set_versioning(set).await.map_err(s3_error)?;
        front.configurations.change(&bucket, |all| {
            all.object_lock = Some(object_lock::enabled())
        });
    }
    Ok(CreateBucketOutput { location })
}

pub(super) async fn delete_bucket(
    front: &Frontend,
    request: S3Request<DeleteBucketInput>,
) -> S3Result<DeleteBucketOutput> {
    let bucket = request.input.bucket;
    let delete = BucketRequest::new(&*bucket);
    front.store.delete_bucket(delete).await.map_err(s3_error)?;
    front.configurations.remove(&bucket);
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
        (front.region != US_EAST_1).then(|| BucketLocationConstraint::from(front.region.clone()));
    Ok(GetBucketLocationOutput {
        location_constraint: constraint,
    })
}

pub(super) async fn must_exist(front: &Frontend, bucket: &str) -> S3Result<()> {
    let buckets = front.store.list_buckets().await.map_err(s3_error)?;
    if buckets.iter().any(|have| *have.name == *bucket) {
        Ok(())
    } else {
        Err(s3_error!(NoSuchBucket))
    }
}
