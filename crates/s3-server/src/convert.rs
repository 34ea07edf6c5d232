//! Converts between the types of `s3s` and those of s3-core: sizes, dates, ETags, attributes, checksums.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use s3_core::{
    Attributes, ByteRange, Checksum, ChecksumAlgorithm, ETag, Encryption, S3Prefix, S3Url, Tags,
    UploadId, UserMetadata,
};
use s3s::dto::{self, ETagCondition, Range, Timestamp, TimestampFormat};
use s3s::{S3Result, s3_error};
use time::OffsetDateTime;

/// The content type of objects that were written without one.
const DEFAULT_CONTENT_TYPE: &str = "binary/octet-stream";

pub(super) fn object_url(bucket: &str, key: &str) -> S3Result<S3Url> {
    S3Url::from_parts(bucket, key).map_err(|error| s3_error!(error, InvalidURI))
}

pub(super) fn key_prefix(bucket: &str, prefix: &str) -> S3Result<S3Prefix> {
    S3Prefix::from_parts(bucket, prefix).map_err(|error| s3_error!(error, InvalidURI))
}

pub(super) fn upload_id(text: &str) -> UploadId {
    UploadId::new(text)
}

pub(super) fn part_number(number: i32) -> S3Result<u32> {
    match u32::try_from(number) {
        Ok(number @ 1..=10_000) => Ok(number),
        _ => Err(s3_error!(
            InvalidArgument,
            "Part number must be an integer between 1 and 10000, inclusive"
        )),
    }
}

pub(super) fn byte_range(range: Range) -> ByteRange {
    match range {
        Range::Int {
            first,
            last: Some(last),
        } => ByteRange::Bounded(first..last.saturating_add(1)),
        Range::Int { first, last: None } => ByteRange::From(first),
        Range::Suffix { length } => ByteRange::Last(length),
    }
}

/// Converts a size to the signed integer of `s3s`.
pub(super) fn size(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

pub(super) fn timestamp(time: Option<SystemTime>) -> Option<Timestamp> {
    date(time?).map(Timestamp::from)
}

/// Converts a time to a date; `None` after the year 9999, where `OffsetDateTime::from` would panic.
pub(super) fn date(time: SystemTime) -> Option<OffsetDateTime> {
    let epoch = OffsetDateTime::UNIX_EPOCH;
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => epoch.checked_add(since.try_into().ok()?),
        Err(before) => epoch.checked_sub(before.duration().try_into().ok()?),
    }
}

/// Formats a time as an HTTP date.
pub(super) fn http_date(time: &Timestamp) -> Option<String> {
    let mut text = Vec::new();
    time.format(TimestampFormat::HttpDate, &mut text).ok()?;
    String::from_utf8(text).ok()
}

pub(super) fn system_time(timestamp: Option<Timestamp>) -> Option<SystemTime> {
    timestamp.map(|timestamp| OffsetDateTime::from(timestamp).into())
}

pub(super) fn strong(etag: Option<&ETag>) -> Option<dto::ETag> {
    etag.map(|etag| dto::ETag::Strong(etag.as_str().to_owned()))
}

pub(super) fn core_etag(etag: &dto::ETag) -> ETag {
    ETag::new(etag.value())
}

/// Returns the ETag of a condition; `None` for `*`, which matches any object.
pub(super) fn named_etag(condition: Option<&ETagCondition>) -> Option<ETag> {
    match condition {
        Some(ETagCondition::ETag(etag)) => Some(core_etag(etag)),
        Some(ETagCondition::Any) | None => None,
    }
}

/// The headers of a write request that become attributes of the object.
#[derive(Debug, Default)]
pub(super) struct Described {
    pub(super) content_type: Option<String>,
    pub(super) content_encoding: Option<String>,
    pub(super) cache_control: Option<String>,
    pub(super) content_disposition: Option<String>,
    pub(super) content_language: Option<String>,
    pub(super) expires: Option<Timestamp>,
    pub(super) storage_class: Option<dto::StorageClass>,
    pub(super) encryption: Option<dto::ServerSideEncryption>,
    pub(super) metadata: Option<dto::Metadata>,
    pub(super) tags: Tags,
}

impl From<Described> for Attributes {
    fn from(described: Described) -> Self {
        let mut attributes = Self::default();
        attributes.content_type = described.content_type.map(Arc::from);
        attributes.content_encoding = described
            .content_encoding
            .and_then(|encoding| stored_encoding(&encoding))
            .map(Arc::from);
        attributes.cache_control = described.cache_control.map(Arc::from);
        attributes.content_disposition = described.content_disposition.map(Arc::from);
        attributes.content_language = described.content_language.map(Arc::from);
        attributes.expires = system_time(described.expires);
        attributes.storage_class = described.storage_class.map(|class| class.as_str().into());
        attributes.encryption = described
            .encryption
            .map(|encryption| Encryption::new(encryption.as_str()));
        attributes.tags = described.tags;
        attributes.user = described
            .metadata
            .into_iter()
            .flatten()
            .collect::<UserMetadata>();
        attributes
    }
}

