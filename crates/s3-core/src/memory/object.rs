//! An object of the in-memory store: its bytes and metadata, and the limits that S3 sets for them.

use std::sync::Arc;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as STANDARD_BASE64;
use bytes::Bytes;
use s3_url::S3Url;

use super::buffers::Buffers;
use super::clock::to_second;
use super::error_response::error_response;
use super::etag::{etag, md5_of};
use crate::checksum_digest::ChecksumDigest;
use crate::error::ARCHIVED;
use crate::{
    Attributes, Checksum, ChecksumAlgorithm, ChecksumType, ETag, Error, ErrorKind,
    GetObjectAttributes, Limits, ListedObject, ObjectAttributes, ObjectMeta, ObjectPart, Operation,
    Payload, PutResponse, RestoreStatus, Result, Tags, VersionId,
};

/// The content type of an object that was written without one.
const DEFAULT_CONTENT_TYPE: &str = "binary/octet-stream";

/// Maximum number of tags of an object.
const MAX_TAGS: usize = 10;

/// The default storage class. Only listings and GetObjectAttributes return it.
const STANDARD: &str = "STANDARD";

/// The storage classes whose objects must be restored before they are read.
const ARCHIVES: [&str; 2] = ["GLACIER", "DEEP_ARCHIVE"];

/// A stored object. Clone shares the bytes.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) url: S3Url,
    pub(super) data: Buffers,
    pub(super) etag: ETag,
    pub(super) last_modified: SystemTime,
    /// The version id; `None` for the version `null`.
    pub(super) version: Option<VersionId>,
    pub(super) attributes: Attributes,
    pub(super) checksum: Option<Checksum>,
    /// The parts that the object was uploaded in.
    pub(super) parts: Arc<[ObjectPart]>,
    /// Until when an archived object can be read.
    pub(super) restored_until: Option<SystemTime>,
}

impl Object {
    /// Returns the object that a put writes.
    pub(super) fn from_payload(
        url: S3Url,
        payload: &Payload,
        attributes: Attributes,
        limits: &Limits,
        now: SystemTime,
        operation: Operation,
    ) -> Result<Self> {
        let data = read_payload(payload, limits.max_put_size, operation, &url)?;
        let attributes = normalise(attributes, limits, operation, &url)?;
        let etag = etag(&md5_of(data.chunks()));
        let checksum = attributes
            .checksum_algorithm
            .map(|algorithm| checksum_of(algorithm, data.chunks()));
        Ok(Self {
            url,
            data,
            etag,
            last_modified: now,
            version: None,
            attributes,
            checksum,
            parts: Arc::default(),
            restored_until: None,
        })
    }

    /// Returns the metadata for get and head.
    pub(super) fn meta(&self) -> ObjectMeta {
        let mut attributes = self.attributes.clone();
        let tags = std::mem::take(&mut attributes.tags);
        attributes.acl = None;
        attributes.checksum_algorithm = None;
        ObjectMeta {
            url: self.url.clone(),
            size: self.data.len(),
            etag: Some(self.etag.clone()),
            last_modified: Some(self.last_modified),
            version: None,
            attributes,
            tag_count: u32::try_from(tags.len()).unwrap_or(u32::MAX),
            checksum: self.checksum.clone(),
            restore: self
                .restored_until
                .map(|until| RestoreStatus::Restored { until: Some(until) }),
        }
    }

    /// Returns the attributes, with a page of the parts.
    pub(super) fn attributes(
        &self,
        request: &GetObjectAttributes,
        limits: &Limits,
    ) -> ObjectAttributes {
        let after = request.after.unwrap_or(0);
        let later = self.parts.iter().filter(|part| part.number > after);
        let mut later = later.peekable();
        let most = limits.page_size(request.max_parts);
        let parts: Vec<_> = later.by_ref().take(most).cloned().collect();
        let last = parts.last().map(|part| part.number);
        let count = u32::try_from(self.parts.len()).unwrap_or(u32::MAX);
        let listed = self.listed();
        ObjectAttributes {
            size: listed.size,
            etag: listed.etag,
            last_modified: listed.last_modified,
            version: None,
            storage_class: listed.storage_class,
            checksum: self.checksum.clone(),
            part_count: Some(count).filter(|&count| count > 0),
            next: last.filter(|_| later.peek().is_some()),
            parts,
        }
    }

    /// Returns whether the object is in an archive.
    pub(super) fn is_archived(&self) -> bool {
        let class = self.attributes.storage_class.as_deref();
        class.is_some_and(|class| ARCHIVES.contains(&class))
    }

    /// Fails if the object is archived and not restored.
    pub(super) fn check_restored(&self, now: SystemTime, operation: Operation) -> Result<()> {
        if !self.is_archived() || self.restored_until.is_some_and(|until| now < until) {
            return Ok(());
        }
        let error = error_response(operation, 403, "InvalidObjectState", self.url.as_str());
        Err(error.with_hint(ARCHIVED))
    }

    /// Returns the entry for a listing.
    pub(super) fn listed(&self) -> ListedObject {
        let class = self.attributes.storage_class.clone();
        ListedObject {
            url: self.url.clone(),
            size: self.data.len(),
            etag: Some(self.etag.clone()),
            last_modified: Some(self.last_modified),
            storage_class: Some(class.unwrap_or_else(|| STANDARD.into())),
            checksum_algorithm: self.checksum.as_ref().map(|sum| sum.algorithm),
            checksum_type: self.checksum.as_ref().map(|sum| sum.checksum_type),
        }
    }

