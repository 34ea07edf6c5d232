//! Deleting objects in batches (DeleteObjects).

use std::sync::Arc;

use s3_url::S3Url;

use crate::Error;

/// Deletes up to 1,000 objects of one bucket. Deleting a missing object succeeds, and so does an empty request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeleteRequest {
    /// The bucket of all objects.
    pub bucket: Arc<str>,
    /// The objects, all in `bucket`.
    pub urls: Vec<S3Url>,
}

impl DeleteRequest {
    /// The most keys in one request, according to S3's documentation.
    pub const MAX_KEYS: usize = 1000;

    /// Deletes `urls`, all of which are in `bucket`.
    #[must_use]
    pub fn new(bucket: impl Into<Arc<str>>, urls: Vec<S3Url>) -> Self {
        Self {
            bucket: bucket.into(),
            urls,
        }
    }
}

/// The response to a [`DeleteRequest`]. Every object that is not in `failures` is deleted.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct DeleteResponse {
    /// The objects that could not be deleted: index into the request's `urls`, and error.
    pub failures: Vec<(usize, Error)>,
}

impl DeleteResponse {
    /// Returns a response with these failures.
    #[must_use]
    pub fn new(failures: Vec<(usize, Error)>) -> Self {
        Self { failures }
    }
}
