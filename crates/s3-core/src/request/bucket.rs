//! Creating and deleting buckets.

use std::sync::Arc;

/// Names a bucket to create or delete.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BucketRequest {
    /// The bucket.
    pub bucket: Arc<str>,
}

impl BucketRequest {
    /// Names a bucket.
    #[must_use]
    pub fn new(bucket: impl Into<Arc<str>>) -> Self {
        Self {
            bucket: bucket.into(),
        }
    }
}
