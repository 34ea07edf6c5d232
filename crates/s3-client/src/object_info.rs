//! [`S3Info`]: the metadata of an object, from a HEAD or a listing.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use s3_core::{
    Checksum, ChecksumAlgorithm, ChecksumType, ETag, ListedObject, ObjectMeta, S3Prefix, S3Url,
    VersionId,
};

use crate::attributes::{HeadAttributes, described};
use crate::location::{Location, debug_as_display, located};

/// The metadata of an existing object, which was not downloaded. Clone is a reference count.
///
/// | returned by | request | fields |
/// |---|---|---|
/// | `info`, `info_many` | one HEAD each | all |
/// | `list_recursive`, `list_paths` | one per 1,000 entries | size, ETag, time, storage class, checksum's algorithm and type |
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> s3_client::Result<()> {
/// let s3 = s3_client::S3::in_memory()?;
/// s3.create_bucket("b").await?;
/// let written = s3.put("s3://b/k", "hello").await?;
/// let info = s3.info("s3://b/k").await?;
/// assert_eq!(info.size(), 5);
/// assert_eq!(info.etag(), written.etag());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct S3Info(Arc<InfoFields>);

struct InfoFields {
    location: Location,
    size: u64,
    etag: Option<ETag>,
    last_modified: Option<SystemTime>,
    version: Option<VersionId>,
    storage_class: Option<Arc<str>>,
    checksum: Option<(ChecksumAlgorithm, Option<ChecksumType>)>,
    /// Attributes from a HEAD. Boxed, because a listing may have a million entries, all without attributes.
    attributes: Option<Box<HeadAttributes>>,
}

impl S3Info {
    /// Converts the metadata from a HEAD.
    pub(crate) fn of(meta: ObjectMeta, url: S3Url, relative_to: Option<S3Prefix>) -> Self {
        let attributes = HeadAttributes::of(&meta);
        Self(Arc::new(InfoFields {
            location: Location::object(url, relative_to),
            size: meta.size,
            etag: meta.etag,
            last_modified: meta.last_modified,
            version: meta.version,
            storage_class: attributes.stored.storage_class.clone(),
            checksum: meta
                .checksum
                .map(|sum| (sum.algorithm, Some(sum.checksum_type))),
            attributes: Some(Box::new(attributes)),
        }))
    }

    /// Converts an entry of a listing.
    pub(crate) fn listed(object: ListedObject, relative_to: S3Prefix) -> Self {
        Self(Arc::new(InfoFields {
            location: Location::object(object.url, Some(relative_to)),
            size: object.size,
            etag: object.etag,
            last_modified: object.last_modified,
            version: None,
            storage_class: object.storage_class,
            checksum: object
                .checksum_algorithm
                .map(|algorithm| (algorithm, object.checksum_type)),
            attributes: None,
        }))
    }

    pub(crate) fn location(&self) -> &Location {
        &self.0.location
    }

    pub(crate) fn attributes(&self) -> Option<&HeadAttributes> {
        self.0.attributes.as_deref()
    }

    /// Returns 0: none of the content is in memory.
    pub(crate) fn bytes_in_memory(&self) -> u64 {
        0
    }

    /// Returns the size of the object in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.0.size
    }

    /// Returns the entity tag. A few servers send none.
    #[must_use]
    pub fn etag(&self) -> Option<&ETag> {
        self.0.etag.as_ref()
    }

    /// Returns the version ID, in a bucket with versioning. Listings do not have it.
    #[must_use]
    pub fn version(&self) -> Option<&VersionId> {
        self.0.version.as_ref()
    }

    /// Returns when the object was written, to the second.
    #[must_use]
    pub fn last_modified(&self) -> Option<SystemTime> {
        self.0.last_modified
    }

    /// Returns the storage class (`STANDARD`, `GLACIER`). Only listings have it.
    #[must_use]
    pub fn storage_class(&self) -> Option<&str> {
        self.0.storage_class.as_deref()
    }

    /// Returns the checksum that the server stores with the object. A HEAD requests it with
    /// [`checksum`](crate::Request::checksum); listings have only [`checksum_algorithm`](Self::checksum_algorithm).
    #[must_use]
    pub fn checksum(&self) -> Option<&Checksum> {
        self.attributes()?.checksum.as_ref()
    }

    /// Returns the algorithm of the checksum that the server stores with the object. Listings have it if the server sends it.
    #[must_use]
    pub fn checksum_algorithm(&self) -> Option<ChecksumAlgorithm> {
        let (algorithm, _) = self.0.checksum?;
        Some(algorithm)
    }

    /// Returns whether the checksum covers the object or the checksums of its parts. Listings have it if the server
    /// sends it.
    #[must_use]
    pub fn checksum_type(&self) -> Option<ChecksumType> {
        self.0.checksum?.1
    }
}

described!(S3Info, "`None` in listings.");
located!(S3Info);
debug_as_display!(S3Info);

/// Metaflow's notation: `<S3Object s3://b/k (5 bytes, in S3)>`.
impl fmt::Display for S3Info {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.size();
        write!(f, "<S3Object {} ({size} bytes, in S3)>", self.url())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_that_equals_the_listed_prefix_has_its_url_as_key() {
        let url = S3Url::parse("s3://b/d/").unwrap();
        let prefix = S3Prefix::parse("s3://b/d/").unwrap();
        let marker = S3Info::listed(ListedObject::new(url, 0), prefix);
        assert_eq!((marker.key(), marker.prefix()), ("s3://b/d/", None));
        assert_eq!(
            format!("{marker:?}"),
            "<S3Object s3://b/d/ (0 bytes, in S3)>"
        );
    }
}
