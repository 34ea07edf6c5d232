//! CopyObject and UploadPartCopy handlers.

use std::time::SystemTime;

use s3_core::{
    ByteRange, ChecksumAlgorithm, CopyRequest, Encryption, ErrorKind, GetRequest, HeadRequest,
    ObjectMeta, S3Url, Store, Tags, UploadPartCopy, VersionId,
};
use s3s::dto::{
    CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopyPartResult, CopySource, ETagCondition,
    MetadataDirective, Range, TaggingDirective, UploadPartCopyInput, UploadPartCopyOutput,
};
use s3s::{S3Request, S3Result, s3_error};

use super::get::{version as version_of, whole_object};
use super::object_extras::{ObjectExtras, PartExtent};
use super::write_conditions::SourceConditions;
use super::{Frontend, acl, customer_key, multipart_checksum, object_lock, tags, write_conditions};
use crate::convert::{
    Described, byte_range, checksum_field, known_class, named_etag, object_url, part_number,
    strong, system_time, timestamp, upload_id,
};
use crate::errors::s3_error;

pub(super) async fn copy_object(
    front: &Frontend,
    request: S3Request<CopyObjectInput>,
) -> S3Result<CopyObjectOutput> {
    let S3Request { input, headers, .. } = request;
    let to = object_url(&input.bucket, &input.key)?;
    let (from, source_version) = source(&input.copy_source)?;
    let conditions = SourceConditions {
        has_if_match: input.copy_source_if_match.is_some(),
        if_none_match: input.copy_source_if_none_match,
        if_modified_since: system_time(input.copy_source_if_modified_since),
        if_unmodified_since: system_time(input.copy_source_if_unmodified_since),
    };
    let pinned = conditions
        .check(front, &from, source_version.as_ref())
        .await?;
    let source = described(front, &from, source_version.as_ref()).await?;
    let (source, of_source) = source.unzip();
    let of_source = of_source.unwrap_or_default();
    let source_key = customer_key::given(
        input.copy_source_sse_customer_algorithm.as_deref(),
        input.copy_source_sse_customer_key.as_deref(),
        input.copy_source_sse_customer_key_md5.as_deref(),
    )?;
    if source.is_some() {
        customer_key::check(of_source.customer_key_md5.as_deref(), source_key.as_deref())?;
    }
    let key = customer_key::of!(input)?;
    let tagging_directive = input.tagging_directive;
    let replaces_tags = tagging_directive
        .as_ref()
        .is_some_and(|directive| directive.as_str() == TaggingDirective::REPLACE);
    let encryption = front.configurations.of(&input.bucket).encryption_of(
        input.server_side_encryption,
        input.ssekms_key_id,
        key.is_some(),
    )?;
    let (algorithm, kms_key_id) = (encryption.algorithm.clone(), encryption.kms_key_id.clone());
    let has_bucket_key = encryption.has_bucket_key(input.bucket_key_enabled);
    let extras = ObjectExtras {
        kms_key_id: encryption.kms_key_id,
        has_bucket_key,
        acl: acl::of!(input)?,
        customer_key_md5: key.clone(),
        website_redirect: input.website_redirect_location,
        lock: object_lock::of!(front, input)?,
        ..ObjectExtras::default()
    };
    let mut copy = CopyRequest::new(from, to.clone());
    copy.source_version = source_version.clone();
    copy.tags = match replaces_tags {
        true => Some(tags::of_header(input.tagging.as_deref())?),
        false => None,
    };
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
    let (mode, _permit) = write_conditions::permit(
        front,
        &copy.to,
        condition("if-match")?.as_ref(),
        condition("if-none-match")?.as_ref(),
    )
    .await?;
    let condition = match input.copy_source_if_match {
        Some(_) => Some(write_conditions::SOURCE_IF_MATCH),
        None => write_conditions::header_of(&mode),
    };
    copy.mode = mode;
    copy.source_conditions.if_match = named_etag(input.copy_source_if_match.as_ref()).or(pinned);
    for (name, directive) in [
        (
            "metadata",
            input.metadata_directive.as_ref().map(|it| it.as_str()),
        ),
        ("tagging", tagging_directive.as_ref().map(|it| it.as_str())),
    ] {
        if directive.is_some_and(|directive| !matches!(directive, "COPY" | "REPLACE")) {
            return Err(s3_error!(InvalidArgument, "Unknown {name} directive."));
        }
    }
    let is_replaced = input
        .metadata_directive
        .is_some_and(|directive| directive.as_str() == MetadataDirective::REPLACE);
    copy.encryption = encryption
        .algorithm
        .as_ref()
        .map(|encryption| Encryption::new(encryption.as_str()));
    let described = Described {
        content_type: input.content_type,
        content_encoding: input.content_encoding,
        cache_control: input.cache_control,
        content_disposition: input.content_disposition,
        content_language: input.content_language,
        expires: input.expires,
        storage_class: known_class(input.storage_class)?,
        encryption: encryption.algorithm,
        metadata: input.metadata,
        tags: Tags::new(),
    };
    // The storage class is that of the request, even if the other attributes are copied from the source.
    let class = described
        .storage_class
        .as_ref()
        .map(|class| class.as_str().to_owned());
    copy.attributes = match (is_replaced, class, &source) {
        (true, ..) => Some(described.into()),
        (false, Some(class), Some(source)) => {
            let mut attributes = source.attributes.clone().with_storage_class(class);
            // The encryption is that of the request or of the bucket, never that of the source.
            attributes.encryption = None;
            Some(attributes)
        }
        (false, ..) => None,
    };
    let algorithm_of_checksum = input.checksum_algorithm;
    copy.checksum_algorithm =
        algorithm_of_checksum.and_then(|algorithm| ChecksumAlgorithm::of_name(algorithm.as_str()));

    let _writing = front.keys.write(&to).await;
    let copied = front.store.copy(copy).await;
    let response = copied.map_err(|error| write_conditions::of_store(error, condition))?;
    front.extras.set(
        &to,
        response.version.as_ref(),
        response.etag.clone(),
        extras,
    );
    let of_source = source_version.or(source.and_then(|meta| meta.version));
    let kind = response.checksum.as_ref().map(|_| whole_object());
    let checksum = checksum_field(response.checksum.as_ref());
    let result = CopyObjectResult {
        checksum_type: kind,
        e_tag: strong(response.etag.as_ref()),
        last_modified: timestamp(Some(SystemTime::now())),
        checksum_crc32: checksum.checksum_crc32,
        checksum_crc32c: checksum.checksum_crc32c,
        checksum_crc64nvme: checksum.checksum_crc64nvme,
        checksum_sha1: checksum.checksum_sha1,
        checksum_sha256: checksum.checksum_sha256,
    };
    Ok(CopyObjectOutput {
        copy_object_result: Some(result),
        copy_source_version_id: of_source.map(|version| version.to_string()),
        bucket_key_enabled: has_bucket_key.then_some(true),
        server_side_encryption: algorithm,
        ssekms_key_id: kms_key_id,
        sse_customer_algorithm: key.as_ref().map(|_| customer_key::ALGORITHM.to_owned()),
        sse_customer_key_md5: key,
        version_id: response.version.map(|version| version.to_string()),
        ..CopyObjectOutput::default()
    })
}

