//! CopyObject and UploadPartCopy.

use std::time::SystemTime;

use s3_core::{CopyRequest, Encryption, S3Url, Store, UploadPartCopy};
use s3s::dto::{
    CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopyPartResult, CopySource, ETagCondition,
    MetadataDirective, Range, UploadPartCopyInput, UploadPartCopyOutput,
};
use s3s::{S3Request, S3Result, s3_error};

use super::Frontend;
use crate::convert::{
    Described, byte_range, checksum_field, named_etag, object_url, part_number, put_mode, strong,
    timestamp, upload_id,
};
use crate::errors::s3_error;

pub(super) async fn copy_object(
    front: &Frontend,
    request: S3Request<CopyObjectInput>,
) -> S3Result<CopyObjectOutput> {
    let S3Request { input, headers, .. } = request;
    let conditional = input.copy_source_if_none_match.is_some()
        || input.copy_source_if_modified_since.is_some()
        || input.copy_source_if_unmodified_since.is_some();
    refuse_other_conditions(conditional)?;
    let to = object_url(&input.bucket, &input.key)?;
    let mut copy = CopyRequest::new(source(&input.copy_source)?, to);
    // The protocol layer has no conditions on the destination of a copy; its headers are read here.
    let condition = |name: &str| {
        let value = headers
            .get(name)
            .map(http::HeaderValue::as_bytes)
            .map(ETagCondition::parse_http_header);
        value
            .transpose()
            .map_err(|error| s3_error!(error, InvalidArgument))
    };
    copy.mode = put_mode(
        condition("if-match")?.as_ref(),
        condition("if-none-match")?.as_ref(),
    )?;
    copy.source_if_match = named_etag(input.copy_source_if_match.as_ref());
    let is_replaced = input
        .metadata_directive
        .is_some_and(|directive| directive.as_str() == MetadataDirective::REPLACE);
    copy.encryption = input
        .server_side_encryption
        .as_ref()
        .map(|encryption| Encryption::new(encryption.as_str()));
    let described = Described {
        content_type: input.content_type,
        content_encoding: input.content_encoding,
        cache_control: input.cache_control,
        content_disposition: input.content_disposition,
        content_language: input.content_language,
        expires: input.expires,
        storage_class: input.storage_class,
        encryption: input.server_side_encryption,
        metadata: input.metadata,
    };
    copy.attributes = is_replaced.then(|| described.into());

    let response = front.store.copy(copy).await.map_err(s3_error)?;
    let checksum = checksum_field(response.checksum.as_ref());
    let result = CopyObjectResult {
        e_tag: strong(response.etag.as_ref()),
        last_modified: timestamp(Some(SystemTime::now())),
        checksum_crc32: checksum.checksum_crc32,
        checksum_crc32c: checksum.checksum_crc32c,
        checksum_crc64nvme: checksum.checksum_crc64nvme,
        checksum_sha1: checksum.checksum_sha1,
        checksum_sha256: checksum.checksum_sha256,
        ..CopyObjectResult::default()
    };
    Ok(CopyObjectOutput {
        copy_object_result: Some(result),
        version_id: response.version.map(|version| version.to_string()),
        ..CopyObjectOutput::default()
    })
}

pub(super) async fn upload_part_copy(
    front: &Frontend,
    request: S3Request<UploadPartCopyInput>,
) -> S3Result<UploadPartCopyOutput> {
    let input = request.input;
    let conditional = input.copy_source_if_none_match.is_some()
        || input.copy_source_if_modified_since.is_some()
        || input.copy_source_if_unmodified_since.is_some();
    refuse_other_conditions(conditional)?;
    let url = object_url(&input.bucket, &input.key)?;
    let number = part_number(input.part_number)?;
    let mut part = UploadPartCopy::new(
        url,
        upload_id(&input.upload_id),
        number,
        source(&input.copy_source)?,
    );
    part.range = input
        .copy_source_range
        .as_deref()
        .map(bounded)
        .transpose()?
        .map(byte_range);
    part.source_if_match = named_etag(input.copy_source_if_match.as_ref());

    let tag = front.store.upload_part_copy(part).await.map_err(s3_error)?;
    let result = CopyPartResult {
        e_tag: strong(Some(&tag.etag)),
        last_modified: timestamp(Some(SystemTime::now())),
        ..CopyPartResult::default()
    };
    Ok(UploadPartCopyOutput {
        copy_part_result: Some(result),
        ..UploadPartCopyOutput::default()
    })
}

fn source(source: &CopySource) -> S3Result<S3Url> {
    match source {
        CopySource::Bucket {
            bucket,
            key,
            version_id: None,
        } => object_url(bucket, key),
        _ => Err(s3_error!(
            NotImplemented,
            "a copy is made of the newest version in a bucket only"
        )),
    }
}

fn refuse_other_conditions(is_there: bool) -> S3Result<()> {
    if is_there {
        Err(s3_error!(
            NotImplemented,
            "the source of a copy can be checked by x-amz-copy-source-if-match only"
        ))
    } else {
        Ok(())
    }
}

fn bounded(range: &str) -> S3Result<Range> {
    match Range::parse(range) {
        Ok(range @ Range::Int { last: Some(_), .. }) => Ok(range),
        _ => Err(s3_error!(
            InvalidArgument,
            "The x-amz-copy-source-range value must be of the form bytes=first-last"
        )),
    }
}
