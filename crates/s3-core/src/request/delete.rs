//! Request and response types of DeleteObjects: keys, versions and ETags, and the failures by index.

use std::sync::Arc;

use s3_url::S3Url;

use crate::setters::optional_setters;
use crate::{ByteCounter, ETag, Error, VersionId};

/// Deletes up to 1,000 objects of one bucket. Deleting a missing object succeeds, and so does an empty request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeleteRequest {
    /// The bucket of all objects.
    pub bucket: Arc<str>,
    /// The objects, all in `bucket`.
    pub urls: Vec<S3Url>,
    /// The version to delete permanently, for each of the `urls`. Without one, the newest version is deleted; in a
    /// bucket with versioning, a delete marker hides it.
    pub versions: Vec<Option<VersionId>>,
    /// The ETag that each of the `urls` must have. If an object has another ETag, its failure is of kind
    /// `PreconditionFailed`; if it is missing, of kind `NotFound`.
    pub if_match: Vec<Option<ETag>>,
    /// Counts the responses if objects are deleted one by one, to show progress.
    pub byte_counter: Option<ByteCounter>,
}

optional_setters!(DeleteRequest {
    /// Counts the responses if objects are deleted one by one.
    counted_by(byte_counter: ByteCounter);
});

impl DeleteRequest {
    /// Maximum number of keys in one request, according to S3's documentation.
    pub const MAX_KEYS: usize = 1000;

    /// Deletes `urls`, all of which are in `bucket`.
    #[must_use]
    pub fn new(bucket: impl Into<Arc<str>>, urls: Vec<S3Url>) -> Self {
        Self {
            bucket: bucket.into(),
            urls,
            versions: Vec::new(),
            if_match: Vec::new(),
            byte_counter: None,
        }
    }

    /// Sets the version of each object.
    #[must_use]
    pub fn with_versions(mut self, versions: Vec<Option<VersionId>>) -> Self {
        self.versions = versions;
        self
    }

    /// Sets the ETag that each object must have.
    #[must_use]
    pub fn with_if_match(mut self, if_match: Vec<Option<ETag>>) -> Self {
        self.if_match = if_match;
        self
    }

    /// Returns the ETag that an object must have to be deleted, by its index.
    #[must_use]
    pub fn etag(&self, index: usize) -> Option<&ETag> {
        self.if_match.get(index)?.as_ref()
    }

    /// Returns the version of an object to delete, by its index.
    #[must_use]
    pub fn version(&self, index: usize) -> Option<&VersionId> {
        self.versions.get(index)?.as_ref()
    }
}

/// The version that a delete created or removed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeletedVersion {
    /// The version that was deleted, or the new delete marker.
    pub version: VersionId,
    /// Whether it is a delete marker: one that was created, or one that was named in the request and deleted.
    pub is_delete_marker: bool,
}

impl DeletedVersion {
    /// Returns a version.
    #[must_use]
    pub fn new(version: VersionId, is_delete_marker: bool) -> Self {
        Self {
            version,
            is_delete_marker,
        }
    }
}

/// The response to a [`DeleteRequest`]. Every object that is not in `failures` is deleted.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct DeleteResponse {
    /// The objects that could not be deleted: index into the request's `urls`, and error.
    pub failures: Vec<(usize, Error)>,
    /// The versions that were created or removed: index into the request's `urls`, and version. `SdkStore` only reports
    /// them for objects that it deletes one by one; the response to a batch omits them.
    pub versions: Vec<(usize, DeletedVersion)>,
}

impl DeleteResponse {
    /// Returns a response with these failures.
    #[must_use]
    pub fn new(failures: Vec<(usize, Error)>) -> Self {
        Self {
            failures,
            versions: Vec::new(),
        }
    }
}
