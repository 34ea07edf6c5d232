//! Pages of keys: the documents of `ListObjectsV2`.
//!
//! [`Page::parse`] reads a document. `scan` reads the documents of S3 and most other servers, in one pass and without
//! copying; `document` reads all others with an XML parser. A [`KeyDecoder`] then decodes the keys of the page.

mod decoder;
mod document;
mod page;
mod scan;

pub use decoder::KeyDecoder;
pub use page::{Entry, Page};
