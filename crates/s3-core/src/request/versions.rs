//! Request and response types of ListObjectVersions and PutBucketVersioning.

use std::sync::Arc;

use s3_url::S3Prefix;

use super::ListedObject;
use crate::VersionId;
use crate::setters::optional_setters;

/// The versioning state of a bucket. A bucket in which versioning was never enabled has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Versioning {
    /// Every write creates a version with a new id, and every delete a delete marker.
    Enabled,
    /// Writes and deletes replace the version `null`; other versions stay.
    Suspended,
}

impl Versioning {
    /// Returns the name in S3's API: `Enabled` or `Suspended`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "Enabled",
            Self::Suspended => "Suspended",
        }
    }
}

/// Sets the versioning state of a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SetVersioning {
    /// The bucket.
    pub bucket: Arc<str>,
    /// The new state.
    pub versioning: Versioning,
}

impl SetVersioning {
    /// Sets the state.
    #[must_use]
    pub fn new(bucket: impl Into<Arc<str>>, versioning: Versioning) -> Self {
        Self {
            bucket: bucket.into(),
            versioning,
        }
    }
}

/// Lists one page of versions and delete markers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListVersions {
    /// The bucket and the prefix of the keys.
    pub prefix: S3Prefix,
    /// Keys are rolled up to the first delimiter after the prefix.
    pub delimiter: Option<Arc<str>>,
    /// The [`VersionsPage::next`] of the previous page: the last key, and its last listed version; without a version,
    /// the page starts after the key.
    pub after: Option<(Arc<str>, Option<VersionId>)>,
    /// Maximum number of entries in the page; the server's limit (1,000) if `None`.
    pub max_keys: Option<u32>,
}

impl ListVersions {
    /// Lists the first page, without rolling up.
    #[must_use]
    pub fn new(prefix: S3Prefix) -> Self {
        Self {
            prefix,
            delimiter: None,
            after: None,
            max_keys: None,
        }
    }
}

optional_setters!(ListVersions {
    /// Rolls up keys at the delimiter.
    with_delimiter(delimiter: impl Into<Arc<str>>);
    /// Continues after a page.
    with_after(after: (Arc<str>, Option<VersionId>));
    /// Limits the number of entries in the page.
    with_max_keys(max_keys: u32);
});

/// One page of versions, in the order of their keys; versions of one key are in order of age, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct VersionsPage {
    /// The versions and delete markers of this page.
    pub versions: Vec<ListedVersion>,
    /// The common prefixes of this page.
    pub prefixes: Vec<S3Prefix>,
    /// The markers of the next page; `None` on the last page.
    pub next: Option<(Arc<str>, Option<VersionId>)>,
}

/// A version of an object, or a delete marker.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedVersion {
    /// URL, size, ETag, time and storage class. A delete marker has a time only.
    pub object: ListedObject,
    /// The id; `null` for an object that was written while versioning was not enabled.
    pub version: VersionId,
    /// Whether this is the newest version of its key.
    pub is_latest: bool,
    /// Whether this is a delete marker.
    pub is_delete_marker: bool,
}

impl ListedVersion {
    /// Returns the newest version of an object.
    #[must_use]
    pub fn new(object: ListedObject, version: VersionId) -> Self {
        Self {
            object,
            version,
            is_latest: true,
            is_delete_marker: false,
        }
    }
}
