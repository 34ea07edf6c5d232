//! What is known of an object besides its bytes.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use s3_url::S3Url;

/// User metadata: names in lower case, without the `x-amz-meta-` prefix, to values.
pub type UserMetadata = BTreeMap<String, String>;

/// An entity tag, kept without its surrounding quotes. Clone is a reference count.
///
/// # Examples
///
/// ```
/// use s3_core::ETag;
///
/// let etag = ETag::new("\"d41d8\"");
/// assert_eq!(etag, ETag::new("d41d8"));
/// assert_eq!((etag.as_str(), &*etag.quoted()), ("d41d8", "\"d41d8\""));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ETag(Arc<str>);

impl ETag {
    /// Takes an entity tag with or without quotes, as servers send either.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let bare = text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'))
            .unwrap_or(text);
        Self(bare.into())
    }

    /// Returns the tag without quotes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the tag in quotes, as HTTP headers want it.
    #[must_use]
    pub fn quoted(&self) -> String {
        format!("\"{}\"", self.0)
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The version of an object in a bucket that keeps versions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VersionId(pub Arc<str>);

/// Server-side encryption, as the value of `x-amz-server-side-encryption`: `AES256`, `aws:kms`, ….
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Encryption(Arc<str>);

impl Encryption {
    /// Takes the header's value as it is; the server decides what it knows.
    #[must_use]
    pub fn new(value: &str) -> Self {
        Self(value.into())
    }

    /// Returns the header's value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What travels with an object: stored by a put, given back by get and head.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attributes {
    /// `Content-Type`. Not sent when `None`; S3 then reports `binary/octet-stream`.
    pub content_type: Option<Arc<str>>,
    /// `Content-Encoding`, without the transport's own `aws-chunked`.
    pub content_encoding: Option<Arc<str>>,
    /// `Cache-Control`.
    pub cache_control: Option<Arc<str>>,
    /// `Content-Disposition`.
    pub content_disposition: Option<Arc<str>>,
    /// Server-side encryption.
    pub encryption: Option<Encryption>,
    /// User metadata (`x-amz-meta-*`).
    pub user: UserMetadata,
}

/// What get and head say of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectMeta {
    /// Where the object is.
    pub url: S3Url,
    /// The size of the whole object in bytes, also when a range was read.
    pub size: u64,
    /// The entity tag; a few servers send none.
    pub etag: Option<ETag>,
    /// When the object was written, to the second.
    pub last_modified: Option<SystemTime>,
    /// The version, in a bucket that keeps versions.
    pub version: Option<VersionId>,
    /// Content type, encryption, user metadata.
    pub attributes: Attributes,
    /// The checksum that the server stores with the whole object, if it says so.
    pub checksum: Option<Checksum>,
}

impl ObjectMeta {
    /// Returns the description of an object of which only place and size are known.
    #[must_use]
    pub fn new(url: S3Url, size: u64) -> Self {
        Self {
            url,
            size,
            etag: None,
            last_modified: None,
            version: None,
            attributes: Attributes::default(),
            checksum: None,
        }
    }
}

/// The checksums that S3 knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChecksumAlgorithm {
    /// CRC-32 (ISO-HDLC).
    Crc32,
    /// CRC-32C (Castagnoli).
    Crc32c,
    /// CRC-64/NVME.
    Crc64Nvme,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
}

impl ChecksumAlgorithm {
    /// Returns the name that S3 uses: `CRC32`, `CRC32C`, `CRC64NVME`, `SHA1`, `SHA256`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }
}

/// A checksum and its kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Checksum {
    /// How it is computed.
    pub algorithm: ChecksumAlgorithm,
    /// The value in base64, as in S3's headers.
    pub value: Arc<str>,
}

/// A bucket of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BucketInfo {
    /// The bucket's name.
    pub name: Arc<str>,
    /// When it was created, if the server says so.
    pub created: Option<SystemTime>,
}

impl BucketInfo {
    /// Returns a bucket of which only the name is known.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            created: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_is_the_same_with_and_without_quotes() {
        assert_eq!(ETag::new("\"abc-2\""), ETag::new("abc-2"));
        assert_eq!(ETag::new("abc").quoted(), "\"abc\"");
    }
}
