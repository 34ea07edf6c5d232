//! Percent-encoding of keys and queries: all but RFC 3986's unreserved characters; keys also keep their slashes.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Characters that are encoded in a query: all but `A-Z a-z 0-9 - . _ ~`.
const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Characters that are encoded in a path: as in a query, but slashes are kept.
const IN_PATH: &AsciiSet = &IN_QUERY.remove(b'/');

/// Appends a key to a path: encoded once, as UTF-8, with upper-case hexadecimal digits. It is never normalised: `//`,
/// `.` and `..` stay as they are.
pub fn encode_key(key: &str, path: &mut String) {
    path.extend(utf8_percent_encode(key, IN_PATH));
}

/// Appends the name or the value of a query parameter.
pub(super) fn encode_query(text: &str, query: &mut String) {
    query.extend(utf8_percent_encode(text, IN_QUERY));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(key: &str) -> String {
        let mut path = String::new();
        encode_key(key, &mut path);
        path
    }

    #[test]
    fn every_ascii_character_is_kept_or_encoded_by_the_rule() {
        for byte in 0..128u8 {
            let text = char::from(byte).to_string();
            let encoded = format!("%{byte:02X}");
            let unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            let kept = |kept: bool| if kept { &text } else { &encoded };
            assert_eq!(&path(&text), kept(unreserved || byte == b'/'));
            let mut query = String::new();
            encode_query(&text, &mut query);
            assert_eq!(&query, kept(unreserved));
        }
    }

    #[test]
    fn keys_are_encoded_once_and_never_normalised() {
        for (key, encoded) in [
            ("", ""),
            ("/", "/"),
            ("a//b/./../c/", "a//b/./../c/"),
            ("ሴ", "%E1%88%B4"),
            ("a b+c%20", "a%20b%2Bc%2520"),
            ("😀\u{7f}\n", "%F0%9F%98%80%7F%0A"),
        ] {
            assert_eq!(path(key), encoded);
        }
    }
}
