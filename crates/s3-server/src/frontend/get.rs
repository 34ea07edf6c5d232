//! Handlers of GetObject and HeadObject: ranges, part numbers, conditional reads (`If-Match`, `If-Range`, 304, 412),
//! checksum headers.

use std::ops::Range;

use http::header::{ETAG, IF_RANGE, LAST_MODIFIED};
use http::{HeaderMap, HeaderValue};
use s3_core::{
    ByteRange, Checksum, Conditions, ErrorKind, GetRequest, HeadRequest, ObjectMeta, Operation,
    S3Url, Store, VersionId,
};
use s3s::dto::{
    self, ChecksumMode, ChecksumType, ETagCondition, GetObjectInput, GetObjectOutput,
    HeadObjectInput, HeadObjectOutput,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result, s3_error};

use super::body::streamed;
use super::object_extras::ObjectExtras;
use super::write_conditions::IF_MATCH;
use super::{Frontend, customer_key, restore};
use crate::Hook;
use crate::convert::{
    Described, byte_range, checksum_field, http_date, named_etag, object_url, part_number, size,
    strong, system_time, timestamp,
};
use crate::errors::{s3_error, with_condition, with_detail};

pub(super) async fn get_object(
    front: &Frontend,
    request: S3Request<GetObjectInput>,
) -> S3Result<GetObjectOutput> {
    reject_encryption(&request.headers)?;
    let mut input = request.input;
    if input.range.is_some()
        && let Some(hook) = request.extensions.get::<Hook>()
        && hook.ignores_range()
    {
        input.range = None;
    }
    let key = customer_key::of!(input)?;
    let url = object_url(&input.bucket, &input.key)?;
    let mut get = GetRequest::new(url);
    get.version = version(input.version_id)?;
    let version = get.version.as_ref();
    let _reading = front.keys.read(&get.url).await;
    if input.range.is_some() && !if_range_holds(front, &get.url, version, &request.headers).await? {
        input.range = None;
    }
    let part = part(front, &get.url, version, input.part_number, input.range).await?;
    get.range = input.range.map(byte_range);
    if let Some(part) = &part {
        get.range = part.range();
    }
    get.conditions.if_match = named_etag(input.if_match.as_ref());
    get.conditions.if_none_match = named_etag(input.if_none_match.as_ref());
    get.conditions.if_modified_since = system_time(input.if_modified_since);
    get.conditions.if_unmodified_since = system_time(input.if_unmodified_since);

    let asked = Asked::of(front, &get.url, version, &get.conditions);
    let response = match front.store.get(get).await {
        Ok(response) => response,
        Err(error) => return Err(asked.failed(error).await),
    };
    reject_existing(input.if_none_match.as_ref(), &response.meta)?;
    let meta = response.meta;
    let extras = front.extras.of(&meta);
    customer_key::check(extras.customer_key_md5.as_deref(), key.as_deref())?;
    let len = response.range.end - response.range.start;
    let described = Described::from(&meta.attributes);
    let (checksum, checksum_type) = shown_checksum(
        &meta,
        &extras,
        input.checksum_mode.as_ref(),
        len,
        part.as_ref(),
    );
    Ok(GetObjectOutput {
        checksum_type,
        sse_customer_algorithm: key.as_ref().map(|_| customer_key::ALGORITHM.to_owned()),
        sse_customer_key_md5: key,
        tag_count: i32::try_from(meta.tag_count)
            .ok()
            .filter(|&count| count > 0),
        bucket_key_enabled: extras.has_bucket_key.then_some(true),
        object_lock_mode: extras.lock.mode(),
        object_lock_retain_until_date: extras.lock.until(),
        object_lock_legal_hold_status: extras.lock.legal_hold_status(),
        restore: restore::state(&meta),
        website_redirect_location: extras.website_redirect,
        parts_count: part.as_ref().and_then(Part::count),
        accept_ranges: Some("bytes".to_owned()),
        content_range: (input.range.is_some() || part.as_ref().and_then(Part::range).is_some())
            .then(|| content_range(&response.range, meta.size)),
        content_length: Some(size(len)),
        body: Some(streamed(response.body, len)),
        e_tag: strong(meta.etag.as_ref()),
        last_modified: timestamp(meta.last_modified),
        version_id: meta.version.map(|version| version.to_string()),
        content_type: input.response_content_type.or(described.content_type),
        content_encoding: input
            .response_content_encoding
            .or(described.content_encoding),
        cache_control: input.response_cache_control.or(described.cache_control),
        content_disposition: input
            .response_content_disposition
            .or(described.content_disposition),
        content_language: input
            .response_content_language
            .or(described.content_language),
        expires: input.response_expires.or(described.expires),
        storage_class: described.storage_class,
        server_side_encryption: described.encryption,
        ssekms_key_id: extras.kms_key_id,
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
) -> S3Result<(HeadObjectOutput, HeaderMap)> {
    reject_encryption(&request.headers)?;
    let input = request.input;
    let key = customer_key::of!(input)?;
    let url = object_url(&input.bucket, &input.key)?;
    let mut head = HeadRequest::new(url);
    head.version = version(input.version_id)?;
    let version = head.version.as_ref();
    let _reading = front.keys.read(&head.url).await;
    let part = part(front, &head.url, version, input.part_number, input.range).await?;
    head.conditions.if_match = named_etag(input.if_match.as_ref());
    head.conditions.if_none_match = named_etag(input.if_none_match.as_ref());
    head.conditions.if_modified_since = system_time(input.if_modified_since);
    head.conditions.if_unmodified_since = system_time(input.if_unmodified_since);

    let asked = Asked::of(front, &head.url, version, &head.conditions);
    let meta = match front.store.head(head).await {
        Ok(meta) => meta,
        Err(error) => return Err(asked.failed(error).await),
    };
    reject_existing(input.if_none_match.as_ref(), &meta)?;
    let extras = front.extras.of(&meta);
    customer_key::check(extras.customer_key_md5.as_deref(), key.as_deref())?;
    let of_part = part.as_ref().and_then(Part::range);
    let range = of_part
        .or(input.range.map(byte_range))
        .map(|range| range.resolve(meta.size))
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
    let (checksum, checksum_type) = shown_checksum(
        &meta,
        &extras,
        input.checksum_mode.as_ref(),
        len,
        part.as_ref(),
    );
    let mut headers = HeaderMap::new();
    if meta.tag_count > 0 {
        headers.insert("x-amz-tagging-count", HeaderValue::from(meta.tag_count));
    }
    let output = HeadObjectOutput {
        checksum_type,
        sse_customer_algorithm: key.as_ref().map(|_| customer_key::ALGORITHM.to_owned()),
        sse_customer_key_md5: key,
        parts_count: part.as_ref().and_then(Part::count),
        bucket_key_enabled: extras.has_bucket_key.then_some(true),
        object_lock_mode: extras.lock.mode(),
        object_lock_retain_until_date: extras.lock.until(),
        object_lock_legal_hold_status: extras.lock.legal_hold_status(),
        restore: restore::state(&meta),
        website_redirect_location: extras.website_redirect,
        accept_ranges: Some("bytes".to_owned()),
        content_range: range.map(|range| content_range(&range, meta.size)),
        content_length: Some(size(len)),
        e_tag: strong(meta.etag.as_ref()),
        last_modified: timestamp(meta.last_modified),
        version_id: meta.version.map(|version| version.to_string()),
        content_type: input.response_content_type.or(described.content_type),
        content_encoding: input
            .response_content_encoding
            .or(described.content_encoding),
        cache_control: input.response_cache_control.or(described.cache_control),
        content_disposition: input
            .response_content_disposition
            .or(described.content_disposition),
        content_language: input
            .response_content_language
            .or(described.content_language),
        expires: input.response_expires.or(described.expires),
        storage_class: described.storage_class,
        server_side_encryption: described.encryption,
        ssekms_key_id: extras.kms_key_id,
        metadata: described.metadata,
        checksum_crc32: checksum.checksum_crc32,
        checksum_crc32c: checksum.checksum_crc32c,
        checksum_crc64nvme: checksum.checksum_crc64nvme,
        checksum_sha1: checksum.checksum_sha1,
        checksum_sha256: checksum.checksum_sha256,
        ..HeadObjectOutput::default()
    };
    Ok((output, headers))
}

/// Returns whether the object matches `If-Range`; `true` without the header.
async fn if_range_holds(
    front: &Frontend,
    url: &S3Url,
    version: Option<&VersionId>,
    headers: &HeaderMap,
) -> S3Result<bool> {
    let Some(wanted) = headers.get(IF_RANGE).and_then(|value| value.to_str().ok()) else {
        return Ok(true);
    };
    let mut head = HeadRequest::new(url.clone());
    head.version = version.cloned();
    let meta = front.head(head).await?;
    let time = timestamp(meta.last_modified);
    let time = time.and_then(|time| http_date(&time));
    let etag = meta.etag.map(|etag| format!("\"{}\"", etag.as_str()));
    Ok([time, etag].iter().flatten().any(|have| *have == wanted))
}

/// Rejects a read with `x-amz-server-side-encryption`, which only writes may have.
fn reject_encryption(headers: &HeaderMap) -> S3Result<()> {
    match headers.contains_key("x-amz-server-side-encryption") {
        false => Ok(()),
        true => Err(s3_error!(
            InvalidArgument,
            "x-amz-server-side-encryption header is not supported for this operation."
        )),
    }
}

pub(super) fn version(id: Option<String>) -> S3Result<Option<VersionId>> {
    match id {
        Some(id) if id.is_empty() => Err(s3_error!(
            InvalidArgument,
            "Version id cannot be the empty string"
        )),
        id => Ok(id.map(|id| VersionId::new(&id))),
    }
}

/// The type of a checksum that was computed over the whole object.
pub(super) fn whole_object() -> ChecksumType {
    ChecksumType::from_static(ChecksumType::FULL_OBJECT)
}

/// Responds `304` to `If-None-Match: *` for an existing object. The conditions of a store cannot express `*`.
fn reject_existing(condition: Option<&ETagCondition>, meta: &ObjectMeta) -> S3Result<()> {
    match condition {
        Some(ETagCondition::Any) => Err(with_validators(
            s3_error(s3_core::Error::new(ErrorKind::NotModified, Operation::Get)),
            Some(meta),
        )),
        _ => Ok(()),
    }
}

/// Adds details of the object to the error response of a read: size, ETag and time, or storage class.
struct Asked<'front> {
    front: &'front Frontend,
    head: HeadRequest,
    /// The condition that a `412` names: `If-Match` if the request has it, otherwise `If-Unmodified-Since`.
    condition: &'static str,
}

impl<'front> Asked<'front> {
    fn of(
        front: &'front Frontend,
        url: &S3Url,
        version: Option<&VersionId>,
        conditions: &Conditions,
    ) -> Self {
        let mut head = HeadRequest::new(url.clone());
        head.version = version.cloned();
        Self {
            front,
            head,
            condition: match conditions.if_match {
                Some(_) => IF_MATCH,
                None => "If-Unmodified-Since",
            },
        }
    }

    async fn failed(self, error: s3_core::Error) -> S3Error {
        let kind = error.kind();
        let error = s3_error(error);
        match kind {
            ErrorKind::InvalidRange => {
                let size = self.front.store.head(self.head).await.map(|meta| meta.size);
                with_size(error, size.ok())
            }
            ErrorKind::NotModified | ErrorKind::PreconditionFailed => {
                let meta = self.front.store.head(self.head).await.ok();
                let error = with_validators(error, meta.as_ref());
                match kind {
                    ErrorKind::NotModified => error,
                    _ => with_condition(error, self.condition),
                }
            }
            ErrorKind::Archived => {
                let meta = self.front.store.head(self.head).await.ok();
                let class = meta.and_then(|meta| meta.attributes.storage_class);
                match class {
                    Some(class) => with_detail(error, "StorageClass", &class),
                    None => error,
                }
            }
            _ => error,
        }
    }
}

fn with_size(mut error: S3Error, size: Option<u64>) -> S3Error {
    let value = size.and_then(|size| HeaderValue::from_str(&format!("bytes */{size}")).ok());
    if let Some(value) = value {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::CONTENT_RANGE, value);
        error.set_headers(headers);
    }
    error
}

