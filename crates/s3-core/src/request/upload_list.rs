//! Request and response types of ListMultipartUploads and ListParts.

use std::sync::Arc;
use std::time::SystemTime;

use s3_url::{S3Prefix, S3Url};

use super::UploadId;
use crate::setters::optional_setters;
use crate::{Checksum, ETag};

/// Lists one page of multipart uploads that are neither completed nor aborted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListUploads {
    /// The bucket and the prefix of the keys.
    pub prefix: S3Prefix,
    /// The [`UploadsPage::next`] of the previous page: a key and an upload id.
    pub after: Option<(Arc<str>, UploadId)>,
    /// Maximum number of entries in the page; the server's limit (1,000) if `None`.
    pub max_uploads: Option<u32>,
}

impl ListUploads {
    /// Lists the first page.
    #[must_use]
    pub fn new(prefix: S3Prefix) -> Self {
        Self {
            prefix,
            after: None,
            max_uploads: None,
        }
    }
}

optional_setters!(ListUploads {
    /// Continues after a page.
    with_after(after: (Arc<str>, UploadId));
    /// Limits the number of entries in the page.
    with_max_uploads(max_uploads: u32);
});

/// One page of multipart uploads in progress, in order of key and upload id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct UploadsPage {
    /// The uploads of this page.
    pub uploads: Vec<ListedUpload>,
    /// The markers of the next page; `None` on the last page.
    pub next: Option<(Arc<str>, UploadId)>,
}

impl UploadsPage {
    /// Returns a page of these entries.
    #[must_use]
    pub fn new(uploads: Vec<ListedUpload>, next: Option<(Arc<str>, UploadId)>) -> Self {
        Self { uploads, next }
    }
}

/// A multipart upload that is neither completed nor aborted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedUpload {
    /// The object that the upload writes.
    pub url: S3Url,
    /// The upload.
    pub upload: UploadId,
    /// When the upload was started, if the server sends it.
    pub initiated: Option<SystemTime>,
}

impl ListedUpload {
    /// Returns an entry of these parts.
    #[must_use]
    pub fn new(url: S3Url, upload: UploadId, initiated: Option<SystemTime>) -> Self {
        Self {
            url,
            upload,
            initiated,
        }
    }
}

/// Lists one page of the parts of a multipart upload.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListParts {
    /// The object that the upload writes.
    pub url: S3Url,
    /// The upload.
    pub upload: UploadId,
    /// Lists parts after this number.
    pub after: Option<u32>,
    /// Maximum number of entries in the page; the server's limit (1,000) if `None`.
    pub max_parts: Option<u32>,
}

impl ListParts {
    /// Lists the first page.
    #[must_use]
    pub fn new(url: S3Url, upload: UploadId) -> Self {
        Self {
            url,
            upload,
            after: None,
            max_parts: None,
        }
    }
}

optional_setters!(ListParts {
    /// Lists parts after this number.
    with_after(after: u32);
    /// Limits the number of entries in the page.
    with_max_parts(max_parts: u32);
});

/// One page of parts, in order of their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartsPage {
    /// The parts of this page.
    pub parts: Vec<ListedPart>,
    /// The number after which the next page starts; `None` on the last page.
    pub next: Option<u32>,
}

impl PartsPage {
    /// Returns a page of these entries.
    #[must_use]
    pub fn new(parts: Vec<ListedPart>, next: Option<u32>) -> Self {
        Self { parts, next }
    }
}

/// An uploaded part.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedPart {
    /// The number of the part.
    pub number: u32,
    /// The ETag of the part.
    pub etag: ETag,
    /// The size in bytes.
    pub size: u64,
    /// When the part was uploaded, if the server sends it.
    pub last_modified: Option<SystemTime>,
    /// The checksum, if the part has one and the server sends it.
    pub checksum: Option<Checksum>,
}

impl ListedPart {
    /// Returns an entry without a time.
    #[must_use]
    pub fn new(number: u32, etag: ETag, size: u64) -> Self {
        Self {
            number,
            etag,
            size,
            last_modified: None,
            checksum: None,
        }
    }
}

optional_setters!(ListedPart {
    /// Sets the time of the upload.
    with_last_modified(last_modified: SystemTime);
    /// Sets the checksum.
    with_checksum(checksum: Checksum);
});
