//! Request type of CopyObject: source, destination, conditions and new attributes.

use s3_url::S3Url;

use crate::setters::optional_setters;
use crate::{
    Attributes, ChecksumAlgorithm, Conditions, ETag, Encryption, PutMode, Tags, VersionId,
};

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
    /// The algorithm of the checksum of the copy. Overrides `attributes`; if both are unset, that of the source.
    pub checksum_algorithm: Option<ChecksumAlgorithm>,
    /// The tags of the copy. Overrides `attributes`; if both are unset, those of the source.
    pub tags: Option<Tags>,
    /// Conditions on the source. A condition that does not hold is an error of kind `PreconditionFailed`.
    pub source_conditions: Conditions,
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
            checksum_algorithm: None,
            tags: None,
            source_conditions: Conditions::default(),
        }
    }

    /// Sets conditions on the source.
    #[must_use]
    pub fn with_source_conditions(mut self, conditions: Conditions) -> Self {
        self.source_conditions = conditions;
        self
    }

    /// Requires the source to have this ETag.
    #[must_use]
    pub fn with_source_if_match(mut self, etag: ETag) -> Self {
        self.source_conditions.if_match = Some(etag);
        self
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
    /// Sets the algorithm of the checksum of the copy.
    with_checksum_algorithm(checksum_algorithm: ChecksumAlgorithm);
    /// Sets the version of the source.
    with_source_version(source_version: VersionId);
    /// Replaces the tags of the source.
    with_tags(tags: Tags);
});
