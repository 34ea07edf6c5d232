//! Reading objects and their descriptions.

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
use crate::faults::{Order, Orders, Receipt};
use crate::server::convert::{
    Described, byte_range, checksum_field, named_etag, object_url, size, strong, system_time,
    timestamp,
};
use crate::server::errors::refusal;

pub(super) async fn get_object(
    front: &Frontend,
    request: S3Request<GetObjectInput>,
) -> S3Result<GetObjectOutput> {
    let mut input = request.input;
    let orders = request.extensions.get::<Orders>();
    if input.range.is_some()
        && let Some(orders) = orders
        && orders.order() == Order::WholeObject
    {
        input.range = None;
        orders.take().into_iter().for_each(Receipt::delivered);
    }
    let mut get = GetRequest::new(object_url(&input.bucket, &input.key)?);
    get.range = input.range.map(byte_range);
    get.version = version(input.version_id);
    get.conditions.if_match = named_etag(input.if_match.as_ref());
    get.conditions.if_none_match = named_etag(input.if_none_match.as_ref());
    get.conditions.if_modified_since = system_time(input.if_modified_since);
    get.conditions.if_unmodified_since = system_time(input.if_unmodified_since);

    let answer = front.store.get(get).await.map_err(refusal)?;
    refuse_existing(input.if_none_match.as_ref())?;
    let meta = answer.meta;
    let len = answer.range.end - answer.range.start;
    let described = Described::from(&meta.attributes);
    let checksum = checksum_field(shown_checksum(&meta, input.checksum_mode.as_ref(), len));
    Ok(GetObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        content_range: input.range.map(|_| content_range(&answer.range, meta.size)),
        content_length: Some(size(len)),
        body: Some(streamed(answer.body, len)),
        e_tag: strong(meta.etag.as_ref()),
        last_modified: timestamp(meta.last_modified),
        version_id: meta.version.map(|version| version.to_string()),
        content_type: described.content_type,
        content_encoding: described.content_encoding,
        cache_control: described.cache_control,
        content_disposition: described.content_disposition,
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

    let meta = front.store.head(head).await.map_err(refusal)?;
    refuse_existing(input.if_none_match.as_ref())?;
    let range = input
        .range
        .map(|range| byte_range(range).resolve(meta.size))
        .transpose();
    let range = range.map_err(|_| {
        refusal(s3_core::Error::new(
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

/// Answers `304` to `If-None-Match: *`, which a store's conditions cannot say: there is an object.
fn refuse_existing(condition: Option<&ETagCondition>) -> S3Result<()> {
    match condition {
        Some(ETagCondition::Any) => Err(refusal(s3_core::Error::new(
            ErrorKind::NotModified,
            Operation::Get,
        ))),
        _ => Ok(()),
    }
}

/// The checksum is shown to those who ask, and only if the answer is about the whole object.
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
