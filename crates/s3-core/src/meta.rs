//! Types of object metadata: [`ObjectMeta`], [`Attributes`], [`ETag`], [`VersionId`], [`Encryption`], [`Checksum`].

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::SystemTime;

use s3_url::S3Url;

use crate::setters::optional_setters;
use crate::{RestoreStatus, Tags};

/// User metadata: values by name. Names are in lower case and without the `x-amz-meta-` prefix.
pub type UserMetadata = BTreeMap<String, String>;

/// An entity tag without its surrounding quotes. Up to 38 bytes, enough for an MD5 and a number of parts, are stored
/// inline and copied by clone; a longer one is on the heap, and clone is a reference count.
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
#[derive(Clone)]
pub struct ETag(ETagText);

/// Maximum length of a tag that is stored inline: 32 digits, `-10000`.
const INLINE: usize = 38;

/// The values of hexadecimal digits in lower case; 0xff for other bytes.
const VALUES: [u8; 256] = {
    let mut values = [0xff; 256];
    let mut value = 0;
    while value < 16 {
        values[b"0123456789abcdef"[value] as usize] = value as u8;
        value += 1;
    }
    values
};

#[derive(Clone)]
enum ETagText {
    Inline { len: u8, bytes: [u8; INLINE] },
    Shared(Arc<str>),
}

impl ETag {
    /// Parses an entity tag with or without quotes; servers send both.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let bare = text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'))
            .unwrap_or(text);
        let mut bytes = [0; INLINE];
        Self(
            match (bytes.get_mut(..bare.len()), u8::try_from(bare.len())) {
                (Some(place), Ok(len)) => {
                    place.copy_from_slice(bare.as_bytes());
                    ETagText::Inline { len, bytes }
                }
                _ => ETagText::Shared(bare.into()),
            },
        )
    }

    /// Returns the tag of an object that was written in one part: its MD5 in lower-case hexadecimal digits.
    #[must_use]
    pub fn of_md5(md5: [u8; 16]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut bytes = [0; INLINE];
        for (pair, byte) in bytes.chunks_exact_mut(2).zip(md5) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        Self(ETagText::Inline { len: 32, bytes })
    }

    /// Returns the ETag if it is an MD5 in lower-case hexadecimal digits.
    #[must_use]
    pub fn md5(&self) -> Option<[u8; 16]> {
        let ETagText::Inline { len: 32, bytes } = &self.0 else {
            return None;
        };
        let mut md5 = [0; 16];
        let mut all = 0;
        for (byte, pair) in md5.iter_mut().zip(bytes.chunks_exact(2)) {
            let (high, low) = (VALUES[usize::from(pair[0])], VALUES[usize::from(pair[1])]);
            *byte = high << 4 | low;
            all |= high | low;
        }
        (all < 16).then_some(md5)
    }

    /// Returns the tag without quotes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            ETagText::Inline { len, bytes } => {
                std::str::from_utf8(&bytes[..usize::from(*len)]).expect("it was a text")
            }
            ETagText::Shared(text) => text,
        }
    }

    /// Returns the tag in quotes, as in HTTP headers.
    #[must_use]
    pub fn quoted(&self) -> String {
        format!("\"{}\"", self.as_str())
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ETag").field(&self.as_str()).finish()
    }
}

impl PartialEq for ETag {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for ETag {}

impl Hash for ETag {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl PartialOrd for ETag {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ETag {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

/// The version of an object in a bucket with versioning. Clone is a reference count.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VersionId(Arc<str>);

impl VersionId {
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

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Server-side encryption: the value of `x-amz-server-side-encryption` (`AES256`, `aws:kms`, …), and the KMS key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Encryption {
    value: Arc<str>,
    /// The id of the KMS key; the account's default key if `None`.
    pub key_id: Option<Arc<str>>,
    /// Whether an S3 bucket key is used, which saves requests to KMS.
    pub bucket_key: bool,
}

optional_setters!(Encryption {
    /// Sets the id of the KMS key.
    with_key_id(key_id: impl Into<Arc<str>>);
});

impl Encryption {
    /// Wraps the header's value. The server decides which values it accepts.
    #[must_use]
    pub fn new(value: &str) -> Self {
        Self {
            value: value.into(),
            key_id: None,
            bucket_key: false,
        }
    }

    /// Uses an S3 bucket key.
    #[must_use]
    pub fn with_bucket_key(mut self) -> Self {
        self.bucket_key = true;
        self
    }

