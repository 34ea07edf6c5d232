//! Request type of RestoreObject for an archived object, and the status of a restore.

use std::sync::Arc;
use std::time::SystemTime;

use s3_url::S3Url;

use crate::VersionId;
use crate::setters::optional_setters;

/// Makes an archived object readable: one of the storage class `GLACIER` or `DEEP_ARCHIVE` for some days, one of
/// `INTELLIGENT_TIERING` permanently.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RestoreRequest {
    /// The object.
    pub url: S3Url,
    /// The version; the newest one if `None`.
    pub version: Option<VersionId>,
    /// For how many days the object is readable; at least 1. `None` for an object of the class `INTELLIGENT_TIERING`,
    /// which leaves its archive permanently; the other classes require it.
    pub days: Option<u32>,
    /// The retrieval tier: `Expedited`, `Standard` or `Bulk`. S3's default, `Standard`, if `None`.
    pub tier: Option<Arc<str>>,
}

impl RestoreRequest {
    /// Restores the newest version, for this number of days.
    #[must_use]
    pub fn new(url: S3Url, days: impl Into<Option<u32>>) -> Self {
        Self {
            url,
            version: None,
            days: days.into(),
            tier: None,
        }
    }
}

optional_setters!(RestoreRequest {
    /// Sets the version.
    with_version(version: VersionId);
    /// Sets the retrieval tier.
    with_tier(tier: impl Into<Arc<str>>);
});

/// The status of the restore of an archived object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RestoreStatus {
    /// The restore is in progress; the object cannot be read yet.
    InProgress,
    /// The object can be read.
    Restored {
        /// The time until which it can be read, if the server sends it.
        until: Option<SystemTime>,
    },
}