/// The storage classes of S3.
const CLASSES: [&str; 12] = [
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER",
    "DEEP_ARCHIVE",
    "OUTPOSTS",
    "GLACIER_IR",
    "SNOW",
    "EXPRESS_ONEZONE",
    "FSX_OPENZFS",
];

/// Rejects a storage class that S3 does not have.
pub(super) fn known_class(class: Option<dto::StorageClass>) -> S3Result<Option<dto::StorageClass>> {
    match class {
        Some(class) if !CLASSES.contains(&class.as_str()) => Err(s3_error!(
            InvalidStorageClass,
            "The storage class you specified is not valid"
        )),
        class => Ok(class),
    }
}

/// Returns the content encoding without `aws-chunked`.
fn stored_encoding(encoding: &str) -> Option<String> {
    let is_chunked = |part: &&str| part.trim().eq_ignore_ascii_case("aws-chunked");
    if !encoding.split(',').any(|part| is_chunked(&part)) {
        return Some(encoding.to_owned());
    }
    let kept: Vec<_> = encoding
        .split(',')
        .filter(|part| !is_chunked(part))
        .map(str::trim)
        .collect();
    (!kept.is_empty()).then(|| kept.join(","))
}

impl From<&Attributes> for Described {
    fn from(attributes: &Attributes) -> Self {
        let owned = |text: &Option<Arc<str>>| text.as_deref().map(str::to_owned);
        let metadata: dto::Metadata = attributes
            .user
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        Self {
            content_type: owned(&attributes.content_type)
                .or_else(|| Some(DEFAULT_CONTENT_TYPE.to_owned())),
            content_encoding: owned(&attributes.content_encoding),
            cache_control: owned(&attributes.cache_control),
            content_disposition: owned(&attributes.content_disposition),
            content_language: owned(&attributes.content_language),
            expires: timestamp(attributes.expires),
            storage_class: owned(&attributes.storage_class).map(dto::StorageClass::from),
            encryption: encryption(attributes.encryption.as_ref()),
            metadata: (!metadata.is_empty()).then_some(metadata),
            tags: Tags::new(),
        }
    }
}

pub(super) fn encryption(encryption: Option<&Encryption>) -> Option<dto::ServerSideEncryption> {
    encryption.map(|encryption| dto::ServerSideEncryption::from(encryption.as_str().to_owned()))
}

/// Returns a checksum in the `s3s` field of its algorithm.
pub(super) fn checksum_field(checksum: Option<&Checksum>) -> dto::Checksum {
    let mut fields = dto::Checksum::default();
    let Some(checksum) = checksum else {
        return fields;
    };
    let value = Some(checksum.value.to_string());
    match checksum.algorithm {
        ChecksumAlgorithm::Crc32 => fields.checksum_crc32 = value,
        ChecksumAlgorithm::Crc32c => fields.checksum_crc32c = value,
        ChecksumAlgorithm::Crc64Nvme => fields.checksum_crc64nvme = value,
        ChecksumAlgorithm::Sha1 => fields.checksum_sha1 = value,
        ChecksumAlgorithm::Sha256 => fields.checksum_sha256 = value,
        _ => {}
    }
    fields
}

/// Returns the first checksum among the fields.
pub(super) fn core_checksum(fields: &dto::Checksum) -> Option<Checksum> {
    [
        (ChecksumAlgorithm::Crc32, &fields.checksum_crc32),
        (ChecksumAlgorithm::Crc32c, &fields.checksum_crc32c),
        (ChecksumAlgorithm::Crc64Nvme, &fields.checksum_crc64nvme),
        (ChecksumAlgorithm::Sha1, &fields.checksum_sha1),
        (ChecksumAlgorithm::Sha256, &fields.checksum_sha256),
    ]
    .into_iter()
    .find_map(|(algorithm, value)| Some(Checksum::new(algorithm, value.as_deref()?)))
}

/// Returns the text if XML can represent it. Responses leave out a key that XML cannot represent.
pub(super) fn in_xml(text: &str) -> Option<String> {
    let illegal =
        |c: char| (c < ' ' && !matches!(c, '\t' | '\n')) || matches!(c, '\u{fffe}' | '\u{ffff}');
    (!text.contains(illegal)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transports_own_encoding_is_not_stored() {
        for (sent, stored) in [
            ("gzip", Some("gzip")),
            ("aws-chunked", None),
            ("aws-chunked,gzip", Some("gzip")),
            ("gzip, aws-chunked", Some("gzip")),
            ("gzip, br", Some("gzip, br")),
        ] {
            assert_eq!(stored_encoding(sent).as_deref(), stored, "{sent}");
        }
    }
}
