//! Handlers of CreateMultipartUpload, UploadPart, CompleteMultipartUpload and AbortMultipartUpload.

use std::collections::BTreeMap;

use http::header::HOST;
use http::{HeaderMap, Uri};
use s3_core::{
    AbortUpload, ChecksumAlgorithm, CompleteUpload, CreateUpload, ETag, GetRequest, PartTag, Store,
    UploadPart,
};
use s3s::dto::{
    self, AbortMultipartUploadInput, AbortMultipartUploadOutput, ChecksumType,
    CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CompletedPart,
    CreateMultipartUploadInput, CreateMultipartUploadOutput, UploadPartInput, UploadPartOutput,
};
use s3s::{S3Error, S3Request, S3Result, s3_error};

use super::multipart_checksum::usual_type;
use super::object_extras::{CompletedUpload, ObjectExtras, PartExtent, UploadExtras};
use super::{Frontend, acl, customer_key, multipart_checksum, object_lock, tags, write_conditions};
use crate::checksum::{self, Announced};
use crate::convert::{
    Described, checksum_field, core_checksum, core_etag, encryption, in_xml, known_class,
    object_url, part_number, strong, upload_id,
};
use crate::errors::{s3_error, with_detail};

/// Minimum size of all parts except the last.
const MIN_PART_SIZE: u64 = 5 << 20;

