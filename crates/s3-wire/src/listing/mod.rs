//! Parses ListObjects and ListObjectsV2 responses: pages of keys, their sizes, ETags and times.
//!
//! [`Page::parse`] reads a document. `scan` parses the documents of S3 and most other servers, in one pass and without
//! copying; `document` parses all others with an XML parser. A [`KeyDecoder`] then decodes the keys of the page.

mod decoder;
mod document;
mod page;
mod scan;

pub use decoder::KeyDecoder;
pub use page::{Entry, Page};