    /// Returns the header's value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.value
    }
}

/// Headers that a put stores with an object and that get and head return.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attributes {
    /// `Content-Type`. Not sent if `None`; S3 then stores `binary/octet-stream`.
    pub content_type: Option<Arc<str>>,
    /// `Content-Encoding`, without `aws-chunked`, which belongs to the transport.
    pub content_encoding: Option<Arc<str>>,
    /// `Cache-Control`.
    pub cache_control: Option<Arc<str>>,
    /// `Content-Disposition`.
    pub content_disposition: Option<Arc<str>>,
    /// `Content-Language`.
    pub content_language: Option<Arc<str>>,
    /// `Expires`, to the second.
    pub expires: Option<SystemTime>,
    /// The storage class, such as `STANDARD_IA`. Get and head return `None` for `STANDARD`, and a copy does not keep it.
    pub storage_class: Option<Arc<str>>,
    /// Server-side encryption.
    pub encryption: Option<Encryption>,
    /// The canned ACL of a written object, such as `public-read`. Get and head do not return it.
    pub acl: Option<Arc<str>>,
    /// The algorithm of the checksum that a write adds. The store decides if `None`. Get and head return
    /// [`ObjectMeta::checksum`] instead.
    pub checksum_algorithm: Option<ChecksumAlgorithm>,
    /// The tags of a written object. Get and head return [`ObjectMeta::tag_count`] instead.
    pub tags: Tags,
    /// User metadata (`x-amz-meta-*`).
    pub user: UserMetadata,
}

optional_setters!(Attributes {
    /// Sets `Content-Type`.
    with_content_type(content_type: impl Into<Arc<str>>);
    /// Sets `Content-Encoding`.
    with_content_encoding(content_encoding: impl Into<Arc<str>>);
    /// Sets `Cache-Control`.
    with_cache_control(cache_control: impl Into<Arc<str>>);
    /// Sets `Content-Disposition`.
    with_content_disposition(content_disposition: impl Into<Arc<str>>);
    /// Sets `Content-Language`.
    with_content_language(content_language: impl Into<Arc<str>>);
    /// Sets `Expires`.
    with_expires(expires: SystemTime);
    /// Sets the storage class.
    with_storage_class(storage_class: impl Into<Arc<str>>);
    /// Sets the server-side encryption.
    with_encryption(encryption: Encryption);
    /// Sets the canned ACL.
    with_acl(acl: impl Into<Arc<str>>);
    /// Sets the algorithm of the checksum.
    with_checksum_algorithm(checksum_algorithm: ChecksumAlgorithm);
});

impl Attributes {
    /// Adds an entry of user metadata.
    #[must_use]
    pub fn with_user_metadata(mut self, name: &str, value: &str) -> Self {
        self.user.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Adds a tag.
    #[must_use]
    pub fn with_tag(mut self, name: &str, value: &str) -> Self {
        self.tags.insert(name.to_owned(), value.to_owned());
        self
    }
}

/// The metadata of an object, from get or head.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectMeta {
    /// The object.
    pub url: S3Url,
    /// The size of the whole object in bytes, even if only a range was read.
    pub size: u64,
    /// The entity tag; a few servers send none.
    pub etag: Option<ETag>,
    /// When the object was written, to the second.
    pub last_modified: Option<SystemTime>,
    /// The version, in a bucket with versioning.
    pub version: Option<VersionId>,
    /// Content type, encryption, user metadata.
    pub attributes: Attributes,
    /// The number of tags.
    pub tag_count: u32,
    /// The checksum, if the server stores and sends one.
    pub checksum: Option<Checksum>,
    /// Whether an archived object is being restored, or has been.
    pub restore: Option<RestoreStatus>,
}

impl ObjectMeta {
    /// Returns metadata with URL and size only.
    #[must_use]
    pub fn new(url: S3Url, size: u64) -> Self {
        Self {
            url,
            size,
            etag: None,
            last_modified: None,
            version: None,
            attributes: Attributes::default(),
            tag_count: 0,
            checksum: None,
            restore: None,
        }
    }

    /// Returns the ETag if it can be an MD5 of the bytes or of MD5s of parts. The ETag of an object that is encrypted
    /// with a key other than S3's own (SSE-KMS, SSE-C) is not.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::{ETag, Encryption, ObjectMeta, S3Url};
    ///
    /// let url = S3Url::parse("s3://b/k")?;
    /// let mut meta = ObjectMeta::new(url, 5).with_etag(ETag::new("5d41402abc4b2a76b9719d911017c592"));
    /// assert!(meta.etag_of_bytes().is_some());
    /// meta.attributes.encryption = Some(Encryption::new("aws:kms"));
    /// assert!(meta.etag_of_bytes().is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn etag_of_bytes(&self) -> Option<&ETag> {
        let encryption = self.attributes.encryption.as_ref();
        let is_plain = encryption.is_none_or(|encryption| encryption.as_str() == "AES256");
        self.etag.as_ref().filter(|_| is_plain)
    }
}

optional_setters!(ObjectMeta {
    /// Sets the ETag.
    with_etag(etag: ETag);
    /// Sets the time of the write.
    with_last_modified(last_modified: SystemTime);
    /// Sets the version.
    with_version(version: VersionId);
    /// Sets the checksum.
    with_checksum(checksum: Checksum);
});

/// The checksum algorithms of S3.
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
    /// Returns the name in S3's API: `CRC32`, `CRC32C`, `CRC64NVME`, `SHA1`, `SHA256`.
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

