//! Request and response types of GetObject and HeadObject, and the conditions of a read.

use std::ops::Range;
use std::time::SystemTime;

use s3_url::S3Url;

use crate::setters::optional_setters;
use crate::{Body, ByteCounter, ByteRange, ETag, ObjectMeta, VersionId};

/// Conditions of a read. The default has no conditions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Conditions {
    /// Fails with `PreconditionFailed` unless the object has this ETag.
    pub if_match: Option<ETag>,
    /// Fails with `NotModified` if the object has this ETag.
    pub if_none_match: Option<ETag>,
    /// Fails with `NotModified` unless the object was written after this time.
    pub if_modified_since: Option<SystemTime>,
    /// Fails with `PreconditionFailed` if the object was written after this time.
    pub if_unmodified_since: Option<SystemTime>,
}

optional_setters!(Conditions {
    /// Requires this ETag.
    with_if_match(if_match: ETag);
    /// Requires the ETag to differ from this one.
    with_if_none_match(if_none_match: ETag);
    /// Requires that the object was written after this time.
    with_if_modified_since(if_modified_since: SystemTime);
    /// Requires that the object was not written after this time.
    with_if_unmodified_since(if_unmodified_since: SystemTime);
});

/// Reads an object or a range of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GetRequest {
    /// The object.
    pub url: S3Url,
    /// The bytes to read; the whole object if `None`.
    pub range: Option<ByteRange>,
    /// Conditions of the read.
    pub conditions: Conditions,
    /// The version to read; the latest if `None`.
    pub version: Option<VersionId>,
    /// Counts the bytes of a body of unknown length, which is read completely before the response is returned.
    pub byte_counter: Option<ByteCounter>,
}

impl GetRequest {
    /// Reads the whole object.
    #[must_use]
    pub fn new(url: S3Url) -> Self {
        Self {
            url,
            range: None,
            conditions: Conditions::default(),
            version: None,
            byte_counter: None,
        }
    }

    /// Sets the conditions of the read.
    #[must_use]
    pub fn with_conditions(mut self, conditions: Conditions) -> Self {
        self.conditions = conditions;
        self
    }

    /// Requires the object to have this ETag.
    #[must_use]
    pub fn with_if_match(mut self, etag: ETag) -> Self {
        self.conditions.if_match = Some(etag);
        self
    }
}

optional_setters!(GetRequest {
    /// Reads a range of the object.
    with_range(range: impl Into<ByteRange>);
    /// Reads this version.
    with_version(version: VersionId);
    /// Counts the bytes of a body of unknown length as they arrive.
    counted_by(byte_counter: ByteCounter);
});

/// Reads the metadata of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeadRequest {
    /// The object.
    pub url: S3Url,
    /// Conditions of the read.
    pub conditions: Conditions,
    /// The version to read; the latest if `None`.
    pub version: Option<VersionId>,
    /// Requests the checksum. For an object encrypted with a KMS key, AWS then requires the permission to
    /// decrypt.
    pub checksum: bool,
}

impl HeadRequest {
    /// Reads the metadata of the latest version.
    #[must_use]
    pub fn new(url: S3Url) -> Self {
        Self {
            url,
            conditions: Conditions::default(),
            version: None,
            checksum: false,
        }
    }

    /// Sets the conditions of the read.
    #[must_use]
    pub fn with_conditions(mut self, conditions: Conditions) -> Self {
        self.conditions = conditions;
        self
    }

    /// Requests the checksum.
    #[must_use]
    pub fn with_checksum(mut self) -> Self {
        self.checksum = true;
        self
    }
}

optional_setters!(HeadRequest {
    /// Reads the metadata of this version.
    with_version(version: VersionId);
});

/// The response to a [`GetRequest`]: metadata, the range that the body holds, and the body.
#[derive(Debug)]
#[non_exhaustive]
pub struct GetResponse {
    /// The metadata; `size` is the size of the whole object.
    pub meta: ObjectMeta,
    /// The bytes that the body holds, as stated by the server: clipped at the end of the object.
    pub range: Range<u64>,
    /// The body.
    pub body: Body,
}

impl GetResponse {
    /// Returns a response of these parts.
    #[must_use]
    pub fn new(meta: ObjectMeta, range: Range<u64>, body: Body) -> Self {
        Self { meta, range, body }
    }
}
