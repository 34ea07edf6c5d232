//! Request and response types of multipart uploads: create, upload or copy a part, complete, abort.

use std::fmt;
use std::sync::Arc;

use s3_url::S3Url;

use crate::setters::optional_setters;
use crate::{
    Attributes, ByteRange, Checksum, ChecksumAlgorithm, ETag, Payload, PutMode, VersionId,
};

/// The server's id of a multipart upload. Clone is a reference count.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UploadId(Arc<str>);

impl UploadId {
    /// Wraps the server's text.
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

/// Starts a multipart upload.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CreateUpload {
    /// The object to write.
    pub url: S3Url,
    /// Content type, encryption, user metadata.
    pub attributes: Attributes,
}

impl CreateUpload {
    /// Starts an upload.
    #[must_use]
    pub fn new(url: S3Url, attributes: Attributes) -> Self {
        Self { url, attributes }
    }
}

/// Uploads one part. A second part of the same number replaces the first.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UploadPart {
    /// The object to write.
    pub url: S3Url,
    /// The upload.
    pub upload: UploadId,
    /// The part's number: 1 to 10,000.
    pub number: u32,
    /// The bytes: 5 MiB to 5 GiB; the last part may be smaller.
    pub payload: Payload,
    /// The checksum of the payload. The server verifies and stores it.
    pub checksum: Option<Checksum>,
    /// The algorithm of the checksum that is added if `checksum` is `None`: the one that the upload was created with.
    pub checksum_algorithm: Option<ChecksumAlgorithm>,
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
            checksum_algorithm: None,
        }
    }
}

optional_setters!(UploadPart {
    /// Sets the checksum of the payload.
    with_checksum(checksum: Checksum);
    /// Sets the algorithm of the checksum.
    with_checksum_algorithm(checksum_algorithm: ChecksumAlgorithm);
});

/// Copies an object, or a range of it, into a part.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UploadPartCopy {
    /// The object to write.
    pub url: S3Url,
    /// The upload.
    pub upload: UploadId,
    /// The part's number: 1 to 10,000.
    pub number: u32,
    /// The source object.
    pub from: S3Url,
    /// The version of the source; the newest one if `None`.
    pub source_version: Option<VersionId>,
    /// The bytes to copy; all if `None`. S3 accepts bounded ranges only.
    pub range: Option<ByteRange>,
    /// Fails with `PreconditionFailed` unless the source has this ETag.
    pub source_if_match: Option<ETag>,
}

impl UploadPartCopy {
    /// Copies all of `from`.
    #[must_use]
    pub fn new(url: S3Url, upload: UploadId, number: u32, from: S3Url) -> Self {
        Self {
            url,
            upload,
            number,
            from,
            source_version: None,
            range: None,
            source_if_match: None,
        }
    }
}

optional_setters!(UploadPartCopy {
    /// Sets the version of the source.
    with_source_version(source_version: VersionId);
    /// Copies a range of the source.
    with_range(range: impl Into<ByteRange>);
    /// Requires the source to have this ETag.
    with_source_if_match(source_if_match: ETag);
});

/// Number, ETag and checksum of an uploaded part, as CompleteMultipartUpload sends them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartTag {
    /// The part's number.
    pub number: u32,
    /// The ETag of the part.
    pub etag: ETag,
    /// The checksum of the part, if it or its algorithm was in the request.
    pub checksum: Option<Checksum>,
}

impl PartTag {
    /// Returns a part tag without a checksum.
    #[must_use]
    pub fn new(number: u32, etag: ETag) -> Self {
        Self {
            number,
            etag,
            checksum: None,
        }
    }
}

optional_setters!(PartTag {
    /// Sets the checksum that was sent with the part.
    with_checksum(checksum: Checksum);
});

/// Creates the object from the parts, which are in ascending order of their numbers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CompleteUpload {
    /// The object to write.
    pub url: S3Url,
    /// The upload.
    pub upload: UploadId,
    /// The parts; at least one.
    pub parts: Vec<PartTag>,
    /// What to do if the object exists.
    pub mode: PutMode,
}

impl CompleteUpload {
    /// Creates the object; replaces an existing one.
    #[must_use]
    pub fn new(url: S3Url, upload: UploadId, parts: Vec<PartTag>) -> Self {
        Self {
            url,
            upload,
            parts,
            mode: PutMode::Overwrite,
        }
    }

    /// Sets what to do if the object exists.
    #[must_use]
    pub fn with_mode(mut self, mode: PutMode) -> Self {
        self.mode = mode;
        self
    }
}

/// Aborts an upload and frees its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AbortUpload {
    /// The object that the upload would have written.
    pub url: S3Url,
    /// The upload.
    pub upload: UploadId,
}

impl AbortUpload {
    /// Aborts an upload.
    #[must_use]
    pub fn new(url: S3Url, upload: UploadId) -> Self {
        Self { url, upload }
    }
}
