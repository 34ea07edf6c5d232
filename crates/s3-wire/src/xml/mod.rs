//! XML as S3 and compatible servers write it.

mod error_document;
mod reader;

pub use error_document::ErrorDocument;
pub use reader::NotXml;
pub(crate) use reader::{Node, Reader, unescape};
