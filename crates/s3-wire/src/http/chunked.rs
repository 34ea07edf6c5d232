//! [`Chunked`]: decodes response bodies with `Transfer-Encoding: chunked` (RFC 9112, section 7.1).
//!
//! Sizes and trailers are parsed byte by byte; data is passed on in one piece.

use super::error::{WireError, WireErrorKind};

/// Maximum length of the line of a chunk's size, including extensions.
const LINE_LIMIT: u32 = 4 << 10;

/// Maximum length of all trailers together.
const TRAILER_LIMIT: u32 = 16 << 10;

/// Decoder state of a chunked body.
#[derive(Debug)]
pub(super) struct Chunked {
    state: DecoderState,
    /// The size of the chunk as far as it was read, then the number of bytes that are left of its data.
    left: u64,
    /// Number of bytes of the line, or of the trailers, so far.
    line: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DecoderState {
    /// Expects the first digit of a size.
    Size,
    /// Expects more digits, an extension or the end of the line.
    SizeMore,
    Extension,
    SizeLineFeed,
    Data,
    DataReturn,
    DataLineFeed,
    /// At the start of a trailer's line.
    TrailerStart,
    Trailer,
    TrailerLineFeed,
    EndLineFeed,
    End,
}

/// The next step of decoding.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// This number of data bytes, at least one.
    Data(u64),
    /// More bytes of a size, line end or trailer, which have not arrived.
    Structure,
    End,
}

impl Chunked {
    pub(super) fn new() -> Self {
        Self {
            state: DecoderState::Size,
            left: 0,
            line: 0,
        }
    }

    /// Parses sizes, line ends and trailers at the front of `bytes`, up to data, the end of the body, or the end of
    /// `bytes`. Returns the number of bytes parsed and the next step.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> Result<(usize, Next), WireError> {
        let mut taken = 0;
        while !matches!(self.state, DecoderState::Data | DecoderState::End) {
            let Some(byte) = bytes.get(taken) else {
                return Ok((taken, Next::Structure));
            };
            self.step(*byte)?;
            taken += 1;
        }
        Ok(match self.state {
            DecoderState::Data => (taken, Next::Data(self.left)),
            _ => (taken, Next::End),
        })
    }

    /// Records that `count` bytes of the data were taken.
    pub(super) fn took(&mut self, count: usize) {
        self.left -= count as u64;
        if self.left == 0 {
            self.state = DecoderState::DataReturn;
        }
    }

    fn step(&mut self, byte: u8) -> Result<(), WireError> {
        self.state = match (self.state, byte) {
            (DecoderState::Size, _) => {
                self.left = hex(byte)?;
                self.line = 1;
                DecoderState::SizeMore
            }
            (DecoderState::SizeMore | DecoderState::Extension, b'\r') => DecoderState::SizeLineFeed,
            (DecoderState::SizeMore, b';' | b' ' | b'\t') => {
                self.lengthen(LINE_LIMIT, DecoderState::Extension)?
            }
            (DecoderState::SizeMore, _) => {
                if self.left >> 60 != 0 {
                    return Err(WireError::malformed("the size of a chunk exceeds 64 bits"));
                }
                self.left = self.left << 4 | hex(byte)?;
                self.lengthen(LINE_LIMIT, DecoderState::SizeMore)?
            }
            (DecoderState::Extension, b'\n') => return Err(malformed()),
            (DecoderState::Extension, _) => self.lengthen(LINE_LIMIT, DecoderState::Extension)?,
            (DecoderState::SizeLineFeed, b'\n') if self.left == 0 => {
                self.line = 0;
                DecoderState::TrailerStart
            }
            (DecoderState::SizeLineFeed, b'\n') => DecoderState::Data,
            (DecoderState::DataReturn, b'\r') => DecoderState::DataLineFeed,
            (DecoderState::DataLineFeed, b'\n') => DecoderState::Size,
            (DecoderState::TrailerStart, b'\r') => DecoderState::EndLineFeed,
            (DecoderState::Trailer, b'\r') => {
                self.lengthen(TRAILER_LIMIT, DecoderState::TrailerLineFeed)?
            }
            (DecoderState::TrailerStart | DecoderState::Trailer, b'\n') => return Err(malformed()),
            (DecoderState::TrailerStart | DecoderState::Trailer, _) => {
                self.lengthen(TRAILER_LIMIT, DecoderState::Trailer)?
            }
            (DecoderState::TrailerLineFeed, b'\n') => DecoderState::TrailerStart,
            (DecoderState::EndLineFeed, b'\n') => DecoderState::End,
            _ => return Err(malformed()),
        };
        Ok(())
    }

    fn lengthen(&mut self, limit: u32, next: DecoderState) -> Result<DecoderState, WireError> {
        self.line += 1;
        match self.line > limit {
            true => Err(WireError::text(
                WireErrorKind::TooLarge,
                "a chunk's extensions or the trailers",
            )),
            false => Ok(next),
        }
    }
}

