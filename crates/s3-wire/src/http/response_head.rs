//! Parses the head of a response: its status line and its headers ([`ResponseHead`]).

use std::mem::MaybeUninit;
use std::ops::Range;

use httparse::{Header, ParserConfig, Response, Status};
use memchr::{memchr, memchr_iter, memmem};

use super::error::{WireError, WireErrorKind};
use super::framing::{Framing, FramingHeaders};

/// Maximum length of a head: 64 KiB, so that an offset in it fits into 16 bits. Heads of S3 are below 8 KiB.
pub(super) const LIMIT: usize = u16::MAX as usize;

/// Maximum number of headers. S3 sends about 20; user metadata is limited to 2 KiB.
const MOST_HEADERS: usize = 128;

/// The headers of a response, in their order.
#[derive(Debug, Default)]
pub struct ResponseHead {
    text: String,
    fields: Vec<Field>,
}

/// Offsets of a header in the text.
#[derive(Clone, Copy, Debug)]
struct Field {
    name: u16,
    name_len: u16,
    value: u16,
    value_len: u16,
}

impl ResponseHead {
    /// Returns the headers of a response that another HTTP client received; `None` if they exceed 64 KiB.
    #[must_use]
    pub fn from_pairs<'a>(headers: impl Iterator<Item = (&'a str, &'a str)>) -> Option<Self> {
        let mut head = Self::default();
        for (name, value) in headers {
            head.push(name, value)?;
        }
        Some(head)
    }

    /// Returns the first header with this name. Upper and lower case are the same.
    ///
    /// Invalid UTF-8 in a value is replaced by U+FFFD.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Returns names and values, in the order and case in which the server sent them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields
            .iter()
            .map(|field| (&self.text[field.name()], &self.text[field.value()]))
    }

    fn copy(bytes: &[u8], headers: &[Header<'_>]) -> Option<Self> {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Self::copy_lossy(headers);
        };
        let fields = headers.iter().map(|header| Field::of(header, bytes));
        let fields = fields.collect::<Option<_>>()?;
        let text = text.to_owned();
        Some(Self { text, fields })
    }

    /// Copies a head that is not UTF-8. U+FFFD is longer than the byte that it replaces: `None` if the head then
    /// exceeds its limit.
    fn copy_lossy(headers: &[Header<'_>]) -> Option<Self> {
        let mut head = Self::default();
        for header in headers {
            head.push(header.name, &String::from_utf8_lossy(header.value))?;
        }
        Some(head)
    }

    fn push(&mut self, name: &str, value: &str) -> Option<()> {
        let start = self.text.len();
        self.text.push_str(name);
        let middle = self.text.len();
        self.text.push_str(value);
        self.fields
            .push(Field::at(start..middle, middle..self.text.len())?);
        Some(())
    }
}

impl Field {
    fn of(header: &Header<'_>, bytes: &[u8]) -> Option<Self> {
        let place = |part: &[u8]| {
            if part.is_empty() {
                return 0..0;
            }
            let start = part.as_ptr().addr() - bytes.as_ptr().addr();
            start..start + part.len()
        };
        Self::at(place(header.name.as_bytes()), place(header.value))
    }

    fn at(name: Range<usize>, value: Range<usize>) -> Option<Self> {
        Some(Self {
            name: u16::try_from(name.start).ok()?,
            name_len: u16::try_from(name.len()).ok()?,
            value: u16::try_from(value.start).ok()?,
            value_len: u16::try_from(value.len()).ok()?,
        })
    }

    fn name(self) -> Range<usize> {
        usize::from(self.name)..usize::from(self.name) + usize::from(self.name_len)
    }

    fn value(self) -> Range<usize> {
        usize::from(self.value)..usize::from(self.value) + usize::from(self.value_len)
    }
}

/// A parsed head, and the framing of the body that follows.
#[derive(Debug)]
pub(super) struct ParsedHead {
    pub(super) status: u16,
    pub(super) head: ResponseHead,
    pub(super) framing: Framing,
    /// Whether the connection can be used for another request.
    pub(super) keep: bool,
}

