//! URLs that carry their own permission.

use std::time::Duration;

use s3_url::S3Url;

/// What the holder of a presigned URL may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PresignMethod {
    /// Read the object.
    Get,
    /// Read its description.
    Head,
    /// Write it.
    Put,
    /// Delete it.
    Delete,
}

/// Asks for a URL that anybody may use for a while. Sends no request.
///
/// It is valid from the time of this machine, or from that of the server if a refusal has told it since: on a machine
/// whose clock is wrong, only another request can find that out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PresignRequest {
    /// The object.
    pub url: S3Url,
    /// What the holder may do.
    pub method: PresignMethod,
    /// How long the URL works: 1 second to 7 days.
    pub expires: Duration,
}

impl PresignRequest {
    /// The longest time that S3 accepts.
    pub const MAX_EXPIRES: Duration = Duration::from_secs(7 * 24 * 60 * 60);

    /// Asks for a URL.
    #[must_use]
    pub fn new(url: S3Url, method: PresignMethod, expires: Duration) -> Self {
        Self {
            url,
            method,
            expires,
        }
    }
}
