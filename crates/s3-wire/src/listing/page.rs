//! One page of a ListObjects or ListObjectsV2 response (`ListBucketResult`): objects, common prefixes, next token.

use std::borrow::Cow;
use std::time::SystemTime;

use super::{KeyDecoder, document, scan};
use crate::xml::NotXml;

/// The contents of one `ListBucketResult`, as the server wrote them: only XML escapes are decoded.
#[derive(Debug, Default, PartialEq)]
pub struct Page<'b> {
    /// The objects of the page.
    pub entries: Vec<Entry<'b>>,
    /// The common prefixes; `None` for an element without a prefix.
    pub common_prefixes: Vec<Option<Cow<'b, str>>>,
    /// The prefix of the whole listing, as the server repeats it.
    pub prefix: Option<Cow<'b, str>>,
    /// Whether the server says that keys and prefixes are URL-encoded.
    pub claims_encoding: bool,
    /// Whether more pages follow, if the document says so.
    pub is_truncated: Option<bool>,
    /// Whether the document has an element that every listing has: `Name`, `KeyCount`, `MaxKeys` or `IsTruncated`.
    pub is_identified: bool,
    /// `Marker`, which only version 1 of the listing has.
    pub marker: Option<Cow<'b, str>>,
    /// `NextMarker` of version 1.
    pub next_marker: Option<Cow<'b, str>>,
    /// The continuation token of the next page.
    pub next_token: Option<Cow<'b, str>>,
}

/// One object of a page.
#[derive(Debug, Default, PartialEq)]
pub struct Entry<'b> {
    /// The key, possibly URL-encoded.
    pub key: Option<Cow<'b, str>>,
    /// The size in bytes.
    pub size: Option<u64>,
    /// The ETag, with or without quotes.
    pub etag: Option<Cow<'b, str>>,
    /// When the object was written.
    pub last_modified: Option<SystemTime>,
    /// The storage class.
    pub storage_class: Option<Cow<'b, str>>,
    /// The algorithm of the checksum; the first one if there are several.
    pub checksum_algorithm: Option<Cow<'b, str>>,
    /// The type of the checksum: `FULL_OBJECT` or `COMPOSITE`.
    pub checksum_type: Option<Cow<'b, str>>,
}

impl<'b> Page<'b> {
    /// Parses a document with [`scan`](Self::scan), or with [`parse_xml`](Self::parse_xml) if `scan` returns `None`.
    ///
    /// # Errors
    ///
    /// As [`parse_xml`](Self::parse_xml).
    pub fn parse(document: &'b str) -> Result<Self, NotXml> {
        match Self::scan(document) {
            Some(page) => Ok(page),
            None => Self::parse_xml(document),
        }
    }

    /// Parses a document of the form that S3 and most other servers write, in one pass; `None` if it has another form
    /// or is incomplete.
    #[must_use]
    pub fn scan(document: &'b str) -> Option<Self> {
        scan::scan(document)
    }

    /// Reads a document with an XML parser.
    ///
    /// # Errors
    ///
    /// The document is not well-formed, ends in the middle, or its root is not `ListBucketResult`.
    pub fn parse_xml(document: &'b str) -> Result<Self, NotXml> {
        document::read(document)
    }

    /// Returns the decoder of the page's keys. `requested_prefix` is the prefix that all of them start with.
    #[must_use]
    pub fn key_decoder(&self, requested_prefix: &str) -> KeyDecoder {
        let keys = self.entries.iter().filter_map(|entry| entry.key.as_deref());
        let prefixes = self.common_prefixes.iter().flatten().map(|text| &**text);
        // Not `self.prefix`: SeaweedFS encodes the keys but not the prefix that it repeats.
        KeyDecoder::new(self.claims_encoding, requested_prefix, keys.chain(prefixes))
    }
}
