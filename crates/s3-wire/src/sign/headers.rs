//! [`Headers`]: validates the headers of a request, and sorts those to sign as Signature Version 4 requires.

use std::fmt;

/// Headers whose values the signer writes, in the order of their names.
const OWN: [(&str, Value); 4] = [
    ("host", Value::Host),
    ("x-amz-content-sha256", Value::ContentHash),
    ("x-amz-date", Value::Date),
    ("x-amz-security-token", Value::Token),
];

/// Headers in any order, some of them chosen by users. Names and values are checked when they are added, so that they
/// can be written into a head unchanged.
///
/// Names become lower case, and spaces and tabs around values are removed, as servers do anyway. A name may occur more
/// than once; its values are signed and sent in the order in which they were added.
#[derive(Clone)]
pub struct Headers {
    /// Names and values of the signed headers, one after the other.
    text: String,
    /// Sorted by name; values of the same name keep their order. The signer's own headers have entries from the
    /// beginning, so that signing sorts and compares nothing.
    signed: Vec<HeaderEntry>,
    /// Unsigned headers, as they are written into the head.
    unsigned: String,
}

#[derive(Clone, Copy)]
struct HeaderEntry {
    /// Offset of the name in the text.
    name: usize,
    /// Offset of the end of the name, where the value begins.
    value: usize,
    end: usize,
    kind: Value,
    /// Whether the header before has the same name.
    repeats: bool,
}

/// The source of a header's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Set by the caller, and signed as it is.
    Plain,
    /// Set by the caller; contains two spaces in a row, which count as one in a signature.
    WithRuns,
    Host,
    ContentHash,
    Date,
    Token,
}

/// A header that is signed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signed<'a> {
    pub(super) name: &'a str,
    pub(super) kind: Value,
    /// The caller's value; empty for headers that the signer writes.
    pub(super) value: &'a str,
    /// Whether the header before has the same name.
    pub(super) repeats: bool,
}

/// Error for a header that cannot be sent. Its text contains the name and the reason, but not the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the header {name:?} {problem}")]
pub struct HeaderError {
    name: String,
    problem: &'static str,
}

impl Headers {
    /// Returns an empty list with capacity for most requests.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a header that is signed.
    ///
    /// # Errors
    ///
    /// The name or the value contains a character that HTTP does not allow there, such as a line break, or the name is
    /// one that the signer writes itself.
    pub fn push(&mut self, name: &str, value: &str) -> Result<(), HeaderError> {
        self.push_joined("", name, value)
    }

    /// Adds a signed header with a name of two parts, such as `x-amz-meta-` and a user's name.
    ///
    /// # Errors
    ///
    /// As for [`Headers::push`].
    pub fn push_joined(
        &mut self,
        prefix: &str,
        name: &str,
        value: &str,
    ) -> Result<(), HeaderError> {
        let start = self.text.len();
        self.text.push_str(prefix);
        self.text.push_str(name);
        let name_end = self.text.len();
        self.text[start..].make_ascii_lowercase();
        let value = checked(&self.text[start..], value).inspect_err(|_| self.text.truncate(start));
        let (value, kind) = value?;
        self.text.push_str(value);
        self.insert(HeaderEntry {
            name: start,
            value: name_end,
            end: self.text.len(),
            kind,
            repeats: false,
        });
        Ok(())
    }

    /// Adds a signed header with a formatted value, such as a number or a range.
    ///
    /// # Errors
    ///
    /// As for [`Headers::push`].
    pub fn push_formatted(
        &mut self,
        name: &'static str,
        value: fmt::Arguments<'_>,
    ) -> Result<(), HeaderError> {
        match value.as_str() {
            Some(value) => self.push(name, value),
            None => self.push(name, &value.to_string()),
        }
    }

    /// Adds a header that is sent without being signed, such as `content-length` or `user-agent`. S3 requires a
    /// signature for `content-type`, `content-md5` and everything that begins with `x-amz-`.
    ///
    /// # Errors
    ///
    /// As for [`Headers::push`].
    pub fn push_unsigned(&mut self, name: &str, value: &str) -> Result<(), HeaderError> {
        let (value, _) = checked(name, value)?;
        self.unsigned.reserve(96);
        for part in [name, ": ", value, "\r\n"] {
            self.unsigned.push_str(part);
        }
        Ok(())
    }

    /// Returns the headers that were added: the signed ones sorted by name, then the others.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let added = |header: &Signed<'_>| matches!(header.kind, Value::Plain | Value::WithRuns);
        let signed = self.signed().filter(added);
        let unsigned = self.unsigned.split_terminator("\r\n");
        signed
            .map(|header| (header.name, header.value))
            .chain(unsigned.filter_map(|line| line.split_once(": ")))
    }

    /// Returns the signed headers, sorted by name. They include the signer's own, and the one of the session token even
    /// if there is no token.
    pub(super) fn signed(&self) -> impl Iterator<Item = Signed<'_>> {
        self.signed.iter().map(|entry| Signed {
            name: &self.text[entry.name..entry.value],
            value: &self.text[entry.value..entry.end],
            kind: entry.kind,
            repeats: entry.repeats,
        })
    }

    /// Returns the lines of the unsigned headers, each with its line break.
    pub(super) fn unsigned(&self) -> &str {
        &self.unsigned
    }

    /// Returns the approximate number of bytes that all headers take in a head.
    pub(super) fn size(&self) -> usize {
        self.text.len() + 4 * self.signed.len() + self.unsigned.len()
    }

    /// Inserts an entry after all entries whose names are not greater. An entry that comes in order costs one
    /// comparison.
    fn insert(&mut self, mut entry: HeaderEntry) {
        let name = |entry: &HeaderEntry| &self.text[entry.name..entry.value];
        let behind = |own: &HeaderEntry| name(own) <= name(&entry);
        let before = self.signed.iter().rposition(behind);
        entry.repeats = before.is_some_and(|at| name(&self.signed[at]) == name(&entry));
        self.signed.insert(before.map_or(0, |at| at + 1), entry);
    }
}

