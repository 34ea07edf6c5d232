//! Request and response types of GetObjectAttributes: size, ETag, checksum and parts of an object.

use std::sync::Arc;
use std::time::SystemTime;

use s3_url::S3Url;

use crate::setters::optional_setters;
use crate::{Checksum, ETag, VersionId};

/// Reads the attributes of an object that S3 computes: size, ETag, checksum and parts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GetObjectAttributes {
    /// The object.
    pub url: S3Url,
    /// The version; the newest one if `None`.
    pub version: Option<VersionId>,
    /// Lists parts after this number: the [`ObjectAttributes::next`] of the previous page.
    pub after: Option<u32>,
    /// Maximum number of parts in the page; the server's limit (1,000) if `None`.
    pub max_parts: Option<u32>,
}

impl GetObjectAttributes {
    /// Reads the attributes of the newest version, with the first page of its parts.
    #[must_use]
    pub fn new(url: S3Url) -> Self {
        Self {
            url,
            version: None,
            after: None,
            max_parts: None,
        }
    }
}

optional_setters!(GetObjectAttributes {
    /// Sets the version.
    with_version(version: VersionId);
    /// Lists parts after this number.
    with_after(after: u32);
    /// Limits the number of parts in the page.
    with_max_parts(max_parts: u32);
});

/// Attributes of an object (GetObjectAttributes).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectAttributes {
    /// The size of the object in bytes.
    pub size: u64,
    /// The ETag.
    pub etag: Option<ETag>,
    /// When the object was written, to the second.
    pub last_modified: Option<SystemTime>,
    /// The version, in a bucket with versioning.
    pub version: Option<VersionId>,
    /// The storage class, `STANDARD` included.
    pub storage_class: Option<Arc<str>>,
    /// The checksum, if the server stores one.
    pub checksum: Option<Checksum>,
    /// The number of parts; `None` for an object that was not uploaded in parts.
    pub part_count: Option<u32>,
    /// The parts of this page. AWS lists them only where each part has a checksum.
    pub parts: Vec<ObjectPart>,
    /// The number after which the next page of parts starts; `None` on the last page.
    pub next: Option<u32>,
}

/// A part of an object that was uploaded in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectPart {
    /// The part's number.
    pub number: u32,
    /// The size in bytes.
    pub size: u64,
    /// The checksum of the part.
    pub checksum: Option<Checksum>,
}

impl ObjectPart {
    /// Returns a part without a checksum.
    #[must_use]
    pub fn new(number: u32, size: u64) -> Self {
        Self {
            number,
            size,
            checksum: None,
        }
    }
}

optional_setters!(ObjectPart {
    /// Sets the checksum.
    with_checksum(checksum: Checksum);
});
