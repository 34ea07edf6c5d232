//! Request types of GetObjectTagging and PutObjectTagging, and the type of a tag set.

use std::collections::BTreeMap;

use s3_url::S3Url;

use crate::VersionId;
use crate::setters::optional_setters;

/// Tags: values by name. S3 allows ten per object.
pub type Tags = BTreeMap<String, String>;

/// Reads the tags of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GetTags {
    /// The object.
    pub url: S3Url,
    /// The version; the newest one if `None`.
    pub version: Option<VersionId>,
}

impl GetTags {
    /// Reads the tags of the newest version.
    #[must_use]
    pub fn new(url: S3Url) -> Self {
        Self { url, version: None }
    }
}

optional_setters!(GetTags {
    /// Sets the version.
    with_version(version: VersionId);
});

/// Replaces all tags of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SetTags {
    /// The object.
    pub url: S3Url,
    /// The version; the newest one if `None`.
    pub version: Option<VersionId>,
    /// The new tags; an empty map removes all tags.
    pub tags: Tags,
}

impl SetTags {
    /// Replaces the tags of the newest version.
    #[must_use]
    pub fn new(url: S3Url, tags: Tags) -> Self {
        Self {
            url,
            version: None,
            tags,
        }
    }
}

optional_setters!(SetTags {
    /// Sets the version.
    with_version(version: VersionId);
});
