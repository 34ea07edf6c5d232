//! Restoring an archived object (RestoreObject).

use std::sync::Arc;
use std::time::SystemTime;

use s3_url::S3Url;

use crate::VersionId;
use crate::setters::optional_setters;

/// Makes an object of an archive readable: one of the storage class `GLACIER` or `DEEP_ARCHIVE` for some days, one of
/// `INTELLIGENT_TIERING` permanently.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RestoreRequest {
    /// The object.
    pub url: S3Url,
    /// The version; the newest one if `None`.
    pub version: Option<VersionId>,
    /// For how many days it is readable; at least 1. `None` for an object of the class `INTELLIGENT_TIERING`, which
    /// leaves its archive permanently; others need it.
    pub days: Option<u32>,
    /// How fast it is restored: `Expedited`, `Standard` or `Bulk`. S3's default, `Standard`, if `None`.
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
    /// Chooses the version.
    with_version(version: VersionId);
    /// Sets how fast the object is restored.
    with_tier(tier: impl Into<Arc<str>>);
});

/// The state of the restoration of an archived object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RestoreStatus {
    /// The restoration has begun; the object cannot be read yet.
    InProgress,
    /// The object can be read.
    Restored {
        /// Until when, if the server says so.
        until: Option<SystemTime>,
    },
}
