//! Request type of presigning: the object, the HTTP method and the validity of a presigned URL.

use std::time::Duration;

use s3_url::S3Url;

/// The operation that a presigned URL allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PresignMethod {
    /// Read the object.
    Get,
    /// Read its metadata.
    Head,
    /// Write it.
    Put,
    /// Delete it.
    Delete,
}

/// Creates a URL that anyone can use until it expires. Sends no request.
///
/// The validity starts at the time of this machine, corrected by the clock skew if an earlier response has revealed
/// one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PresignRequest {
    /// The object.
    pub url: S3Url,
    /// The operation that the URL allows.
    pub method: PresignMethod,
    /// How long the URL is valid: 1 second to 7 days.
    pub expires: Duration,
}

impl PresignRequest {
    /// Maximum validity that S3 accepts.
    pub const MAX_EXPIRES: Duration = Duration::from_secs(7 * 24 * 60 * 60);

    /// Creates a URL that is valid for `expires`.
    #[must_use]
    pub fn new(url: S3Url, method: PresignMethod, expires: Duration) -> Self {
        Self {
            url,
            method,
            expires,
        }
    }
}