/// Adds `ETag` and `Last-Modified`, which caches compare.
fn with_validators(mut error: S3Error, meta: Option<&ObjectMeta>) -> S3Error {
    let etag = meta.and_then(|meta| meta.etag.as_ref());
    let etag = etag.and_then(|etag| HeaderValue::from_str(&format!("\"{}\"", etag.as_str())).ok());
    let time = timestamp(meta.and_then(|meta| meta.last_modified));
    let time = time.and_then(|time| HeaderValue::from_str(&http_date(&time)?).ok());
    let mut headers = HeaderMap::new();
    let values = [(ETAG, etag), (LAST_MODIFIED, time)];
    headers.extend(
        { values }
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    error.set_headers(headers);
    error
}

/// A part that is read by its number.
struct Part {
    /// The bytes of the part; none for an empty object.
    bytes: Range<u64>,
    /// How many parts the object was uploaded in.
    count: usize,
    checksum: Option<Checksum>,
}

impl Part {
    fn range(&self) -> Option<ByteRange> {
        (!self.bytes.is_empty()).then(|| ByteRange::Bounded(self.bytes.clone()))
    }

    fn count(&self) -> Option<i32> {
        i32::try_from(self.count).ok().filter(|&count| count > 0)
    }
}

/// Returns the part with the requested `partNumber`. The caller holds the lock of the key. An object that was not
/// uploaded in parts is its own part 1.
async fn part(
    front: &Frontend,
    url: &S3Url,
    version: Option<&VersionId>,
    number: Option<i32>,
    range: Option<dto::Range>,
) -> S3Result<Option<Part>> {
    let Some(number) = number.map(part_number).transpose()? else {
        return Ok(None);
    };
    if range.is_some() {
        return Err(s3_error!(
            InvalidRequest,
            "Cannot specify both Range header and partNumber query parameter"
        ));
    }
    let mut head = HeadRequest::new(url.clone());
    head.version = version.cloned();
    let meta = front.head(head).await?;
    let extras = front.extras.of(&meta);
    let mut start = 0;
    for part in &extras.parts {
        if part.number == number {
            return Ok(Some(Part {
                bytes: start..start + part.size,
                count: extras.parts.len(),
                checksum: part.checksum.clone(),
            }));
        }
        start += part.size;
    }
    if extras.parts.is_empty() && number == 1 {
        return Ok(Some(Part {
            bytes: 0..meta.size,
            count: 0,
            checksum: None,
        }));
    }
    let mut error = s3_error!(InvalidRange, "The requested partnumber is not satisfiable");
    if let Some(code) = S3ErrorCode::from_bytes(b"InvalidPartNumber") {
        error.set_code(code);
    }
    error.set_status_code(http::StatusCode::RANGE_NOT_SATISFIABLE);
    Err(error)
}

/// Returns the checksum to send: only with `x-amz-checksum-mode: ENABLED`, for the whole object or a numbered part.
fn shown_checksum(
    meta: &ObjectMeta,
    extras: &ObjectExtras,
    mode: Option<&ChecksumMode>,
    len: u64,
    part: Option<&Part>,
) -> (dto::Checksum, Option<ChecksumType>) {
    let asked = mode.is_some_and(|mode| mode.as_str().eq_ignore_ascii_case(ChecksumMode::ENABLED));
    if let Some(part) = part
        && part.checksum.is_some()
        && asked
    {
        let kind = extras.checksum.as_ref().map(|(_, kind)| kind.clone());
        return (checksum_field(part.checksum.as_ref()), kind);
    }
    if !asked || len != meta.size {
        return (dto::Checksum::default(), None);
    }
    let shown = match &extras.checksum {
        Some((checksum, kind)) => Some((checksum, kind.clone())),
        None => meta
            .checksum
            .as_ref()
            .map(|checksum| (checksum, whole_object())),
    };
    let (checksum, kind) = shown.unzip();
    (checksum_field(checksum), kind)
}

fn content_range(range: &Range<u64>, total: u64) -> String {
    format!(
        "bytes {}-{}/{total}",
        range.start,
        range.end.saturating_sub(1)
    )
}
