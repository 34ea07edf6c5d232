//! A response whose body has been read into memory, from either transport.

use std::borrow::Cow;

/// The longest document that is read. A thousand keys of a thousand bytes, each written as three, and their attributes,
/// are less than half.
pub(super) const MAX_DOCUMENT: usize = 16 << 20;
/// The longest error document that is read; those of S3 take less than 1 KiB.
pub(super) const MAX_ERROR_BODY: usize = 64 << 10;

/// A response with its body in memory.
#[derive(Clone, Copy)]
pub(super) struct CollectedResponse<'a> {
    pub(super) status: u16,
    /// Returns the value of a header by its name in lower case.
    pub(super) header: &'a dyn Fn(&str) -> Option<&'a str>,
    pub(super) body: &'a [u8],
}

impl<'a> CollectedResponse<'a> {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Returns the value of a header, unless it is empty.
    pub(super) fn header(&self, name: &str) -> Option<&'a str> {
        (self.header)(name).filter(|value| !value.is_empty())
    }

    /// Returns the body as text; invalid UTF-8 is replaced by U+FFFD.
    pub(super) fn text(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.body)
    }
}