pub(super) async fn upload_part_copy(
    front: &Frontend,
    request: S3Request<UploadPartCopyInput>,
) -> S3Result<UploadPartCopyOutput> {
    let input = request.input;
    let (from, source_version) = source(&input.copy_source)?;
    let conditions = SourceConditions {
        has_if_match: input.copy_source_if_match.is_some(),
        if_none_match: input.copy_source_if_none_match,
        if_modified_since: system_time(input.copy_source_if_modified_since),
        if_unmodified_since: system_time(input.copy_source_if_unmodified_since),
    };
    let pinned = conditions
        .check(front, &from, source_version.as_ref())
        .await?;
    let source = described(front, &from, source_version.as_ref()).await?;
    if let Some((_, of_source)) = &source {
        let key = customer_key::given(
            input.copy_source_sse_customer_algorithm.as_deref(),
            input.copy_source_sse_customer_key.as_deref(),
            input.copy_source_sse_customer_key_md5.as_deref(),
        )?;
        customer_key::check(of_source.customer_key_md5.as_deref(), key.as_deref())?;
    }
    let url = object_url(&input.bucket, &input.key)?;
    let number = part_number(input.part_number)?;
    let mut part = UploadPartCopy::new(url, upload_id(&input.upload_id), number, from);
    part.range = input
        .copy_source_range
        .as_deref()
        .map(bounded)
        .transpose()?
        .map(byte_range);
    part.source_version = source_version.clone();
    part.source_if_match = named_etag(input.copy_source_if_match.as_ref()).or(pinned);
    let range = part.range.clone();
    let mut get = GetRequest::new(part.from.clone());
    (get.version, get.range) = (part.source_version.clone(), range.clone());

    let condition = Some(write_conditions::SOURCE_IF_MATCH);
    let tag = front.store.upload_part_copy(part).await;
    let tag = tag.map_err(|error| write_conditions::of_store(error, condition))?;
    let upload = front.extras.uploads().get(&input.upload_id).cloned();
    let usual = Some(ChecksumAlgorithm::Crc64Nvme).filter(|_| front.adds_checksums);
    let wanted = upload.and_then(|upload| upload.algorithm()).or(usual);
    let checksum = match wanted {
        Some(algorithm) => multipart_checksum::read(front, get, algorithm).await?,
        None => None,
    };
    let fields = checksum_field(checksum.as_ref());
    let size = match range {
        Some(ByteRange::Bounded(range)) => range.end - range.start,
        _ => source.map_or(0, |(meta, _)| meta.size),
    };
    front
        .extras
        .uploads()
        .entry(input.upload_id)
        .or_default()
        .parts
        .insert(
            number,
            PartExtent {
                number,
                size,
                checksum,
            },
        );
    let result = CopyPartResult {
        e_tag: strong(Some(&tag.etag)),
        last_modified: timestamp(Some(SystemTime::now())),
        checksum_crc32: fields.checksum_crc32,
        checksum_crc32c: fields.checksum_crc32c,
        checksum_crc64nvme: fields.checksum_crc64nvme,
        checksum_sha1: fields.checksum_sha1,
        checksum_sha256: fields.checksum_sha256,
    };
    Ok(UploadPartCopyOutput {
        copy_part_result: Some(result),
        copy_source_version_id: source_version.map(|version| version.to_string()),
        ..UploadPartCopyOutput::default()
    })
}

fn source(source: &CopySource) -> S3Result<(S3Url, Option<VersionId>)> {
    match source {
        CopySource::Bucket {
            bucket,
            key,
            version_id,
        } => {
            if key.is_empty() {
                return Err(s3_error!(InvalidArgument, "Invalid copy source object key"));
            }
            let version = version_id.as_deref().map(str::to_owned);
            Ok((object_url(bucket, key)?, version_of(version)?))
        }
        _ => Err(s3_error!(
            NotImplemented,
            "a copy is made of an object in a bucket only"
        )),
    }
}

/// Returns the metadata and the extras of the source of a copy; `None` if it is missing, and the copy itself then
/// fails.
async fn described(
    front: &Frontend,
    source: &S3Url,
    version: Option<&VersionId>,
) -> S3Result<Option<(ObjectMeta, ObjectExtras)>> {
    let mut head = HeadRequest::new(source.clone());
    head.version = version.cloned();
    let _reading = front.keys.read(source).await;
    match front.store.head(head).await {
        Ok(meta) => {
            let extras = front.extras.of(&meta);
            Ok(Some((meta, extras)))
        }
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NoSuchBucket) => {
            Ok(None)
        }
        Err(error) => Err(s3_error(error)),
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
