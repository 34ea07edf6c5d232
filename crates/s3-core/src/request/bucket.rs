//! Request type of CreateBucket, DeleteBucket and GetBucketVersioning: the name of a bucket.

use std::sync::Arc;

/// Names a bucket to create, to delete, or to read the versioning state of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BucketRequest {
    /// The name of the bucket.
    pub bucket: Arc<str>,
}

impl BucketRequest {
    /// Returns a request for the bucket of this name.
    #[must_use]
    pub fn new(bucket: impl Into<Arc<str>>) -> Self {
        Self {
            bucket: bucket.into(),
        }
    }
}
