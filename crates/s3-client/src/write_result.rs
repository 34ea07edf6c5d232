//! [`WriteResult`]: the result of a put, copy or delete.

use std::fmt;

use s3_core::{Checksum, ETag, PutResponse, S3Url, VersionId};

use crate::Key;

/// Result of a put, copy or delete. `Display` is the URL.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> s3_client::Result<()> {
/// use s3_client::{S3, WriteOutcome};
///
/// let s3 = S3::in_memory()?;
/// s3.create_bucket("b").await?;
/// let written = s3.put("s3://b/k", "first").overwrite(false).await?;
/// assert_eq!(written.outcome(), WriteOutcome::Created);
/// assert!(written.etag().is_some());
///
/// let again = s3.put("s3://b/k", "second").overwrite(false).await?;
/// assert_eq!(again.outcome(), WriteOutcome::AlreadyThere);
/// # Ok(()) }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct WriteResult {
    key: Key,
    url: S3Url,
    outcome: WriteOutcome,
    response: PutResponse,
}

/// Effect of a write on the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WriteOutcome {
    /// Written by a call that does not overwrite: the object is new.
    Created,
    /// Written by a call that overwrites. S3 does not say whether there was an object before.
    Written,
    /// There was an object already, and the call does not overwrite. Nothing was written.
    AlreadyThere,
    /// Deleted. S3 does not say whether there was an object before.
    Deleted,
}

impl WriteResult {
    pub(crate) fn new(key: Key, url: S3Url, outcome: WriteOutcome, response: PutResponse) -> Self {
        Self {
            key,
            url,
            outcome,
            response,
        }
    }

    /// Returns the key as given; empty for the root itself.
    #[must_use]
    pub fn key(&self) -> &str {
        self.key.as_str().unwrap_or_default()
    }

    /// Returns the full URL.
    #[must_use]
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Returns the key as given and the URL, as Metaflow's calls do.
    #[must_use]
    pub fn pair(&self) -> (&str, &str) {
        (self.key(), self.url())
    }

    /// Returns the outcome: created, written, already there or deleted.
    #[must_use]
    pub fn outcome(&self) -> WriteOutcome {
        self.outcome
    }

    /// Returns whether the call left an existing object alone.
    #[must_use]
    pub fn already_there(&self) -> bool {
        self.outcome == WriteOutcome::AlreadyThere
    }

    /// Returns the entity tag of the written object. A few servers send none.
    #[must_use]
    pub fn etag(&self) -> Option<&ETag> {
        self.response.etag.as_ref()
    }

    /// Returns the version of the written object, in a bucket that keeps versions. After a delete of one object, it is the
    /// version that was deleted, or the new delete marker.
    #[must_use]
    pub fn version(&self) -> Option<&VersionId> {
        self.response.version.as_ref()
    }

    /// Returns the checksum that the server stores with the object, if the response has it.
    #[must_use]
    pub fn checksum(&self) -> Option<&Checksum> {
        self.response.checksum.as_ref()
    }
}

impl fmt::Display for WriteResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url())
    }
}

/// Prints the outcome and the URL.
impl fmt::Debug for WriteResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({})", self.outcome, self.url())
    }
}

impl From<&WriteResult> for Key {
    fn from(written: &WriteResult) -> Self {
        Self::found(written.url())
    }
}
