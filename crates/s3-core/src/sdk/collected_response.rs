//! A response whose body has been read into memory, received by s3-wire or by the HTTP client of the AWS SDK.

use std::borrow::Cow;

/// The largest document that is read, 16 MiB. A page of 1,000 keys of 1,024 bytes, percent-encoded to three times their
/// length, and their attributes take less than half of it.
pub(super) const MAX_DOCUMENT: usize = 16 << 20;
/// The largest error document that is read, 64 KiB; those of S3 have less than 1 KiB.
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