impl ParsedHead {
    /// Returns whether another response follows.
    pub(super) fn is_interim(&self) -> bool {
        (100..200).contains(&self.status)
    }
}

/// Returns whether `bytes` may contain a whole head. Its first `searched` bytes do not.
///
/// So a head that arrives in small pieces is not parsed again for each of them.
pub(super) fn may_be_whole(bytes: &[u8], searched: usize) -> bool {
    if searched == 0 {
        return !bytes.is_empty();
    }
    let news = &bytes[searched.saturating_sub(2)..];
    memmem::find(news, b"\n\r\n").is_some() || memmem::find(news, b"\n\n").is_some()
}

/// Parses a head at the front of `bytes`; `None` if it is incomplete.
///
/// A header that HTTP/1.1 does not allow is ignored, so that the request does not fail, unless it may determine where
/// the response ends.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<(usize, ParsedHead)>, WireError> {
    match parse_strictly(bytes) {
        Err(error) if error.kind() == WireErrorKind::Malformed => {
            let Some(size) = head_size(bytes) else {
                // Which header it is, and whether it may be ignored, is known at the end of the head.
                return begins_with_status(bytes).then_some(None).ok_or(error);
            };
            let Some(allowed) = without_odd_headers(&bytes[..size]) else {
                return Err(error);
            };
            let parsed = parse_strictly(&allowed)?;
            Ok(parsed.map(|(_, parsed)| (size, parsed)))
        }
        parsed => parsed,
    }
}

/// Returns the size of a whole head, which ends with the first empty line; `None` if it is incomplete.
fn head_size(bytes: &[u8]) -> Option<usize> {
    let ends = memchr_iter(b'\n', bytes).map(|at| at + 1);
    let mut sizes = ends.filter_map(|end| match &bytes[end..] {
        [b'\n', ..] => Some(end + 1),
        [b'\r', b'\n', ..] => Some(end + 2),
        _ => None,
    });
    sizes.next()
}

/// Returns whether the first line is complete and a status line, so that the malformed line is a header.
fn begins_with_status(bytes: &[u8]) -> bool {
    let Some(end) = memchr(b'\n', bytes) else {
        return false;
    };
    let head = [&bytes[..=end], b"\r\n"].concat();
    matches!(parse_strictly(&head), Ok(Some(_)))
}

/// Returns a whole head without the headers that HTTP/1.1 does not allow. Returns `None` if it has no such headers, or
/// if one may determine where the response ends.
///
/// They are headers with a control character, without a colon, with a space before the colon, and those that continue
/// on the next line.
fn without_odd_headers(head: &[u8]) -> Option<Vec<u8>> {
    let mut kept: Vec<u8> = Vec::with_capacity(head.len());
    // Start of the last header in `kept`.
    let mut last = None;
    for line in head.split_inclusive(|byte| *byte == b'\n') {
        let text = line.trim_ascii_end();
        let is_continued = line.starts_with(b" ") || line.starts_with(b"\t");
        if is_continued {
            // The line continues the header before it, which is removed as well.
            if let Some(begin) = last.take() {
                may_be_left_out(&kept[begin..]).then_some(())?;
                kept.truncate(begin);
            }
        } else if kept.is_empty() || text.is_empty() || is_allowed(text) {
            last = (!kept.is_empty()).then_some(kept.len());
            kept.extend_from_slice(line);
        } else {
            may_be_left_out(text).then_some(())?;
            last = None;
        }
    }
    (kept.len() < head.len()).then_some(kept)
}

fn is_allowed(header: &[u8]) -> bool {
    let has_control = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let name = header
        .split(|byte| *byte == b':')
        .next()
        .unwrap_or_default();
    let is_named = !name.is_empty() && name.len() < header.len() && name.iter().all(is_name);
    is_named && !header.iter().any(has_control)
}

/// Returns whether a header certainly does not determine where the response ends.
fn may_be_left_out(header: &[u8]) -> bool {
    let name = header
        .split(|byte| *byte == b':')
        .next()
        .unwrap_or_default();
    let letters = name.iter().filter(|byte| byte.is_ascii_alphabetic());
    let letters: Vec<u8> = letters.map(u8::to_ascii_lowercase).collect();
    let is_in = |needed: &&str| memmem::find(&letters, needed.as_bytes()).is_some();
    !["contentlength", "transferencoding", "connection"]
        .iter()
        .any(is_in)
}