    /// Returns the algorithm of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        [
            Self::Crc32,
            Self::Crc32c,
            Self::Crc64Nvme,
            Self::Sha1,
            Self::Sha256,
        ]
        .into_iter()
        .find(|algorithm| algorithm.as_str() == name)
    }

    /// Returns the checksum type of an object that is uploaded in parts: `FullObject` for CRCs, which can be combined.
    #[must_use]
    pub const fn multipart_type(self) -> ChecksumType {
        match self {
            Self::Sha1 | Self::Sha256 => ChecksumType::Composite,
            Self::Crc32 | Self::Crc32c | Self::Crc64Nvme => ChecksumType::FullObject,
        }
    }
}

/// The type of a checksum: over the bytes of the object, or over the checksums of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChecksumType {
    /// Over the bytes of the object.
    FullObject,
    /// Over the checksums of its parts.
    Composite,
}

impl ChecksumType {
    /// Returns the name in S3's API: `FULL_OBJECT` or `COMPOSITE`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FullObject => "FULL_OBJECT",
            Self::Composite => "COMPOSITE",
        }
    }

    /// Returns the type of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::FullObject, Self::Composite]
            .into_iter()
            .find(|kind| kind.as_str() == name)
    }
}

/// A checksum: algorithm, value and type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Checksum {
    /// The algorithm.
    pub algorithm: ChecksumAlgorithm,
    /// The value in base64, as in S3's headers. That of a composite checksum ends in the number of parts, such as `-3`.
    pub value: Arc<str>,
    /// Whether it covers the bytes of the object or the checksums of its parts.
    pub checksum_type: ChecksumType,
}

impl Checksum {
    /// Returns a checksum with this base64 value. A value that ends in a number of parts is composite.
    #[must_use]
    pub fn new(algorithm: ChecksumAlgorithm, value: impl Into<Arc<str>>) -> Self {
        let value = value.into();
        let checksum_type = match value.contains('-') {
            true => ChecksumType::Composite,
            false => ChecksumType::FullObject,
        };
        Self {
            algorithm,
            value,
            checksum_type,
        }
    }
}

/// A bucket in the response to ListBuckets.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BucketInfo {
    /// The name.
    pub name: Arc<str>,
    /// When the bucket was created, if the server sends it.
    pub created: Option<SystemTime>,
}

impl BucketInfo {
    /// Returns a bucket without a creation time.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            created: None,
        }
    }
}

optional_setters!(BucketInfo {
    /// Sets the creation time.
    with_created(created: SystemTime);
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_is_the_same_with_and_without_quotes() {
        assert_eq!(ETag::new("\"abc-2\""), ETag::new("abc-2"));
        assert_eq!(ETag::new("abc").quoted(), "\"abc\"");
    }

    #[test]
    fn short_and_long_etags_are_texts() {
        for len in [0, 1, 32, 37, 38, 39, 300] {
            let text: String = "é-7".chars().cycle().take(len).collect();
            let etag = ETag::new(&text);
            assert_eq!((etag.as_str(), etag.clone() == etag), (&*text, true));
            assert_eq!(format!("{etag} {etag:?}"), format!("{text} ETag({text:?})"));
        }
        assert!(ETag::new("a") < ETag::new("b") && ETag::new("b") < ETag::new(&"b".repeat(50)));
    }

    #[test]
    fn an_md5_is_32_digits_in_lower_case() {
        let md5 = std::array::from_fn(|at| at as u8 * 17);
        let etag = ETag::of_md5(md5);
        assert_eq!(etag.as_str(), "00112233445566778899aabbccddeeff");
        assert_eq!(
            (etag.md5(), ETag::new(etag.as_str()) == etag),
            (Some(md5), true)
        );
        let text = etag.as_str();
        for other in [
            &text[1..],
            &text.to_uppercase(),
            &format!("{text}-2"),
            &text.replace('a', "g"),
        ] {
            assert_eq!(ETag::new(other).md5(), None, "{other}");
        }
    }
}
