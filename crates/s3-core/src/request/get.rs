//! Reading an object or its description.

use std::ops::Range;
use std::time::SystemTime;

use s3_url::S3Url;

use crate::{Body, ByteRange, ETag, ObjectMeta, VersionId};

/// Conditions of a read; an empty set always holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Conditions {
    /// Fails with `PreconditionFailed` unless the object has this tag.
    pub if_match: Option<ETag>,
    /// Fails with `NotModified` if the object has this tag.
    pub if_none_match: Option<ETag>,
    /// Fails with `NotModified` unless the object was written after this time.
    pub if_modified_since: Option<SystemTime>,
    /// Fails with `PreconditionFailed` if the object was written after this time.
    pub if_unmodified_since: Option<SystemTime>,
}

/// Asks for an object or a range of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GetRequest {
    /// The object.
    pub url: S3Url,
    /// Which bytes; the whole object when `None`.
    pub range: Option<ByteRange>,
    /// Conditions of the read.
    pub conditions: Conditions,
    /// Which version; the newest when `None`.
    pub version: Option<VersionId>,
}

impl GetRequest {
    /// Asks for the whole object.
    #[must_use]
    pub fn new(url: S3Url) -> Self {
        Self {
            url,
            range: None,
            conditions: Conditions::default(),
            version: None,
        }
    }

    /// Asks for a range of the object.
    #[must_use]
    pub fn with_range(mut self, range: impl Into<ByteRange>) -> Self {
        self.range = Some(range.into());
        self
    }

    /// Asks for this version of the contents only.
    #[must_use]
    pub fn with_if_match(mut self, etag: ETag) -> Self {
        self.conditions.if_match = Some(etag);
        self
    }
}

/// Asks for an object's description.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeadRequest {
    /// The object.
    pub url: S3Url,
    /// Conditions of the read.
    pub conditions: Conditions,
    /// Which version; the newest when `None`.
    pub version: Option<VersionId>,
}

impl HeadRequest {
    /// Asks for the description of the newest version.
    #[must_use]
    pub fn new(url: S3Url) -> Self {
        Self {
            url,
            conditions: Conditions::default(),
            version: None,
        }
    }
}

/// The answer to a [`GetRequest`]: the description, which bytes follow, and the bytes.
#[derive(Debug)]
#[non_exhaustive]
pub struct GetResponse {
    /// The object; `size` is that of the whole object.
    pub meta: ObjectMeta,
    /// Which bytes the body holds, as the server says: clipped at the end of the object.
    pub range: Range<u64>,
    /// The bytes.
    pub body: Body,
}

impl GetResponse {
    /// Returns an answer of the given parts.
    #[must_use]
    pub fn new(meta: ObjectMeta, range: Range<u64>, body: Body) -> Self {
        Self { meta, range, body }
    }
}