    /// Returns the response to a write of this object.
    pub(super) fn written(&self) -> PutResponse {
        PutResponse {
            etag: Some(self.etag.clone()),
            version: None,
            checksum: self.checksum.clone(),
        }
    }
}

/// Returns the checksum of the concatenated buffers.
pub(super) fn checksum_of(algorithm: ChecksumAlgorithm, chunks: &[Bytes]) -> Checksum {
    let mut digest = ChecksumDigest::new(algorithm);
    for chunk in chunks {
        digest.update(chunk);
    }
    digest.checksum()
}

/// Returns the composite checksum of the parts; `None` unless every part has a checksum.
pub(super) fn composite(algorithm: ChecksumAlgorithm, parts: &[ObjectPart]) -> Option<Checksum> {
    let mut digest = ChecksumDigest::new(algorithm);
    for part in parts {
        let sum = part.checksum.as_ref()?;
        digest.update(&STANDARD_BASE64.decode(sum.value.as_bytes()).ok()?);
    }
    let mut sum = digest.checksum();
    sum.value = format!("{}-{}", sum.value, parts.len()).into();
    sum.checksum_type = ChecksumType::Composite;
    Some(sum)
}

/// Reads a payload of at most `max_size` bytes.
pub(super) fn read_payload(
    payload: &Payload,
    max_size: u64,
    operation: Operation,
    url: &S3Url,
) -> Result<Buffers> {
    if payload.len() > max_size {
        let message = format!(
            "the payload has {} bytes; at most {max_size} are allowed",
            payload.len()
        );
        return Err(
            error_response(operation, 400, "EntityTooLarge", url.as_str()).with_message(message),
        );
    }
    Buffers::read(payload).map_err(|cause| {
        Error::new(ErrorKind::LocalIo, operation)
            .with_resource(url.as_str())
            .with_message(cause.to_string())
            .with_source(cause)
    })
}

/// Returns attributes as S3 stores them: names of user metadata in lower case, a default content type, `Expires` in
/// whole seconds, and `None` for the default storage class.
pub(super) fn normalise(
    mut attributes: Attributes,
    limits: &Limits,
    operation: Operation,
    url: &S3Url,
) -> Result<Attributes> {
    let size: usize = attributes
        .user
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if size > limits.max_user_metadata {
        let message = format!(
            "the user metadata has {size} bytes; at most {} are allowed",
            limits.max_user_metadata
        );
        return Err(
            error_response(operation, 400, "MetadataTooLarge", url.as_str()).with_message(message),
        );
    }
    check_tags(&attributes.tags, operation, url)?;
    let user = std::mem::take(&mut attributes.user);
    attributes.user = user
        .into_iter()
        .map(|(name, value)| (name.to_lowercase(), value))
        .collect();
    attributes
        .content_type
        .get_or_insert_with(|| Arc::from(DEFAULT_CONTENT_TYPE));
    attributes
        .storage_class
        .take_if(|class| **class == *STANDARD);
    attributes.expires = attributes.expires.map(to_second);
    Ok(attributes)
}

/// Checks tags as S3 does: at most ten, names of 1 to 128 and values of up to 256 characters.
pub(super) fn check_tags(tags: &Tags, operation: Operation, url: &S3Url) -> Result<()> {
    let text = if tags.len() > MAX_TAGS {
        format!("an object has at most {MAX_TAGS} tags")
    } else if let Some((name, _)) = tags
        .iter()
        .find(|(name, _)| name.is_empty() || name.chars().count() > 128)
    {
        format!("the name of a tag has 1 to 128 characters: {name:?}")
    } else if let Some((name, _)) = tags.iter().find(|(_, value)| value.chars().count() > 256) {
        format!("the value of the tag {name:?} has more than 256 characters")
    } else {
        return Ok(());
    };
    Err(error_response(operation, 400, "InvalidTag", url.as_str()).with_message(text))
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    fn url() -> S3Url {
        S3Url::parse("s3://b/k").unwrap()
    }

    fn put(payload: &Payload, attributes: Attributes, limits: &Limits) -> Result<Object> {
        let now = SystemTime::UNIX_EPOCH;
        Object::from_payload(url(), payload, attributes, limits, now, Operation::Put)
    }

    #[test]
    fn a_payload_that_is_too_large_is_rejected() {
        let limits = Limits {
            max_put_size: 3,
            ..Limits::default()
        };
        assert!(put(&Payload::from("abc"), Attributes::default(), &limits).is_ok());
        let error = put(&Payload::from("abcd"), Attributes::default(), &limits).unwrap_err();
        assert_eq!(error.code(), Some("EntityTooLarge"));
    }

    #[test]
    fn user_metadata_that_is_too_large_is_rejected() {
        let mut attributes = Attributes::default();
        attributes.user.insert("name".to_owned(), "v".repeat(2044));
        assert!(put(&Payload::empty(), attributes.clone(), &Limits::default()).is_ok());
        attributes.user.insert("n".to_owned(), String::new());
        let error = put(&Payload::empty(), attributes, &Limits::default()).unwrap_err();
        assert_eq!(error.code(), Some("MetadataTooLarge"));
    }

    #[test]
    fn a_file_that_cannot_be_read_is_a_local_failure() {
        let file = Arc::new(File::open("/dev/null").unwrap());
        let payload = Payload::from_file(file, 0, 5);
        let error = put(&payload, Attributes::default(), &Limits::default()).unwrap_err();
        assert_eq!(
            (error.kind(), error.resource()),
            (ErrorKind::LocalIo, Some("s3://b/k"))
        );
    }
}
