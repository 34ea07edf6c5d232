//! ListObjectVersions and GetBucketVersioning of buckets without versioning: each object is its version `null`.

use s3_core::{ListRequest, Store};
use s3s::dto::{
    CommonPrefix, GetBucketVersioningInput, GetBucketVersioningOutput, ListObjectVersionsInput,
    ListObjectVersionsOutput, ObjectVersion, ObjectVersionStorageClass,
};
use s3s::{S3Request, S3Result};

use super::Frontend;
use super::acl::owner;
use super::bucket::must_exist;
use super::encoding::KeyEncoding;
use super::list::{after_marker, last_entry, max_keys, non_empty};
use crate::convert::{key_prefix, size, strong, timestamp};
use crate::errors::s3_error;

pub(super) async fn get_bucket_versioning(
    front: &Frontend,
    request: S3Request<GetBucketVersioningInput>,
) -> S3Result<GetBucketVersioningOutput> {
    must_exist(front, &request.input.bucket).await?;
    Ok(GetBucketVersioningOutput::default())
}

pub(super) async fn list_object_versions(
    front: &Frontend,
    request: S3Request<ListObjectVersionsInput>,
) -> S3Result<ListObjectVersionsOutput> {
    let input = request.input;
    let encoding = KeyEncoding::new(input.encoding_type.as_ref())?;
    let max_keys = max_keys(input.max_keys)?;
    let prefix = input.prefix.as_deref().unwrap_or_default();
    let mut list = ListRequest::new(key_prefix(&input.bucket, prefix)?);
    list.delimiter = non_empty(input.delimiter.as_deref());
    list.start_after =
        non_empty(input.key_marker.as_deref()).map(|marker| after_marker(&marker, &list));
    let page = match max_keys {
        0 => s3_core::ListPage::default(),
        _ => {
            list.max_keys = Some(max_keys);
            front.store.list_page(list).await.map_err(s3_error)?
        }
    };
    let versions = page.objects.iter().map(|object| ObjectVersion {
        key: Some(encoding.written(object.url.key())),
        version_id: Some("null".to_owned()),
        is_latest: Some(true),
        e_tag: strong(object.etag.as_ref()),
        size: Some(size(object.size)),
        last_modified: timestamp(object.last_modified),
        owner: Some(owner()),
        storage_class: Some(ObjectVersionStorageClass::from_static(
            ObjectVersionStorageClass::STANDARD,
        )),
        ..ObjectVersion::default()
    });
    let prefixes = page.prefixes.iter().map(|prefix| CommonPrefix {
        prefix: Some(encoding.written(prefix.prefix())),
    });
    let next = page.next.as_ref().and_then(|_| last_entry(&page));
    Ok(ListObjectVersionsOutput {
        name: Some(input.bucket),
        prefix: Some(encoding.written(prefix)),
        key_marker: Some(encoding.written(input.key_marker.as_deref().unwrap_or_default())),
        version_id_marker: input.version_id_marker,
        max_keys: i32::try_from(max_keys).ok(),
        is_truncated: Some(page.next.is_some()),
        next_version_id_marker: next.map(|_| "null".to_owned()),
        next_key_marker: next.map(|key| encoding.written(key)),
        versions: Some(versions.collect()),
        common_prefixes: Some(prefixes.collect()),
        delimiter: input
            .delimiter
            .as_deref()
            .map(|text| encoding.written(text)),
        encoding_type: input.encoding_type,
        ..ListObjectVersionsOutput::default()
    })
}