fn hex(byte: u8) -> Result<u64, WireError> {
    char::from(byte)
        .to_digit(16)
        .map(u64::from)
        .ok_or_else(malformed)
}

fn malformed() -> WireError {
    WireError::malformed("a chunk's size line or line end is malformed")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes `bytes` in pieces of `step` bytes, and counts the bytes after the end of the body.
    fn decoded(bytes: &[u8], step: usize) -> Result<(Vec<u8>, Option<usize>), WireErrorKind> {
        let mut chunked = Chunked::new();
        let mut data = Vec::new();
        let mut taken = 0;
        for piece in bytes.chunks(step) {
            let mut piece = piece;
            loop {
                let (count, next) = chunked.advance(piece).map_err(|error| error.kind())?;
                taken += count;
                piece = &piece[count..];
                match next {
                    Next::Data(left) if !piece.is_empty() => {
                        let count = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                        data.extend_from_slice(&piece[..count]);
                        chunked.took(count);
                        taken += count;
                        piece = &piece[count..];
                    }
                    Next::End => return Ok((data, Some(bytes.len() - taken))),
                    _ => break,
                }
            }
        }
        Ok((data, None))
    }

    #[test]
    fn chunks_are_joined_however_they_arrive() {
        let bytes = b"4\r\nWiki\r\n0A;x=\"y\"\r\npedia in c\r\n1 \r\n!\r\n000\r\nTrailer: 1\r\nb:\r\n\r\nrest";
        for step in 1..=bytes.len() {
            assert_eq!(
                decoded(bytes, step),
                Ok((b"Wikipedia in c!".to_vec(), Some(4))),
                "{step}"
            );
        }
        for end in 0..bytes.len() - 4 {
            assert_eq!(decoded(&bytes[..end], 3).unwrap().1, None, "{end}");
        }
    }

    #[test]
    fn malformed_chunks_are_rejected() {
        for bytes in [
            &b"\r\n"[..],
            b"x\r\n",
            b"-1\r\n",
            b"+1\r\n",
            b"1\n",
            b"1;a\n",
            b"1\r\r",
            b"1\r\nab",
            b"1\r\na\rb",
            b"0\r\n\n",
            b"0\r\na: b\n",
            b"0\r\na: b\rc",
            b"0\r\n\rx",
            b"10000000000000000\r\n",
            b"1 1;\n",
        ] {
            assert_eq!(
                decoded(bytes, 1),
                Err(WireErrorKind::Malformed),
                "{bytes:?}"
            );
        }
        assert_eq!(decoded(b"ffffffffffffffff\r\n", 1), Ok((vec![], None)));
    }

    #[test]
    fn lines_have_limits() {
        for (before, unit) in [
            ("1;", "e"),
            ("1", " "),
            ("0", "0"),
            ("0\r\n", "t: v\r\n"),
            ("0\r\n", "t"),
        ] {
            let endless = format!("{before}{}", unit.repeat(20_000));
            assert_eq!(
                decoded(endless.as_bytes(), 1000),
                Err(WireErrorKind::TooLarge),
                "{before:?}"
            );
        }
    }
}
