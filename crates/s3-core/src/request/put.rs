//! Request and response types of PutObject, and [`PutMode`]: what a write does if the object exists.

use s3_url::S3Url;

use crate::setters::optional_setters;
use crate::{Attributes, Checksum, ETag, Payload, VersionId};

/// What a write does if the object exists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PutMode {
    /// Replace it.
    #[default]
    Overwrite,
    /// Keep it and fail with `PreconditionFailed`.
    IfAbsent,
    /// Replace it if it has this ETag, otherwise fail with `PreconditionFailed`.
    IfMatch(ETag),
}

/// Writes an object.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PutRequest {
    /// The object.
    pub url: S3Url,
    /// The bytes: at most 5 GiB on AWS.
    pub payload: Payload,
    /// What to do if the object exists.
    pub mode: PutMode,
    /// Content type, encryption, user metadata.
    pub attributes: Attributes,
    /// The checksum of the payload. The server verifies and stores it.
    pub checksum: Option<Checksum>,
}

impl PutRequest {
    /// Writes `payload` without attributes; replaces an existing object.
    #[must_use]
    pub fn new(url: S3Url, payload: Payload) -> Self {
        Self {
            url,
            payload,
            mode: PutMode::Overwrite,
            attributes: Attributes::default(),
            checksum: None,
        }
    }

    /// Sets what to do if the object exists.
    #[must_use]
    pub fn with_mode(mut self, mode: PutMode) -> Self {
        self.mode = mode;
        self
    }

    /// Sets the attributes.
    #[must_use]
    pub fn with_attributes(mut self, attributes: Attributes) -> Self {
        self.attributes = attributes;
        self
    }
}

optional_setters!(PutRequest {
    /// Sets the checksum of the payload.
    with_checksum(checksum: Checksum);
});

/// The response to a successful write: put, copy or complete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PutResponse {
    /// The ETag of the new object; a few servers send none.
    pub etag: Option<ETag>,
    /// The new version, in a bucket with versioning.
    pub version: Option<VersionId>,
    /// The checksum that the server stores.
    pub checksum: Option<Checksum>,
}

impl PutResponse {
    /// Returns a response that has only an ETag.
    #[must_use]
    pub fn new(etag: Option<ETag>) -> Self {
        Self {
            etag,
            version: None,
            checksum: None,
        }
    }
}

optional_setters!(PutResponse {
    /// Sets the version of the new object.
    with_version(version: VersionId);
    /// Sets the checksum that the server stores.
    with_checksum(checksum: Checksum);
});