fn parse_strictly(bytes: &[u8]) -> Result<Option<(usize, ParsedHead)>, WireError> {
    let mut room = [const { MaybeUninit::uninit() }; MOST_HEADERS];
    let mut response = Response::new(&mut []);
    let parsed =
        ParserConfig::default().parse_response_with_uninit_headers(&mut response, bytes, &mut room);
    let size = match parsed {
        Ok(Status::Complete(size)) if size <= LIMIT => size,
        Ok(Status::Complete(_)) => return Err(too_large("the head exceeds 64 KiB")),
        Ok(Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(too_large("more than 128 headers")),
        Err(_) => {
            let begin = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]);
            let text = format!("the response head is not valid HTTP/1.1: {:?}", &*begin);
            return Err(WireError::text(WireErrorKind::Malformed, text));
        }
    };
    let (Some(status @ 100..), Some(version)) = (response.code, response.version) else {
        return Err(WireError::malformed("the status code is below 100"));
    };
    if status == 101 {
        return Err(WireError::malformed(
            "the server switched protocols (101) without a request",
        ));
    }
    let mut clues = FramingHeaders::default();
    let interim = status < 200;
    if !interim {
        for header in response.headers.iter() {
            clues.see(header.name, header.value)?;
        }
    }
    let (framing, keep) = clues.conclude(status, version);
    let head = match interim {
        true => ResponseHead::default(),
        false => ResponseHead::copy(&bytes[..size], response.headers)
            .ok_or_else(|| too_large("the head exceeds 64 KiB"))?,
    };
    let parsed = ParsedHead {
        status,
        head,
        framing,
        keep,
    };
    Ok(Some((size, parsed)))
}

