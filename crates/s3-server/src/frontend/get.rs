//! GetObject and HeadObject.

use std::ops::Range;

use s3_core::{
    Checksum, ErrorKind, GetRequest, HeadRequest, ObjectMeta, Operation, Store, VersionId,
};
use s3s::dto::{
    ChecksumMode, ETagCondition, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput,
};
use s3s::{S3Request, S3Result};

use super::Frontend;
use super::body::streamed;
use crate::Hook;
use crate::convert::{
    Described, byte_range, checksum_field, named_etag, object_url, size, strong, system_time,
    timestamp,
};
use crate::errors::s3_error;

pub(super) async fn get_object(
    front: &Frontend,
    request: S3Request<GetObjectInput>,
) -> S3Result<GetObjectOutput> {
    let mut input = request.input;
    if input.range.is_some()
        && let Some(hook) = request.extensions.get::<Hook>()
        && hook.ignores_range()
    {
        input.range = None;
    }
    let mut get = GetRequest::new(object_url(&input.bucket, &input.key)?);
    get.range = input.range.map(byte_range);
    get.version = version(input.version_id);
    get.conditions.if_match = named_etag(input.if_match.as_ref());
    get.conditions.if_none_match = named_etag(input.if_none_match.as_ref());
    get.conditions.if_modified_since = system_time(input.if_modified_since);
    get.conditions.if_unmodified_since = system_time(input.if_unmodified_since);

    let response = front.store.get(get).await.map_err(s3_error)?;
    refuse_existing(input.if_none_match.as_ref())?;
    let meta = response.meta;
    let len = response.range.end - response.range.start;
    let described = Described::from(&meta.attributes);
    let checksum = checksum_field(shown_checksum(&meta, input.checksum_mode.as_ref(), len));
    Ok(GetObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        content_range: input
            .range
            .map(|_| content_range(&response.range, meta.size)),
        content_length: Some(size(len)),
        body: Some(streamed(response.body, len)),
        e_tag: strong(meta.etag.as_ref()),
        last_modified: timestamp(meta.last_modified),
        version_id: meta.version.map(|version| version.to_string()),
        content_type: described.content_type,
        content_encoding: described.content_encoding,
        cache_control: described.cache_control,
        content_disposition: described.content_disposition,
        content_language: described.content_language,
        expires: described.expires,
        storage_class: described.storage_class,
        server_side_encryption: described.encryption,
        metadata: described.metadata,
        checksum_crc32: checksum.checksum_crc32,
        checksum_crc32c: checksum.checksum_crc32c,
        checksum_crc64nvme: checksum.checksum_crc64nvme,
        checksum_sha1: checksum.checksum_sha1,
        checksum_sha256: checksum.checksum_sha256,
        ..GetObjectOutput::default()
    })
}

pub(super) async fn head_object(
    front: &Frontend,
    request: S3Request<HeadObjectInput>,
) -> S3Result<HeadObjectOutput> {
    let input = request.input;
    let mut head = HeadRequest::new(object_url(&input.bucket, &input.key)?);
    head.version = version(input.version_id);
    head.conditions.if_match = named_etag(input.if_match.as_ref());
    head.conditions.if_none_match = named_etag(input.if_none_match.as_ref());
    head.conditions.if_modified_since = system_time(input.if_modified_since);
    head.conditions.if_unmodified_since = system_time(input.if_unmodified_since);

    let meta = front.store.head(head).await.map_err(s3_error)?;
    refuse_existing(input.if_none_match.as_ref())?;
    let range = input
        .range
        .map(|range| byte_range(range).resolve(meta.size))
        .transpose();
    let range = range.map_err(|_| {
        s3_error(s3_core::Error::new(
            ErrorKind::InvalidRange,
            Operation::Head,
        ))
    })?;
    let len = range
        .as_ref()
        .map_or(meta.size, |range| range.end - range.start);
    let described = Described::from(&meta.attributes);
    let checksum = checksum_field(shown_checksum(&meta, input.checksum_mode.as_ref(), len));
    Ok(HeadObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        content_range: range.map(|range| content_range(&range, meta.size)),
        content_length: Some(size(len)),
        e_tag: strong(meta.etag.as_ref()),
        last_modified: timestamp(meta.last_modified),
        version_id: meta.version.map(|version| version.to_string()),
        content_type: described.content_type,
        content_encoding: described.content_encoding,
        cache_control: described.cache_control,
        content_disposition: described.content_disposition,
        content_language: described.content_language,
        expires: described.expires,
        storage_class: described.storage_class,
        server_side_encryption: described.encryption,
        metadata: described.metadata,
        checksum_crc32: checksum.checksum_crc32,
        checksum_crc32c: checksum.checksum_crc32c,
        checksum_crc64nvme: checksum.checksum_crc64nvme,
        checksum_sha1: checksum.checksum_sha1,
        checksum_sha256: checksum.checksum_sha256,
        ..HeadObjectOutput::default()
    })
}

fn version(id: Option<String>) -> Option<VersionId> {
    id.map(|id| VersionId::new(&id))
}

/// Responds `304` to `If-None-Match: *`, which the conditions of a store cannot express: the object exists.
fn refuse_existing(condition: Option<&ETagCondition>) -> S3Result<()> {
    match condition {
        Some(ETagCondition::Any) => Err(s3_error(s3_core::Error::new(
            ErrorKind::NotModified,
            Operation::Get,
        ))),
        _ => Ok(()),
    }
}

/// The checksum is sent with `x-amz-checksum-mode: ENABLED`, and only for the whole object.
fn shown_checksum<'meta>(
    meta: &'meta ObjectMeta,
    mode: Option<&ChecksumMode>,
    len: u64,
) -> Option<&'meta Checksum> {
    let asked = mode.is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED);
    meta.checksum.as_ref().filter(|_| asked && len == meta.size)
}

fn content_range(range: &Range<u64>, total: u64) -> String {
    format!(
        "bytes {}-{}/{total}",
        range.start,
        range.end.saturating_sub(1)
    )
}
