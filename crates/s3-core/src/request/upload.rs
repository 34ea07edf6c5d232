//! Writing an object in parts.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use s3_url::{S3Prefix, S3Url};

use crate::{Attributes, ByteRange, Checksum, ETag, Payload, PutMode};

/// The server's name for a multipart upload. Clone is a reference count.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UploadId(Arc<str>);

impl UploadId {
    /// Takes the server's text as it is.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// Returns the server's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Begins an upload in parts.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CreateUpload {
    /// Where the object will be.
    pub url: S3Url,
    /// Content type, encryption, user metadata.
    pub attributes: Attributes,
}

impl CreateUpload {
    /// Begins an upload.
    #[must_use]
    pub fn new(url: S3Url, attributes: Attributes) -> Self {
        Self { url, attributes }
    }
}

/// Uploads one part. Sending the same number again replaces the part.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UploadPart {
    /// Where the object will be.
    pub url: S3Url,
    /// The upload.
    pub upload: UploadId,
    /// The part's number: 1 to 10,000.
    pub number: u32,
    /// The bytes: 5 MiB to 5 GiB, the last part may be smaller.
    pub payload: Payload,
    /// The checksum of the payload, for the server to check and keep.
    pub checksum: Option<Checksum>,
}

impl UploadPart {
    /// Uploads one part.
    #[must_use]
    pub fn new(url: S3Url, upload: UploadId, number: u32, payload: Payload) -> Self {
        Self {
            url,
            upload,
            number,
            payload,
            checksum: None,
        }
    }
}

/// Fills one part from an object that is in the store already.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UploadPartCopy {
    /// Where the object will be.
    pub url: S3Url,
    /// The upload.
    pub upload: UploadId,
    /// The part's number: 1 to 10,000.
    pub number: u32,
    /// The object to copy from.
    pub from: S3Url,
    /// Which bytes of it; all when `None`. S3 takes bounded ranges only.
    pub range: Option<ByteRange>,
    /// Fails with `PreconditionFailed` unless the source has this tag.
    pub source_if_match: Option<ETag>,
}

impl UploadPartCopy {
    /// Fills one part from `from`.
    #[must_use]
    pub fn new(url: S3Url, upload: UploadId, number: u32, from: S3Url) -> Self {
        Self {
            url,
            upload,
            number,
            from,
            range: None,
            source_if_match: None,
        }
    }
}

/// What names an uploaded part when the upload is completed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartTag {
    /// The part's number.
    pub number: u32,
    /// The tag that the server gave it.
    pub etag: ETag,
    /// The checksum that was sent with it.
    pub checksum: Option<Checksum>,
}

impl PartTag {
    /// Names a part.
    #[must_use]
    pub fn new(number: u32, etag: ETag) -> Self {
        Self {
            number,
            etag,
            checksum: None,
        }
    }
}

/// Makes the object of the parts, in ascending order of their numbers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CompleteUpload {
    /// Where the object will be.
    pub url: S3Url,
    /// The upload.
    pub upload: UploadId,
    /// The parts; at least one.
    pub parts: Vec<PartTag>,
    /// What to do if there is an object already.
    pub mode: PutMode,
}

impl CompleteUpload {
    /// Makes the object, replacing what is there.
    #[must_use]
    pub fn new(url: S3Url, upload: UploadId, parts: Vec<PartTag>) -> Self {
        Self {
            url,
            upload,
            parts,
            mode: PutMode::Overwrite,
        }
    }
}

/// Gives an upload up and frees its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AbortUpload {
    /// Where the object would have been.
    pub url: S3Url,
    /// The upload.
    pub upload: UploadId,
}

impl AbortUpload {
    /// Gives an upload up.
    #[must_use]
    pub fn new(url: S3Url, upload: UploadId) -> Self {
        Self { url, upload }
    }
}

/// Asks for unfinished uploads, a page at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListUploads {
    /// The bucket, and what the keys begin with.
    pub prefix: S3Prefix,
    /// Goes on where a page ended: its [`UploadsPage::next`], a key and an upload id.
    pub after: Option<(Arc<str>, UploadId)>,
    /// The most entries of the page; the server's own limit (1,000) when `None`.
    pub max_uploads: Option<u32>,
}

impl ListUploads {
    /// Asks for the first page.
    #[must_use]
    pub fn new(prefix: S3Prefix) -> Self {
        Self {
            prefix,
            after: None,
            max_uploads: None,
        }
    }
}

/// One page of unfinished uploads, by key and then by upload id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct UploadsPage {
    /// The uploads of this page.
    pub uploads: Vec<ListedUpload>,
    /// How to ask for the next page; `None` on the last.
    pub next: Option<(Arc<str>, UploadId)>,
}

impl UploadsPage {
    /// Returns a page of the given parts.
    #[must_use]
    pub fn new(uploads: Vec<ListedUpload>, next: Option<(Arc<str>, UploadId)>) -> Self {
        Self { uploads, next }
    }
}

/// An unfinished upload.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedUpload {
    /// Where the object would be.
    pub url: S3Url,
    /// The upload.
    pub upload: UploadId,
    /// When it was begun, if the server says so.
    pub initiated: Option<SystemTime>,
}

impl ListedUpload {
    /// Returns an unfinished upload.
    #[must_use]
    pub fn new(url: S3Url, upload: UploadId, initiated: Option<SystemTime>) -> Self {
        Self {
            url,
            upload,
            initiated,
        }
    }
}

/// Asks for the parts of an unfinished upload, a page at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListParts {
    /// Where the object would be.
    pub url: S3Url,
    /// The upload.
    pub upload: UploadId,
    /// Begins behind this part number.
    pub after: Option<u32>,
    /// The most entries of the page; the server's own limit (1,000) when `None`.
    pub max_parts: Option<u32>,
}

impl ListParts {
    /// Asks for the first page.
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

/// One page of parts, by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartsPage {
    /// The parts of this page.
    pub parts: Vec<ListedPart>,
    /// The number to begin the next page behind; `None` on the last page.
    pub next: Option<u32>,
}

impl PartsPage {
    /// Returns a page of the given parts.
    #[must_use]
    pub fn new(parts: Vec<ListedPart>, next: Option<u32>) -> Self {
        Self { parts, next }
    }
}

/// A part that has been uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedPart {
    /// Its number.
    pub number: u32,
    /// Its tag.
    pub etag: ETag,
    /// Its size in bytes.
    pub size: u64,
    /// When it was uploaded, if the server says so.
    pub last_modified: Option<SystemTime>,
}

impl ListedPart {
    /// Returns a part that has been uploaded.
    #[must_use]
    pub fn new(number: u32, etag: ETag, size: u64) -> Self {
        Self {
            number,
            etag,
            size,
            last_modified: None,
        }
    }
}
