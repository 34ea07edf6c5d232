//! XML parsers for the documents of S3 and compatible servers.

mod element;
mod error_document;
mod reader;

pub use element::{Element, escape};
pub use error_document::ErrorDocument;
pub use reader::NotXml;
pub(crate) use reader::{Node, Reader, unescape};
