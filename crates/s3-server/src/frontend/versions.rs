//! Handlers of ListObjectVersions, GetBucketVersioning and PutBucketVersioning.

use s3_core::{
    BucketRequest, ListVersions, ListedVersion, SetVersioning, Store, VersionId, Versioning,
    VersionsPage,
};
use s3s::dto::{
    BucketVersioningStatus, CommonPrefix, DeleteMarkerEntry, GetBucketVersioningInput,
    GetBucketVersioningOutput, ListObjectVersionsInput, ListObjectVersionsOutput, ObjectVersion,
    ObjectVersionStorageClass, PutBucketVersioningInput, PutBucketVersioningOutput,
};
use s3s::{S3Request, S3Result, s3_error};

use super::Frontend;
use super::acl::owner;
use super::encoding::KeyEncoding;
use super::list::{max_keys, non_empty, shown_checksum};
use super::object_lock::invalid_bucket_state;
use crate::convert::{key_prefix, size, strong, timestamp};
use crate::errors::s3_error;

pub(super) async fn get_bucket_versioning(
    front: &Frontend,
    request: S3Request<GetBucketVersioningInput>,
) -> S3Result<GetBucketVersioningOutput> {
    let bucket = BucketRequest::new(&*request.input.bucket);
    let state = front.store.versioning(bucket).await.map_err(s3_error)?;
    let status = state.map(|state| BucketVersioningStatus::from_static(state.as_str()));
    Ok(GetBucketVersioningOutput {
        status,
        ..GetBucketVersioningOutput::default()
    })
}

pub(super) async fn put_bucket_versioning(
    front: &Frontend,
    request: S3Request<PutBucketVersioningInput>,
) -> S3Result<PutBucketVersioningOutput> {
    let input = request.input;
    let status = input.versioning_configuration.status;
    let versioning = match status.as_ref().map(BucketVersioningStatus::as_str) {
        Some(BucketVersioningStatus::ENABLED) => Versioning::Enabled,
        Some(BucketVersioningStatus::SUSPENDED) => Versioning::Suspended,
        _ => {
            return Err(s3_error!(
                IllegalVersioningConfigurationException,
                "The Status of a versioning configuration is Enabled or Suspended"
            ));
        }
    };
    let has_lock = front.configurations.of(&input.bucket).object_lock.is_some();
    if versioning == Versioning::Suspended && has_lock {
        return Err(invalid_bucket_state(
            "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.",
        ));
    }
    let set = SetVersioning::new(&*input.bucket, versioning);
    front.store.set_versioning(set).await.map_err(s3_error)?;
    Ok(PutBucketVersioningOutput::default())
}

pub(super) async fn list_object_versions(
    front: &Frontend,
    request: S3Request<ListObjectVersionsInput>,
) -> S3Result<ListObjectVersionsOutput> {
    let input = request.input;
    let encoding = KeyEncoding::new(input.encoding_type.as_ref())?;
    let max_keys = max_keys(input.max_keys)?;
    let prefix = input.prefix.as_deref().unwrap_or_default();
    let mut list = ListVersions::new(key_prefix(&input.bucket, prefix)?);
    list.delimiter = non_empty(input.delimiter.as_deref());
    let version_marker = non_empty(input.version_id_marker.as_deref());
    list.after = match (non_empty(input.key_marker.as_deref()), version_marker) {
        (None, None) => None,
        (Some(key), version) => Some((key, version.map(|id| VersionId::new(&id)))),
        (None, Some(_)) => {
            return Err(s3_error!(
                InvalidArgument,
                "A version-id marker cannot be specified without a key marker."
            ));
        }
    };
    let page = match max_keys {
        0 => VersionsPage::default(),
        _ => {
            list.max_keys = Some(max_keys);
            front.store.list_versions(list).await.map_err(s3_error)?
        }
    };
    let (markers, versions): (Vec<_>, Vec<_>) = page
        .versions
        .iter()
        .partition(|listed| listed.is_delete_marker);
    let versions = versions
        .into_iter()
        .map(|listed| version(front, encoding, listed));
    let markers = markers.into_iter().map(|listed| DeleteMarkerEntry {
        is_latest: Some(listed.is_latest),
        key: Some(encoding.written(listed.object.url.key())),
        last_modified: timestamp(listed.object.last_modified),
        owner: Some(owner()),
        version_id: Some(listed.version.to_string()),
    });
    let prefixes = page.prefixes.iter().map(|prefix| CommonPrefix {
        prefix: Some(encoding.written(prefix.prefix())),
    });
    let (next_key, next_version) = page.next.clone().unzip();
    Ok(ListObjectVersionsOutput {
        name: Some(input.bucket),
        prefix: Some(encoding.written(prefix)),
        key_marker: Some(encoding.written(input.key_marker.as_deref().unwrap_or_default())),
        version_id_marker: Some(input.version_id_marker.unwrap_or_default()),
        max_keys: i32::try_from(max_keys).ok(),
        is_truncated: Some(page.next.is_some()),
        next_version_id_marker: next_version.flatten().map(|id| id.to_string()),
        next_key_marker: next_key.map(|key| encoding.written(&key)),
        versions: Some(versions.collect()),
        delete_markers: Some(markers.collect()),
        common_prefixes: Some(prefixes.collect()),
        delimiter: input
            .delimiter
            .as_deref()
            .map(|text| encoding.written(text)),
        encoding_type: input.encoding_type,
        ..ListObjectVersionsOutput::default()
    })
}

fn version(front: &Frontend, encoding: KeyEncoding, listed: &ListedVersion) -> ObjectVersion {
    let object = &listed.object;
    let (checksum_algorithm, checksum_type) = shown_checksum(front, object);
    let class = object.storage_class.as_deref();
    let class = class.unwrap_or(ObjectVersionStorageClass::STANDARD);
    ObjectVersion {
        key: Some(encoding.written(object.url.key())),
        version_id: Some(listed.version.to_string()),
        is_latest: Some(listed.is_latest),
        e_tag: strong(object.etag.as_ref()),
        size: Some(size(object.size)),
        last_modified: timestamp(object.last_modified),
        owner: Some(owner()),
        storage_class: Some(ObjectVersionStorageClass::from(class.to_owned())),
        checksum_algorithm,
        checksum_type,
        ..ObjectVersion::default()
    }
}
