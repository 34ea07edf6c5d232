//! Determines where a response body ends: by length, in chunks, or when the connection closes (RFC 9112, section 6.3).

use super::error::WireError;

/// How the end of a body is determined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// There is no body.
    Empty,
    /// The body has this number of bytes (`Content-Length`).
    Length(u64),
    /// The body is chunked; the last chunk is empty.
    Chunked,
    /// The body ends when the server closes the connection.
    UntilClose,
}

/// Headers that determine where the body ends and whether the connection closes, collected one by one.
#[derive(Default)]
pub(super) struct FramingHeaders {
    length: Option<u64>,
    /// Whether there is a `Transfer-Encoding`, which is then only `chunked`.
    chunked: bool,
    close: bool,
}

impl FramingHeaders {
    pub(super) fn see(&mut self, name: &str, value: &[u8]) -> Result<(), WireError> {
        // The length of the name is compared first, because most headers have none of these names.
        match name.len() {
            14 if name.eq_ignore_ascii_case("content-length") => self.see_length(value),
            17 if name.eq_ignore_ascii_case("transfer-encoding") => self.see_encoding(value),
            10 if name.eq_ignore_ascii_case("connection") => {
                self.close |= items(value).any(|item| item.eq_ignore_ascii_case(b"close"));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn see_length(&mut self, value: &[u8]) -> Result<(), WireError> {
        for item in value.split(|byte| *byte == b',') {
            let length = decimal(item.trim_ascii())
                .ok_or_else(|| WireError::malformed("Content-Length is not a number"))?;
            if self.length.is_some_and(|known| known != length) {
                return Err(WireError::malformed(
                    "the response has two different Content-Length values",
                ));
            }
            self.length = Some(length);
        }
        Ok(())
    }

    fn see_encoding(&mut self, value: &[u8]) -> Result<(), WireError> {
        for item in items(value) {
            if self.chunked || !item.eq_ignore_ascii_case(b"chunked") {
                return Err(WireError::malformed(
                    "a Transfer-Encoding other than chunked",
                ));
            }
            self.chunked = true;
        }
        Ok(())
    }

    /// Returns how the body ends, and whether the headers let the connection be kept. After `UntilClose` the
    /// caller drops it.
    pub(super) fn conclude(&self, status: u16, version: u8) -> (Framing, bool) {
        let framing = match (status, self.chunked, self.length) {
            (204 | 304, ..) => Framing::Empty,
            (_, true, _) => Framing::Chunked,
            (_, false, Some(length)) => Framing::Length(length),
            (_, false, None) => Framing::UntilClose,
        };
        // A response with both lengths may be an attempt at response smuggling. It is read in chunks, and the
        // connection is closed.
        let smuggled = self.chunked && self.length.is_some();
        (framing, version == 1 && !self.close && !smuggled)
    }
}

/// Returns the items of a comma-separated list, without the empty ones.
fn items(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|byte| *byte == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|item| !item.is_empty())
}

/// Parses digits only: neither a sign nor white space.
fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |value, byte| match byte {
        b'0'..=b'9' => value.checked_mul(10)?.checked_add(u64::from(byte - b'0')),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn concluded(status: u16, version: u8, headers: &[(&str, &str)]) -> Option<(Framing, bool)> {
        let mut clues = FramingHeaders::default();
        for (name, value) in headers {
            clues.see(name, value.as_bytes()).ok()?;
        }
        Some(clues.conclude(status, version))
    }

    #[test]
    fn the_end_of_a_body_follows_rfc_9112() {
        use Framing::{Chunked, Empty, Length, UntilClose};
        let chunked = ("Transfer-Encoding", "chunked");
        let five = ("Content-Length", "5");
        for (status, version, headers, expected) in [
            (200, 1, &[five][..], Some((Length(5), true))),
            (
                200,
                1,
                &[("CONTENT-LENGTH", "18446744073709551615")],
                Some((Length(u64::MAX), true)),
            ),
            (200, 1, &[five, five], Some((Length(5), true))),
            (
                200,
                1,
                &[("content-length", "5, 5")],
                Some((Length(5), true)),
            ),
            (200, 1, &[five, ("content-length", "6")], None),
            (200, 1, &[("content-length", "5,6")], None),
            (200, 1, &[("content-length", "")], None),
            (200, 1, &[("content-length", "+5")], None),
            (200, 1, &[("content-length", "-5")], None),
            (200, 1, &[("content-length", "5 5")], None),
            (200, 1, &[("content-length", "0x5")], None),
            (200, 1, &[("content-length", "18446744073709551616")], None),
            (200, 1, &[chunked], Some((Chunked, true))),
            (
                200,
                1,
                &[("transfer-encoding", "Chunked ,")],
                Some((Chunked, true)),
            ),
            (200, 1, &[chunked, five], Some((Chunked, false))),
            (200, 1, &[five, chunked], Some((Chunked, false))),
            (200, 1, &[chunked, chunked], None),
            (200, 1, &[("transfer-encoding", "gzip, chunked")], None),
            (200, 1, &[("transfer-encoding", "identity")], None),
            (200, 1, &[], Some((UntilClose, true))),
            (204, 1, &[five], Some((Empty, true))),
            (204, 1, &[], Some((Empty, true))),
            (304, 1, &[five], Some((Empty, true))),
            (304, 1, &[chunked], Some((Empty, true))),
            (200, 0, &[five], Some((Length(5), false))),
            (
                200,
                1,
                &[five, ("Connection", "close")],
                Some((Length(5), false)),
            ),
            (
                200,
                1,
                &[five, ("connection", "x, Close")],
                Some((Length(5), false)),
            ),
            (
                200,
                1,
                &[five, ("connection", "keep-alive")],
                Some((Length(5), true)),
            ),
        ] {
            assert_eq!(
                concluded(status, version, headers),
                expected,
                "{status} {headers:?}"
            );
        }
    }
}
