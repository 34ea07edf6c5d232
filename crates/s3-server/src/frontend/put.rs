//! PutObject.

use s3_core::{PutRequest, Store};
use s3s::dto::{self, PutObjectInput, PutObjectOutput};
use s3s::{S3Request, S3Result};

use super::Frontend;
use crate::checksum::{self, Announced};
use crate::convert::{Described, checksum_field, encryption, object_url, put_mode, strong};
use crate::errors::s3_error;

pub(super) async fn put_object(
    front: &Frontend,
    request: S3Request<PutObjectInput>,
) -> S3Result<PutObjectOutput> {
    let S3Request {
        input,
        headers,
        trailing_headers,
        ..
    } = request;
    let url = object_url(&input.bucket, &input.key)?;
    let mode = put_mode(input.if_match.as_ref(), input.if_none_match.as_ref())?;
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

    let (payload, checksum) = checksum::read(input.body, announced).await?;
    let mut put = PutRequest::new(url, payload)
        .with_mode(mode)
        .with_attributes(described.into());
    put.checksum = checksum;
    let encryption = encryption(put.attributes.encryption.as_ref());
    let response = front.store.put(put).await.map_err(s3_error)?;
    let checksum = checksum_field(response.checksum.as_ref());
    Ok(PutObjectOutput {
        e_tag: strong(response.etag.as_ref()),
        version_id: response.version.map(|version| version.to_string()),
        server_side_encryption: encryption,
        checksum_crc32: checksum.checksum_crc32,
        checksum_crc32c: checksum.checksum_crc32c,
        checksum_crc64nvme: checksum.checksum_crc64nvme,
        checksum_sha1: checksum.checksum_sha1,
        checksum_sha256: checksum.checksum_sha256,
        ..PutObjectOutput::default()
    })
}
