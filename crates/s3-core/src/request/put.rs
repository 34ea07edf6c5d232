//! Writing an object in one request.

use s3_url::S3Url;

use crate::{Attributes, Checksum, ETag, Payload, VersionId};

/// What to do if there is an object already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PutMode {
    /// Replace it.
    #[default]
    Overwrite,
    /// Leave it alone and fail with `PreconditionFailed`.
    IfAbsent,
    /// Replace it if it has this tag, else fail with `PreconditionFailed`.
    IfMatch(ETag),
}

/// Writes an object.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PutRequest {
    /// Where.
    pub url: S3Url,
    /// The bytes: at most 5 GiB on AWS.
    pub payload: Payload,
    /// What to do if there is an object already.
    pub mode: PutMode,
    /// Content type, encryption, user metadata.
    pub attributes: Attributes,
    /// The checksum of the payload, for the server to check and keep.
    pub checksum: Option<Checksum>,
}

impl PutRequest {
    /// Writes `payload` without attributes, replacing what is there.
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

    /// Sets what to do if there is an object already.
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

/// What a write that succeeded says: put, copy and complete alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PutResponse {
    /// The new tag; a few servers send none.
    pub etag: Option<ETag>,
    /// The new version, in a bucket that keeps versions.
    pub version: Option<VersionId>,
    /// The checksum that the server keeps.
    pub checksum: Option<Checksum>,
}

impl PutResponse {
    /// Returns the answer of a server that says the tag alone.
    #[must_use]
    pub fn new(etag: Option<ETag>) -> Self {
        Self {
            etag,
            version: None,
            checksum: None,
        }
    }
}