impl Default for Headers {
    fn default() -> Self {
        let mut headers = Self {
            text: String::with_capacity(256),
            signed: Vec::with_capacity(8),
            unsigned: String::new(),
        };
        for (name, kind) in OWN {
            let start = headers.text.len();
            headers.text.push_str(name);
            let end = headers.text.len();
            headers.signed.push(HeaderEntry {
                name: start,
                value: end,
                end,
                kind,
                repeats: false,
            });
        }
        headers
    }
}

/// Shows names only, because values may be encryption keys.
impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.iter().map(|(name, _)| name);
        f.debug_set().entries(names).finish_non_exhaustive()
    }
}

/// Returns the value to send, and how it is signed. The name must be in lower case.
fn checked<'v>(name: &str, value: &'v str) -> Result<(&'v str, Value), HeaderError> {
    let value = value.trim_matches([' ', '\t']);
    let (mut has_control, mut has_runs, mut previous) = (false, false, 0);
    for byte in value.bytes() {
        has_control |= is_control(byte);
        has_runs |= byte == b' ' && previous == b' ';
        previous = byte;
    }
    let problem = if name.is_empty() || !name.bytes().all(is_token) {
        "has a name that HTTP does not allow"
    } else if is_reserved(name) {
        "is not for callers to set"
    } else if has_control {
        "has a control character, such as a line break, in its value"
    } else {
        let kind = if has_runs {
            Value::WithRuns
        } else {
            Value::Plain
        };
        return Ok((value, kind));
    };
    Err(HeaderError {
        name: name.to_owned(),
        problem,
    })
}

/// Returns whether callers must not set a header: the signer writes it, or it determines where the body ends without
/// being covered by the signature.
fn is_reserved(name: &str) -> bool {
    let own = |(own, _): &(&str, Value)| *own == name;
    name == "authorization" || name == "transfer-encoding" || OWN.iter().any(own)
}

/// Returns whether a byte is a `tchar` of RFC 9110, except for upper-case letters.
fn is_token(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.')
        || b"!#$%&'*+^`|~".contains(&byte)
}

fn is_control(byte: u8) -> bool {
    (byte < b' ' && byte != b'\t') || byte == 0x7f
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_sorted_by_lower_case_names_and_keep_the_order_of_their_values() {
        let mut headers = Headers::new();
        for (name, value) in [
            ("x-amz-meta-b", "1"),
            ("Range", " bytes=0-1\t"),
            ("X-Amz-Meta-B", "2"),
            ("x-amz-meta", ""),
            ("x-amz-meta-B", "0"),
            ("content-type", "ä \u{80}"),
        ] {
            headers.push(name, value).unwrap();
        }
        headers.push_joined("x-amz-meta-", "A", "a  b").unwrap();
        headers
            .push_formatted("if-match", format_args!("\"{}\"", 7))
            .unwrap();
        let found: Vec<_> = headers
            .signed()
            .map(|header| (header.name, header.value, header.kind, header.repeats))
            .collect();
        assert_eq!(
            found,
            [
                ("content-type", "ä \u{80}", Value::Plain, false),
                ("host", "", Value::Host, false),
                ("if-match", "\"7\"", Value::Plain, false),
                ("range", "bytes=0-1", Value::Plain, false),
                ("x-amz-content-sha256", "", Value::ContentHash, false),
                ("x-amz-date", "", Value::Date, false),
                ("x-amz-meta", "", Value::Plain, false),
                ("x-amz-meta-a", "a  b", Value::WithRuns, false),
                ("x-amz-meta-b", "1", Value::Plain, false),
                ("x-amz-meta-b", "2", Value::Plain, true),
                ("x-amz-meta-b", "0", Value::Plain, true),
                ("x-amz-security-token", "", Value::Token, false),
            ]
        );
    }

    #[test]
    fn invalid_headers_are_rejected_and_not_added() {
        for (name, value) in [
            ("", "a"),
            ("a b", "a"),
            ("a:", "a"),
            ("ä", "a"),
            ("a\r\nb", "a"),
            ("a", "a\r"),
            ("a", "a\nb: c"),
            ("a", "\0"),
            ("a", "\u{7f}"),
            ("Host", "elsewhere"),
            ("X-Amz-Date", "20130524T000000Z"),
            ("transfer-encoding", "chunked"),
        ] {
            let mut headers = Headers::new();
            let error = headers.push(name, value).unwrap_err();
            assert!(!error.to_string().contains('\n'), "{error}");
            let lower = name.to_ascii_lowercase();
            assert!(headers.push_unsigned(&lower, value).is_err(), "{name:?}");
            assert_eq!(headers.signed().count(), OWN.len());
            assert_eq!(headers.size(), Headers::new().size());
        }
    }

    #[test]
    fn debug_and_errors_hold_no_values() {
        let mut headers = Headers::new();
        headers.push("x-amz-a", "hunter2").unwrap();
        let error = headers.push("x-amz-b", "hunter2\n").unwrap_err();
        for text in [format!("{headers:?}"), error.to_string()] {
            assert!(
                text.contains("x-amz") && !text.contains("hunter2"),
                "{text}"
            );
        }
    }
}
