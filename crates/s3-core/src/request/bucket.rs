//! Creating and deleting buckets.

use std::sync::Arc;

/// A bucket to create or delete.
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
