//! Copying an object inside the store.

use s3_url::S3Url;

use crate::{Attributes, ETag, Encryption, PutMode};

/// Copies an object of at most 5 GiB without moving its bytes through the client.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CopyRequest {
    /// The object to copy.
    pub from: S3Url,
    /// Where to.
    pub to: S3Url,
    /// What to do if there is an object at `to` already.
    pub mode: PutMode,
    /// New attributes; those of the source when `None`.
    pub attributes: Option<Attributes>,
    /// Server-side encryption of the copy, whatever `attributes` say; its bucket's default when neither says one.
    pub encryption: Option<Encryption>,
    /// Fails with `PreconditionFailed` unless the source has this tag.
    pub source_if_match: Option<ETag>,
}

impl CopyRequest {
    /// Copies bytes and attributes, replacing what is there.
    #[must_use]
    pub fn new(from: S3Url, to: S3Url) -> Self {
        Self {
            from,
            to,
            mode: PutMode::Overwrite,
            attributes: None,
            encryption: None,
            source_if_match: None,
        }
    }
}
