//! Deleting objects in batches.

use std::sync::Arc;

use s3_url::S3Url;

use crate::Error;

/// Deletes up to 1,000 objects of one bucket. Deleting what is not there succeeds, and so does deleting nothing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeleteRequest {
    /// The bucket of all keys.
    pub bucket: Arc<str>,
    /// The objects, all in `bucket`.
    pub urls: Vec<S3Url>,
}

impl DeleteRequest {
    /// The most keys that one request may name, by S3's documentation.
    pub const MAX_KEYS: usize = 1000;

    /// Deletes `urls`, which are all in `bucket`.
    #[must_use]
    pub fn new(bucket: impl Into<Arc<str>>, urls: Vec<S3Url>) -> Self {
        Self {
            bucket: bucket.into(),
            urls,
        }
    }
}

/// The answer to a [`DeleteRequest`]: whatever is not in `failures` is gone.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct DeleteResponse {
    /// What could not be deleted: the index into the request's `urls`, and why.
    pub failures: Vec<(usize, Error)>,
}

impl DeleteResponse {
    /// Returns the answer with these failures.
    #[must_use]
    pub fn new(failures: Vec<(usize, Error)>) -> Self {
        Self { failures }
    }
}
