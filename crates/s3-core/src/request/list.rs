//! Request and response types of ListObjectsV2: one page of keys and common prefixes.

use std::sync::Arc;
use std::time::SystemTime;

use s3_url::{S3Prefix, S3Url};

use crate::setters::optional_setters;
use crate::{ByteCounter, ChecksumAlgorithm, ChecksumType, ETag};

/// Lists one page of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListRequest {
    /// The bucket and the prefix of the keys. A plain string prefix: no slash is added.
    pub prefix: S3Prefix,
    /// Rolls up keys that share everything up to the next delimiter; usually `/`.
    pub delimiter: Option<Arc<str>>,
    /// Lists keys after this one, which need not exist. Ignored if `continuation` is set.
    pub start_after: Option<Arc<str>>,
    /// The [`ListPage::next`] of the previous page.
    pub continuation: Option<Arc<str>>,
    /// Maximum number of entries in the page; the server's limit (1,000) if `None`.
    pub max_keys: Option<u32>,
    /// Counts the bytes of the page as they arrive.
    pub byte_counter: Option<ByteCounter>,
}

impl ListRequest {
    /// Lists the first page of the keys with this prefix.
    #[must_use]
    pub fn new(prefix: S3Prefix) -> Self {
        Self {
            prefix,
            delimiter: None,
            start_after: None,
            continuation: None,
            max_keys: None,
            byte_counter: None,
        }
    }
}

optional_setters!(ListRequest {
    /// Rolls up keys at this delimiter.
    with_delimiter(delimiter: impl Into<Arc<str>>);
    /// Lists keys after this one.
    with_start_after(start_after: impl Into<Arc<str>>);
    /// Continues after a page.
    with_continuation(continuation: impl Into<Arc<str>>);
    /// Limits the number of entries in the page.
    with_max_keys(max_keys: u32);
    /// Counts the bytes of the page as they arrive.
    counted_by(byte_counter: ByteCounter);
});

/// One page of a listing. Objects and prefixes are each in UTF-8 byte order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListPage {
    /// The objects of this page.
    pub objects: Vec<ListedObject>,
    /// The rolled-up prefixes; each ends in the delimiter.
    pub prefixes: Vec<S3Prefix>,
    /// The continuation token of the next page; `None` on the last page.
    pub next: Option<Arc<str>>,
}

impl ListPage {
    /// Returns a page of these parts.
    #[must_use]
    pub fn new(
        objects: Vec<ListedObject>,
        prefixes: Vec<S3Prefix>,
        next: Option<Arc<str>>,
    ) -> Self {
        Self {
            objects,
            prefixes,
            next,
        }
    }
}

/// An object in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedObject {
    /// The object.
    pub url: S3Url,
    /// The size in bytes.
    pub size: u64,
    /// The ETag, if the server sends it.
    pub etag: Option<ETag>,
    /// When the object was written, if the server sends it.
    pub last_modified: Option<SystemTime>,
    /// The storage class, if the server sends it.
    pub storage_class: Option<Arc<str>>,
    /// The algorithm of the checksum, if there is one and the server sends it.
    pub checksum_algorithm: Option<ChecksumAlgorithm>,
    /// The type of the checksum, if the server sends it.
    pub checksum_type: Option<ChecksumType>,
}

impl ListedObject {
    /// Returns an entry with URL and size only.
    #[must_use]
    pub fn new(url: S3Url, size: u64) -> Self {
        Self {
            url,
            size,
            etag: None,
            last_modified: None,
            storage_class: None,
            checksum_algorithm: None,
            checksum_type: None,
        }
    }
}

optional_setters!(ListedObject {
    /// Sets the ETag.
    with_etag(etag: ETag);
    /// Sets the time of the write.
    with_last_modified(last_modified: SystemTime);
    /// Sets the storage class.
    with_storage_class(storage_class: impl Into<Arc<str>>);
});
