//! Entry point for fuzzing: reads arbitrary bytes as HTTP responses.

use super::chunked::{Chunked, Next};
use super::response_head;

/// Reads a head and decodes the bytes after it as a chunked body, in several splits, which must give the same result.
///
/// # Panics
///
/// If the results differ.
pub fn http_response(bytes: &[u8]) {
    let at_once = response_head::parse(bytes);
    if let Ok(Some((size, parsed))) = &at_once {
        assert!(*size <= bytes.len(), "the head is longer than the input");
        for (name, value) in parsed.head.iter() {
            assert!(parsed.head.get(name).is_some(), "{name}: {value} is lost");
        }
        for cut in [size / 2, size - 1] {
            let early = response_head::parse(&bytes[..cut]);
            assert!(
                !matches!(early, Ok(Some(_))),
                "an incomplete head was parsed"
            );
        }
    }
    let body = match at_once {
        Ok(Some((size, _))) => &bytes[size..],
        _ => bytes,
    };
    let whole = decoded(body, body.len().max(1));
    assert_eq!(whole, decoded(body, 1), "byte by byte");
    assert_eq!(whole, decoded(body, 7), "by sevens");
}

/// Returns the data, and the length of the encoded body if it has ended; `None` if it is malformed.
fn decoded(bytes: &[u8], step: usize) -> Option<(Vec<u8>, Option<usize>)> {
    let mut chunked = Chunked::new();
    let (mut data, mut taken) = (Vec::new(), 0);
    for mut piece in bytes.chunks(step) {
        loop {
            let (count, next) = chunked.advance(piece).ok()?;
            taken += count;
            piece = &piece[count..];
            match next {
                Next::End => return Some((data, Some(taken))),
                Next::Data(left) if !piece.is_empty() => {
                    let count = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    data.extend_from_slice(&piece[..count]);
                    chunked.took(count);
                    taken += count;
                    piece = &piece[count..];
                }
                _ => break,
            }
        }
    }
    Some((data, None))
}
