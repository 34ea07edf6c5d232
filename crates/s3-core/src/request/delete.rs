//! Deleting objects in batches (DeleteObjects).

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
    /// The version of each of the `urls` that is deleted permanently. Without one, the newest version is deleted; in a
    /// bucket with versioning, a delete marker hides it.
    pub versions: Vec<Option<VersionId>>,
    /// The ETag that each of the `urls` must have to be deleted. Another one is a failure of kind `PreconditionFailed`,
    /// and a missing object one of kind `NotFound`.
    pub if_match: Vec<Option<ETag>>,
    /// Moves with each response, where objects are deleted one by one.
    pub byte_counter: Option<ByteCounter>,
}

optional_setters!(DeleteRequest {
    /// Counts the responses, where objects are deleted one by one.
    counted_by(byte_counter: ByteCounter);
});

impl DeleteRequest {
    /// The most keys in one request, according to S3's documentation.
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

    /// Returns the version that is deleted of an object, by its index.
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
    /// Whether it is a delete marker: a new one, or the one that was named and is deleted.
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
    /// The versions that were created or removed: index into the request's `urls`, and version. `SdkStore` learns them
    /// where it deletes a single object; a response to a batch leaves them out.
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
