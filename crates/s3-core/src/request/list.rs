//! Listing keys, page by page.

use std::sync::Arc;
use std::time::SystemTime;

use s3_url::{S3Prefix, S3Url};

use crate::{ByteCounter, ETag};

/// Asks for one page of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListRequest {
    /// The bucket, and what the keys begin with. A plain string prefix: no slash is added.
    pub prefix: S3Prefix,
    /// Rolls keys up that share what comes before the next delimiter; usually `/`.
    pub delimiter: Option<Arc<str>>,
    /// Begins behind this key, which need not exist. Ignored when `continuation` is given.
    pub start_after: Option<Arc<str>>,
    /// Goes on where a page ended: its [`ListPage::next`].
    pub continuation: Option<Arc<str>>,
    /// The most entries of the page; the server's own limit (1,000) when `None`.
    pub max_keys: Option<u32>,
    /// Where to count what has come of the page, if somebody wants to know.
    pub moved: Option<ByteCounter>,
}

impl ListRequest {
    /// Asks for the first page of all keys that begin with the prefix.
    #[must_use]
    pub fn new(prefix: S3Prefix) -> Self {
        Self {
            prefix,
            delimiter: None,
            start_after: None,
            continuation: None,
            max_keys: None,
            moved: None,
        }
    }

    /// Rolls keys up at `/`.
    #[must_use]
    pub fn with_delimiter(mut self, delimiter: impl Into<Arc<str>>) -> Self {
        self.delimiter = Some(delimiter.into());
        self
    }

    /// Goes on where a page ended.
    #[must_use]
    pub fn with_continuation(mut self, token: impl Into<Arc<str>>) -> Self {
        self.continuation = Some(token.into());
        self
    }

    /// Limits the page.
    #[must_use]
    pub fn with_max_keys(mut self, max_keys: u32) -> Self {
        self.max_keys = Some(max_keys);
        self
    }

    /// Has the store count there what has come of the page.
    #[must_use]
    pub fn counted_by(mut self, moved: ByteCounter) -> Self {
        self.moved = Some(moved);
        self
    }

    /// Begins behind a key.
    #[must_use]
    pub fn with_start_after(mut self, key: impl Into<Arc<str>>) -> Self {
        self.start_after = Some(key.into());
        self
    }
}

/// One page of a listing. Objects and prefixes are each in UTF-8 byte order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListPage {
    /// The objects of this page.
    pub objects: Vec<ListedObject>,
    /// What was rolled up: each ends in the delimiter.
    pub prefixes: Vec<S3Prefix>,
    /// How to ask for the next page; `None` on the last.
    pub next: Option<Arc<str>>,
}

impl ListPage {
    /// Returns a page of the given parts.
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

/// What a listing says of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedObject {
    /// Where it is.
    pub url: S3Url,
    /// Its size in bytes.
    pub size: u64,
    /// Its tag, if the server says so.
    pub etag: Option<ETag>,
    /// When it was written, if the server says so.
    pub last_modified: Option<SystemTime>,
    /// Its storage class, if the server says so.
    pub storage_class: Option<Arc<str>>,
}

impl ListedObject {
    /// Returns an entry of which only place and size are known.
    #[must_use]
    pub fn new(url: S3Url, size: u64) -> Self {
        Self {
            url,
            size,
            etag: None,
            last_modified: None,
            storage_class: None,
        }
    }
}
