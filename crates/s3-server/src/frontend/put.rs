//! PutObject handler.

use s3_core::{PutRequest, Store};
use s3s::dto::{self, PutObjectInput, PutObjectOutput};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result, s3_error};

use super::get::whole_object;
use super::object_extras::ObjectExtras;
use super::{Frontend, acl, customer_key, object_lock, tags, write_conditions};
use crate::checksum::{self, Announced};
use crate::convert::{Described, checksum_field, encryption, known_class, object_url, strong};

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
    if headers.contains_key("x-amz-write-offset-bytes") {
        return Err(s3_error!(
            NotImplemented,
            "Only directory buckets append to objects"
        ));
    }
    let key = customer_key::of!(input)?;
    let wanted = front.configurations.of(&input.bucket).encryption_of(
        input.server_side_encryption,
        input.ssekms_key_id,
        key.is_some(),
    )?;
    let kms_key_id = wanted.kms_key_id.clone();
    let has_bucket_key = wanted.has_bucket_key(input.bucket_key_enabled);
    let extras = ObjectExtras {
        kms_key_id: wanted.kms_key_id,
        has_bucket_key,
        acl: acl::of!(input)?,
        customer_key_md5: key.clone(),
        website_redirect: checked_redirect(input.website_redirect_location)?,
        lock: object_lock::of!(front, input)?,
        ..ObjectExtras::default()
    };
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
        adds_default: front.adds_checksums,
        ..Announced::new(&headers, trailing_headers)
    };
    let described = Described {
        content_type: input.content_type,
        content_encoding: input.content_encoding,
        cache_control: input.cache_control,
        content_disposition: input.content_disposition,
        content_language: input.content_language,
        expires: input.expires,
        storage_class: known_class(input.storage_class)?,
        encryption: wanted.algorithm,
        metadata: input.metadata,
        tags: tags::of_header(input.tagging.as_deref())?,
    };

    let (payload, checksum) = checksum::read(input.body, announced).await?;
    let (mode, _permit) = write_conditions::permit(
        front,
        &url,
        input.if_match.as_ref(),
        input.if_none_match.as_ref(),
    )
    .await?;
    let condition = write_conditions::header_of(&mode);
    let mut put = PutRequest::new(url.clone(), payload)
        .with_mode(mode)
        .with_attributes(described.into());
    put.checksum = checksum;
    let encryption = encryption(put.attributes.encryption.as_ref());
    let _writing = front.keys.write(&url).await;
    let written = front.store.put(put).await;
    let response = written.map_err(|error| write_conditions::of_store(error, condition))?;
    front.extras.set(
        &url,
        response.version.as_ref(),
        response.etag.clone(),
        extras,
    );
    let kind = response.checksum.as_ref().map(|_| whole_object());
    let checksum = checksum_field(response.checksum.as_ref());
    Ok(PutObjectOutput {
        sse_customer_algorithm: key.as_ref().map(|_| customer_key::ALGORITHM.to_owned()),
        sse_customer_key_md5: key,
        checksum_type: kind,
        ssekms_key_id: kms_key_id,
        bucket_key_enabled: has_bucket_key.then_some(true),
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

/// Rejects a `x-amz-website-redirect-location` that is neither a key of the bucket nor a URL.
fn checked_redirect(location: Option<String>) -> S3Result<Option<String>> {
    let begins = ["/", "http://", "https://"];
    match location {
        Some(location) if !begins.iter().any(|begin| location.starts_with(begin)) => {
            let code = S3ErrorCode::Custom("InvalidRedirectLocation".into());
            let text = "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.";
            let mut error = S3Error::with_message(code, text);
            error.set_status_code(http::StatusCode::BAD_REQUEST);
            Err(error)
        }
        location => Ok(location),
    }
}
