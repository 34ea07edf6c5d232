//! Multipart upload operations of the server: create, upload part, complete, abort.

use s3_core::{AbortUpload, CompleteUpload, CreateUpload, ETag, PartTag, Store, UploadPart};
use s3s::dto::{
    self, AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CompletedPart, CreateMultipartUploadInput,
    CreateMultipartUploadOutput, UploadPartInput, UploadPartOutput,
};
use s3s::{S3Request, S3Result, s3_error};

use super::Frontend;
use crate::checksum::{self, Announced};
use crate::convert::{
    Described, checksum_field, core_checksum, core_etag, encryption, in_xml, object_url,
    part_number, put_mode, strong, upload_id,
};
use crate::errors::s3_error;

pub(super) async fn create_multipart_upload(
    front: &Frontend,
    request: S3Request<CreateMultipartUploadInput>,
) -> S3Result<CreateMultipartUploadOutput> {
    let input = request.input;
    let url = object_url(&input.bucket, &input.key)?;
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
    let create = CreateUpload::new(url, described.into());
    let encryption = encryption(create.attributes.encryption.as_ref());
    let upload = front.store.create_upload(create).await.map_err(s3_error)?;
    Ok(CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: in_xml(&input.key),
        upload_id: Some(upload.as_str().to_owned()),
        server_side_encryption: encryption,
        ..CreateMultipartUploadOutput::default()
    })
}

pub(super) async fn upload_part(
    front: &Frontend,
    request: S3Request<UploadPartInput>,
) -> S3Result<UploadPartOutput> {
    let S3Request {
        input,
        headers,
        trailing_headers,
        ..
    } = request;
    let url = object_url(&input.bucket, &input.key)?;
    let number = part_number(input.part_number)?;
    let announced = Announced {
        md5: input.content_md5,
        checksums: dto::Checksum {
            checksum_crc32: input.checksum_crc32,
            checksum_crc32c: input.checksum_crc32c,
            checksum_crc64nvme: input.checksum_crc64nvme,
            checksum_sha1: input.checksum_sha1,
            checksum_sha256: input.checksum_sha256,
            ..dto::Checksum::default()
        },
        length: input.content_length,
        ..Announced::new(&headers, trailing_headers)
    };

    let (payload, checksum) = checksum::read(input.body, announced).await?;
    let mut part = UploadPart::new(url, upload_id(&input.upload_id), number, payload);
    part.checksum = checksum;
    let tag = front.store.upload_part(part).await.map_err(s3_error)?;
    let checksum = checksum_field(tag.checksum.as_ref());
    Ok(UploadPartOutput {
        e_tag: strong(Some(&tag.etag)),
        checksum_crc32: checksum.checksum_crc32,
        checksum_crc32c: checksum.checksum_crc32c,
        checksum_crc64nvme: checksum.checksum_crc64nvme,
        checksum_sha1: checksum.checksum_sha1,
        checksum_sha256: checksum.checksum_sha256,
        ..UploadPartOutput::default()
    })
}

pub(super) async fn complete_multipart_upload(
    front: &Frontend,
    request: S3Request<CompleteMultipartUploadInput>,
) -> S3Result<CompleteMultipartUploadOutput> {
    let input = request.input;
    let url = object_url(&input.bucket, &input.key)?;
    let parts = input
        .multipart_upload
        .and_then(|upload| upload.parts)
        .unwrap_or_default();
    let parts = parts
        .into_iter()
        .map(part_tag)
        .collect::<S3Result<Vec<_>>>()?;
    if parts.is_empty() {
        return Err(s3_error!(
            MalformedXML,
            "You must specify at least one part"
        ));
    }
    let mut complete = CompleteUpload::new(url, upload_id(&input.upload_id), parts);
    complete.mode = put_mode(input.if_match.as_ref(), input.if_none_match.as_ref())?;

    let response = front
        .store
        .complete_upload(complete)
        .await
        .map_err(s3_error)?;
    let checksum = checksum_field(response.checksum.as_ref());
    Ok(CompleteMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: in_xml(&input.key),
        e_tag: strong(response.etag.as_ref()),
        version_id: response.version.map(|version| version.to_string()),
        checksum_crc32: checksum.checksum_crc32,
        checksum_crc32c: checksum.checksum_crc32c,
        checksum_crc64nvme: checksum.checksum_crc64nvme,
        checksum_sha1: checksum.checksum_sha1,
        checksum_sha256: checksum.checksum_sha256,
        ..CompleteMultipartUploadOutput::default()
    })
}

pub(super) async fn abort_multipart_upload(
    front: &Frontend,
    request: S3Request<AbortMultipartUploadInput>,
) -> S3Result<AbortMultipartUploadOutput> {
    let input = request.input;
    let url = object_url(&input.bucket, &input.key)?;
    let abort = AbortUpload::new(url, upload_id(&input.upload_id));
    front.store.abort_upload(abort).await.map_err(s3_error)?;
    Ok(AbortMultipartUploadOutput::default())
}

fn part_tag(part: CompletedPart) -> S3Result<PartTag> {
    let number = part
        .part_number
        .ok_or_else(|| s3_error!(MalformedXML, "a part has no number"))?;
    let etag = part
        .e_tag
        .as_ref()
        .map(core_etag)
        .unwrap_or_else(|| ETag::new(""));
    let mut tag = PartTag::new(part_number(number)?, etag);
    tag.checksum = core_checksum(&dto::Checksum {
        checksum_crc32: part.checksum_crc32,
        checksum_crc32c: part.checksum_crc32c,
        checksum_crc64nvme: part.checksum_crc64nvme,
        checksum_sha1: part.checksum_sha1,
        checksum_sha256: part.checksum_sha256,
        ..dto::Checksum::default()
    });
    Ok(tag)
}
