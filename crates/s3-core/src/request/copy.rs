//! Copying an object within the store (CopyObject).

use s3_url::S3Url;

use crate::setters::optional_setters;
use crate::{Attributes, ETag, Encryption, PutMode, Tags, VersionId};

/// Copies an object of at most 5 GiB on the server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CopyRequest {
    /// The source object.
    pub from: S3Url,
    /// The version of the source; the newest one if `None`.
    pub source_version: Option<VersionId>,
    /// The destination.
    pub to: S3Url,
    /// What to do if the destination exists.
    pub mode: PutMode,
    /// The attributes of the copy; those of the source if `None`.
    pub attributes: Option<Attributes>,
    /// Server-side encryption of the copy. Overrides `attributes`; if both are unset, the bucket's default applies.
    pub encryption: Option<Encryption>,
    /// The tags of the copy. Overrides `attributes`; if both are unset, those of the source.
    pub tags: Option<Tags>,
    /// Fails with `PreconditionFailed` unless the source has this ETag.
    pub source_if_match: Option<ETag>,
}

impl CopyRequest {
    /// Copies bytes and attributes; replaces an existing object.
    #[must_use]
    pub fn new(from: S3Url, to: S3Url) -> Self {
        Self {
            from,
            source_version: None,
            to,
            mode: PutMode::Overwrite,
            attributes: None,
            encryption: None,
            tags: None,
            source_if_match: None,
        }
    }

    /// Sets what to do if the destination exists.
    #[must_use]
    pub fn with_mode(mut self, mode: PutMode) -> Self {
        self.mode = mode;
        self
    }
}

optional_setters!(CopyRequest {
    /// Replaces the attributes of the source.
    with_attributes(attributes: Attributes);
    /// Sets the server-side encryption of the copy.
    with_encryption(encryption: Encryption);
    /// Chooses the version of the source.
    with_source_version(source_version: VersionId);
    /// Replaces the tags of the source.
    with_tags(tags: Tags);
    /// Requires the source to have this ETag.
    with_source_if_match(source_if_match: ETag);
});