fn too_large(text: &'static str) -> WireError {
    WireError::text(WireErrorKind::TooLarge, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(bytes: &[u8]) -> Option<(usize, ParsedHead)> {
        parse(bytes).unwrap()
    }

    fn rejection(bytes: &[u8]) -> WireErrorKind {
        parse(bytes).unwrap_err().kind()
    }

    #[test]
    fn headers_are_found_in_any_case_and_kept_in_order() {
        let bytes = b"HTTP/1.1 200 OK\r\nETag: \"a\"\r\nX-Amz-Meta-A:  b c \r\netag: second\r\nempty:\r\n\r\nbody";
        let (size, parsed) = parsed(bytes).unwrap();
        assert_eq!(&bytes[size..], b"body");
        assert_eq!(parsed.head.get("etag"), Some("\"a\""));
        assert_eq!(parsed.head.get("x-amz-meta-a"), Some("b c"));
        assert_eq!(parsed.head.get("absent"), None);
        let all: Vec<_> = parsed.head.iter().collect();
        assert_eq!(
            all,
            [
                ("ETag", "\"a\""),
                ("X-Amz-Meta-A", "b c"),
                ("etag", "second"),
                ("empty", "")
            ]
        );
    }

    #[test]
    fn values_that_are_not_utf_8_are_replaced_and_all_others_kept() {
        let (_, parsed) =
            parsed(b"HTTP/1.1 200 OK\r\na: 1\r\nx-amz-meta-b: caf\xe9!\r\nc: \xc3\xa9\r\n\r\n")
                .unwrap();
        let all: Vec<_> = parsed.head.iter().collect();
        assert_eq!(
            all,
            [("a", "1"), ("x-amz-meta-b", "caf\u{fffd}!"), ("c", "é")]
        );
    }

    #[test]
    fn a_header_with_a_control_character_is_ignored() {
        let bytes =
            b"HTTP/1.1 200 OK\r\nx-amz-meta-a: \x01b\r\ncontent-length: 3\r\nc: \0\r\n\r\nabc";
        let (size, parsed) = parsed(bytes).unwrap();
        assert_eq!(&bytes[size..], b"abc");
        let all: Vec<_> = parsed.head.iter().collect();
        assert_eq!(all, [("content-length", "3")]);
        assert_eq!(parsed.framing, Framing::Length(3));
    }

    #[test]
    fn headers_that_are_not_allowed_are_ignored() {
        for odd in [
            "no colon",
            "a: b\r\n folded",
            "a: b\r\n\tfolded\r\n once more",
            "a: \0\r\n folded",
            "name : value",
            ": value",
            "x-amz-meta-\u{e9}: value",
        ] {
            let head = format!("HTTP/1.1 200 OK\r\nb: c\r\n{odd}\r\ncontent-length: 3\r\n\r\n");
            let (size, parsed) = parsed(head.as_bytes()).unwrap();
            assert_eq!(size, head.len());
            let all: Vec<_> = parsed.head.iter().collect();
            assert_eq!(all, [("b", "c"), ("content-length", "3")], "{odd}");
        }
    }

    #[test]
    fn every_beginning_of_a_head_is_incomplete() {
        let bytes = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nb: c\r\n\r\n";
        for end in 0..bytes.len() {
            assert!(parsed(&bytes[..end]).is_none(), "{end}");
            assert!(end == 0 || !may_be_whole(&bytes[..end], 1), "{end}");
        }
        for searched in 0..bytes.len() {
            assert!(may_be_whole(bytes, searched), "{searched}");
        }
    }

    #[test]
    fn every_beginning_of_a_head_with_an_odd_header_is_incomplete() {
        for head in [
            &b"HTTP/1.1 200 OK\r\na: \x01\r\nb: c\r\n\r\n"[..],
            b"HTTP/1.1 200 OK\r\na: b\r\n folded\r\nc\r\n\r\n",
            b"HTTP/1.1 200 OK\na: \x01\nb: c\n\n",
        ] {
            for end in 0..head.len() {
                assert!(parsed(&head[..end]).is_none(), "{end}");
            }
            assert!(parsed(head).is_some());
        }
        // An invalid status line stays invalid.
        for begin in [
            &b"HTTP/1.1 200 \x01"[..],
            b"HTTP/1.1 200 \x01OK\r\na: b\r\n",
            b"GARBAGE",
        ] {
            assert_eq!(rejection(begin), WireErrorKind::Malformed, "{begin:?}");
        }
    }

    #[test]
    fn a_head_with_an_odd_header_ends_with_its_first_empty_line() {
        let head = b"HTTP/1.1 200 OK\na: \x01\ncontent-length: 9\n\n";
        let bytes = [&head[..], b"a\r\n\r\nbody"].concat();
        let (size, parsed) = parsed(&bytes).unwrap();
        assert_eq!((size, parsed.framing), (head.len(), Framing::Length(9)));
    }

    #[test]
    fn invalid_heads_are_rejected() {
        for bytes in [
            &b"GARBAGE\r\n\r\n"[..],
            b"HTTP/1.1 099 No\r\n\r\n",
            b"HTTP/1.1 101 Switching\r\n\r\n",
            b"HTTP/2.0 200 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length 3\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length : 3\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length:\r\n 3\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n , gzip\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length\0: 3\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: \x013\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\x01\r\n\r\n",
            b"HTTP/1.1 200 \x01OK\r\na: b\r\n\r\n",
        ] {
            assert_eq!(rejection(bytes), WireErrorKind::Malformed, "{bytes:?}");
        }
    }

    #[test]
    fn a_head_has_limits() {
        let of = |count: usize| format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(count));
        assert_eq!(
            parsed(of(128).as_bytes()).unwrap().1.head.iter().count(),
            128
        );
        assert_eq!(rejection(of(129).as_bytes()), WireErrorKind::TooLarge);
        let long = format!("HTTP/1.1 200 OK\r\na: {}\r\n\r\n", "b".repeat(LIMIT));
        assert_eq!(rejection(long.as_bytes()), WireErrorKind::TooLarge);
        let mut strange = b"HTTP/1.1 200 OK\r\na: ".to_vec();
        strange.extend_from_slice(&[0xff; 30_000]);
        strange.extend_from_slice(b"\r\nb: c\r\n\r\n");
        assert_eq!(rejection(&strange), WireErrorKind::TooLarge);
    }
}