pub(super) async fn create_multipart_upload(
    front: &Frontend,
    request: S3Request<CreateMultipartUploadInput>,
) -> S3Result<CreateMultipartUploadOutput> {
    let input = request.input;
    let url = object_url(&input.bucket, &input.key)?;
    let key = customer_key::of!(input)?;
    let wanted = front.configurations.of(&input.bucket).encryption_of(
        input.server_side_encryption,
        input.ssekms_key_id,
        key.is_some(),
    )?;
    let kms_key_id = wanted.kms_key_id.clone();
    let extras = UploadExtras {
        encryption: wanted.algorithm.clone(),
        object: ObjectExtras {
            has_bucket_key: wanted.has_bucket_key(input.bucket_key_enabled),
            kms_key_id: wanted.kms_key_id,
            acl: acl::of!(input)?,
            customer_key_md5: key.clone(),
            website_redirect: input.website_redirect_location,
            lock: object_lock::of!(front, input)?,
            ..ObjectExtras::default()
        },
        checksum_type: input.checksum_type.clone(),
        checksum_algorithm: input.checksum_algorithm.clone(),
        storage_class: input.storage_class.clone(),
        parts: BTreeMap::new(),
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
    let (algorithm, kind) = (
        input.checksum_algorithm.as_ref(),
        input.checksum_type.as_ref(),
    );
    let is_composite = kind.is_some_and(|kind| kind.as_str() == ChecksumType::COMPOSITE);
    if let Some(algorithm) = algorithm
        && ChecksumAlgorithm::of_name(&algorithm.as_str().to_ascii_uppercase()).is_none()
    {
        return Err(s3_error!(
            InvalidRequest,
            "Checksum algorithm provided is unsupported. Please try again with any of the valid types: \
             [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]"
        ));
    }
    if algorithm.is_none() && kind.is_some() {
        return Err(s3_error!(
            InvalidRequest,
            "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header."
        ));
    }
    let is_impossible = algorithm.zip(kind).is_some_and(|(algorithm, _)| {
        let name = algorithm.as_str();
        match is_composite {
            true => name.eq_ignore_ascii_case("CRC64NVME"),
            false => name.to_ascii_uppercase().starts_with("SHA"),
        }
    });
    if is_impossible {
        return Err(s3_error!(
            InvalidRequest,
            "The checksum type cannot be used with the checksum algorithm of the request"
        ));
    }
    let create = CreateUpload::new(url, described.into());
    let encryption = encryption(create.attributes.encryption.as_ref());
    let upload = front.store.create_upload(create).await.map_err(s3_error)?;
    front
        .extras
        .uploads()
        .insert(upload.as_str().to_owned(), extras);
    let checksum_type = input.checksum_type.or_else(|| {
        let algorithm = input.checksum_algorithm.as_ref()?;
        let crc64 = algorithm.as_str().eq_ignore_ascii_case("CRC64NVME");
        Some(usual_type(match crc64 {
            true => ChecksumAlgorithm::Crc64Nvme,
            false => ChecksumAlgorithm::Crc32,
        }))
    });
    Ok(CreateMultipartUploadOutput {
        checksum_algorithm: input.checksum_algorithm,
        ssekms_key_id: kms_key_id,
        checksum_type,
        sse_customer_algorithm: key.as_ref().map(|_| customer_key::ALGORITHM.to_owned()),
        sse_customer_key_md5: key,
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
    let mut announced = Announced {
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

    let key = customer_key::of!(input)?;
    let upload = front.extras.uploads().get(&input.upload_id).cloned();
    // The store reports an unknown upload.
    if let Some(upload) = &upload {
        customer_key::check(upload.object.customer_key_md5.as_deref(), key.as_deref())?;
    }
    let upload = upload.unwrap_or_default();
    announced.adds_default = front.adds_checksums && upload.checksum_algorithm.is_none();
    let (payload, checksum) = checksum::read(input.body, announced).await?;
    if let (Some(wanted), Some(checksum)) = (upload.algorithm(), &checksum)
        && wanted != checksum.algorithm
    {
        return Err(s3_error!(
            InvalidRequest,
            "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
            wanted.as_str().to_ascii_lowercase(),
            checksum.algorithm.as_str().to_ascii_lowercase()
        ));
    }
    let size = payload.len();
    let mut part = UploadPart::new(url, upload_id(&input.upload_id), number, payload);
    part.checksum = checksum;
    let tag = front.store.upload_part(part).await.map_err(s3_error)?;
    let extent = PartExtent {
        number,
        size,
        checksum: tag.checksum.clone(),
    };
    let mut uploads = front.extras.uploads();
    uploads
        .entry(input.upload_id)
        .or_default()
        .parts
        .insert(number, extent);
    drop(uploads);
    let checksum = checksum_field(tag.checksum.as_ref());
    Ok(UploadPartOutput {
        server_side_encryption: upload.encryption,
        ssekms_key_id: upload.object.kms_key_id,
        sse_customer_algorithm: key.as_ref().map(|_| customer_key::ALGORITHM.to_owned()),
        sse_customer_key_md5: key,
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
    let location = location(&request.headers, &request.uri);
    let input = request.input;
    let url = object_url(&input.bucket, &input.key)?;
    let key = customer_key::of!(input)?;
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
    if let Some(completed) = front.extras.completed(&input.upload_id) {
        let same = { parts.iter() }.map(|part| (&part.number, &part.etag));
        let first = completed.parts.iter().map(|(number, etag)| (number, etag));
        return match completed.url == url && same.eq(first) {
            true => Ok(completed_output(completed, location)),
            false => Err(s3_error!(NoSuchUpload)),
        };
    }
    let named: Vec<_> = { parts.iter() }
        .map(|part| (part.number, part.etag.clone()))
        .collect();
    let upload = front.extras.uploads().get(&input.upload_id).cloned();
    let upload = upload.unwrap_or_default();
    customer_key::check_of_upload(&upload, key.as_deref())?;
    let extents: Vec<PartExtent> = parts
        .iter()
        .filter_map(|part| upload.parts.get(&part.number).cloned())
        .collect();
    let size: u64 = extents.iter().map(|part| part.size).sum();
    if input
        .mpu_object_size
        .is_some_and(|wanted| u64::try_from(wanted) != Ok(size))
    {
        return Err(s3_error!(
            InvalidRequest,
            "The object size of the request differs from the sum of its parts"
        ));
    }
    let first = extents.iter().find_map(|part| part.checksum.as_ref());
    let algorithm = upload.algorithm();
    let algorithm = algorithm.or(first.map(|checksum| checksum.algorithm));
    let kind = algorithm.map(|algorithm| {
        upload
            .checksum_type
            .clone()
            .unwrap_or_else(|| usual_type(algorithm))
    });
    let is_composite = kind
        .as_ref()
        .is_some_and(|kind| kind.as_str() == ChecksumType::COMPOSITE);
    if let Some((given, kind)) = input.checksum_type.as_ref().zip(kind.as_ref())
        && given.as_str() != kind.as_str()
    {
        return Err(s3_error!(
            InvalidRequest,
            "The upload was created using the {} checksum mode. The complete request must use the same checksum mode.",
            kind.as_str()
        ));
    }
    let composite = is_composite
        .then(|| multipart_checksum::composite(&extents))
        .flatten();
    let joined = match is_composite {
        true => None,
        false => multipart_checksum::joined(&extents),
    };
    let declared = core_checksum(&dto::Checksum {
        checksum_crc32: input.checksum_crc32,
        checksum_crc32c: input.checksum_crc32c,
        checksum_crc64nvme: input.checksum_crc64nvme,
        checksum_sha1: input.checksum_sha1,
        checksum_sha256: input.checksum_sha256,
        ..dto::Checksum::default()
    });
    // Some clients omit the number of parts in a composite checksum (`CHECKSUM-PARTS`).
    let differs = declared
        .zip(composite.as_ref().or(joined.as_ref()))
        .is_some_and(|(declared, computed)| {
            let bare = |text: &str| text.split('-').next().unwrap_or_default().to_owned();
            declared.algorithm == computed.algorithm
                && bare(&declared.value) != bare(&computed.value)
        });
    if differs {
        return Err(s3_error!(
            BadDigest,
            "The checksum of the request did not match the checksum of the parts"
        ));
    }

    let (mode, _permit) = write_conditions::permit(
        front,
        &url,
        input.if_match.as_ref(),
        input.if_none_match.as_ref(),
    )
    .await?;
    let mut complete = CompleteUpload::new(url.clone(), upload_id(&input.upload_id), parts);
    let condition = write_conditions::header_of(&mode);
    complete.mode = mode;
    let _writing = front.keys.write(&url).await;
    let completed = front.store.complete_upload(complete).await;
    let response = completed.map_err(|error| {
        let error = write_conditions::of_store(error, condition);
        with_part(error, &named, &upload.parts)
    })?;
    front.extras.uploads().remove(&input.upload_id);
    let kms_key_id = upload.object.kms_key_id.clone();
    let mut extras = ObjectExtras {
        parts: extents,
        ..upload.object
    };
    let set = |extras| {
        let (version, etag) = (response.version.as_ref(), response.etag.clone());
        front.extras.set(&url, version, etag, extras);
    };
    // If the checksum cannot be computed, the object keeps its lock and its key.
    set(extras.clone());
    let checksum = match (algorithm, composite) {
        (Some(algorithm), None) if !is_composite => match joined {
            Some(joined) => Some(joined),
            None => {
                let mut get = GetRequest::new(url.clone());
                get.version.clone_from(&response.version);
                multipart_checksum::read(front, get, algorithm).await?
            }
        },
        (_, composite) => composite,
    };
    extras.checksum = checksum.clone().zip(kind.clone());
    set(extras);
    let checksum = match checksum {
        Some(checksum) => Some((checksum, kind)),
        None => response.checksum.map(|checksum| (checksum, None)),
    };
    let completed = CompletedUpload {
        url,
        parts: named,
        etag: response.etag,
        version: response.version,
        checksum,
        encryption: upload.encryption,
        kms_key_id,
    };
    if front.repeats_completions {
        front.extras.remember(input.upload_id, completed.clone());
    }
    Ok(completed_output(completed, location))
}

/// Adds the part that is too small or was not uploaded to the error.
fn with_part(
    error: S3Error,
    named: &[(u32, ETag)],
    uploaded: &BTreeMap<u32, PartExtent>,
) -> S3Error {
    let size = |number: &u32| uploaded.get(number).map(|part| part.size);
    let is_small = error.code().as_str() == "EntityTooSmall";
    let mut parts = named.iter();
    let part = match error.code().as_str() {
        "EntityTooSmall" => parts.find(|(number, _)| size(number) < Some(MIN_PART_SIZE)),
        "InvalidPart" => parts.find(|(number, _)| named.len() == 1 || size(number).is_none()),
        _ => None,
    };
    let Some((number, etag)) = part else {
        return error;
    };
    let error = with_detail(error, "PartNumber", &number.to_string());
    let error = with_detail(error, "ETag", etag.as_str());
    match size(number).filter(|_| is_small) {
        None => error,
        Some(size) => {
            let error = with_detail(error, "ProposedSize", &size.to_string());
            with_detail(error, "MinSizeAllowed", &MIN_PART_SIZE.to_string())
        }
    }
}

/// Returns the URL of the object of a request.
fn location(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let host = headers.get(HOST)?.to_str().ok()?;
    Some(format!("http://{host}{}", uri.path()))
}

fn completed_output(
    completed: CompletedUpload,
    location: Option<String>,
) -> CompleteMultipartUploadOutput {
    let (checksum, kind) = completed.checksum.unzip();
    let checksum = checksum_field(checksum.as_ref());
    let (bucket, key) = (completed.url.bucket(), completed.url.key());
    CompleteMultipartUploadOutput {
        checksum_type: kind.flatten(),
        server_side_encryption: completed.encryption,
        ssekms_key_id: completed.kms_key_id,
        location,
        bucket: Some(bucket.to_owned()),
        key: in_xml(key),
        e_tag: strong(completed.etag.as_ref()),
        version_id: completed.version.map(|version| version.to_string()),
        checksum_crc32: checksum.checksum_crc32,
        checksum_crc32c: checksum.checksum_crc32c,
        checksum_crc64nvme: checksum.checksum_crc64nvme,
        checksum_sha1: checksum.checksum_sha1,
        checksum_sha256: checksum.checksum_sha256,
        ..CompleteMultipartUploadOutput::default()
    }
}

pub(super) async fn abort_multipart_upload(
    front: &Frontend,
    request: S3Request<AbortMultipartUploadInput>,
) -> S3Result<AbortMultipartUploadOutput> {
    let input = request.input;
    let url = object_url(&input.bucket, &input.key)?;
    let abort = AbortUpload::new(url, upload_id(&input.upload_id));
    front.store.abort_upload(abort).await.map_err(s3_error)?;
    front.extras.uploads().remove(&input.upload_id);
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
