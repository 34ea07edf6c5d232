//! [`KeyDecoder`]: URL-decodes listed keys if the server has encoded them (`encoding-type=url`).
//!
//! Pages are requested with this encoding, because XML cannot represent every key. Some servers claim to have encoded
//! the keys and did not, so the keys are checked as well.

use std::borrow::Cow;

use memchr::{memchr_iter, memchr2};

/// Decodes the keys of one page.
#[derive(Debug)]
pub struct KeyDecoder {
    encoded: bool,
}

impl KeyDecoder {
    /// Decides whether the page is encoded: by the encoding that the response claims, and by the keys and prefixes of
    /// the page in `texts`, which all begin with `prefix`.
    pub fn new<'t>(claimed: bool, prefix: &str, mut texts: impl Iterator<Item = &'t str>) -> Self {
        Self {
            encoded: claimed && !texts.any(|text| is_verbatim(text, prefix)),
        }
    }

    /// Returns a key of the page, decoded if the page is encoded.
    ///
    /// # Errors
    ///
    /// The decoded key is not UTF-8.
    pub fn decode<'t>(&self, text: &'t str) -> Result<Cow<'t, str>, &'static str> {
        if !self.encoded || is_plain(text) {
            return Ok(Cow::Borrowed(text));
        }
        let text = decoded(text).ok_or("a key of the listing is not UTF-8")?;
        Ok(Cow::Owned(text))
    }
}

/// Returns whether decoding does not change a text. Without a branch, so that it compares many bytes at once: nearly
/// all keys are plain.
fn is_plain(text: &str) -> bool {
    text.bytes().fold(true, |plain, byte| {
        plain & (byte > b' ') & (byte < 0x7f) & (byte != b'%') & (byte != b'+')
    })
}

/// Returns whether no encoder can have written this text.
fn is_verbatim(text: &str, prefix: &str) -> bool {
    if is_plain(text) {
        return false;
    }
    let bytes = text.as_bytes();
    let bare = bytes.iter().any(|byte| matches!(byte, 0..=b' ' | 0x7f..));
    let mut ascii = true;
    let whole = memchr_iter(b'%', bytes).all(|at| {
        let byte = escaped(&bytes[at..]);
        ascii &= byte.is_none_or(|byte| byte.is_ascii());
        byte.is_some()
    });
    if bare || !whole {
        return true;
    }
    if !text.starts_with(prefix) || (ascii && is_plain(prefix)) {
        // The text after a plain prefix does not change it.
        return false;
    }
    decoded(text).is_none_or(|text| !text.starts_with(prefix))
}

/// Decodes a text as S3 encodes it: a plus is a space, and a real plus is `%2B`.
fn decoded(text: &str) -> Option<String> {
    let mut rest = text.as_bytes();
    let mut plain = Vec::with_capacity(rest.len());
    while let Some(at) = memchr2(b'%', b'+', rest) {
        plain.extend_from_slice(&rest[..at]);
        let (byte, length) = match (rest[at], escaped(&rest[at..])) {
            (b'+', _) => (b' ', 1),
            (_, Some(byte)) => (byte, 3),
            (_, None) => (b'%', 1),
        };
        plain.push(byte);
        rest = &rest[at + length..];
    }
    plain.extend_from_slice(rest);
    String::from_utf8(plain).ok()
}

/// Returns the byte of a `%XX` at the beginning of a text.
fn escaped(text: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = text else {
        return None;
    };
    let digit = |letter: &u8| char::from(*letter).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(prefix: &str, texts: &[&str]) -> Vec<String> {
        let decoder = KeyDecoder::new(true, prefix, texts.iter().copied());
        texts
            .iter()
            .map(|text| decoder.decode(text).unwrap().into_owned())
            .collect()
    }

    #[test]
    fn an_encoded_page_is_decoded() {
        let page = ["a+b", "a%2Bb", "%C3%A9%01", "100%25", "d/e"];
        assert_eq!(decode("", &page), ["a b", "a+b", "é\u{1}", "100%", "d/e"]);
    }

    #[test]
    fn a_page_that_cannot_have_been_encoded_is_taken_as_it_is() {
        for proof in ["a b", "é", "100%", "50%zz", "\u{1}", "%ff"] {
            assert_eq!(decode("", &["a+b", proof]), ["a+b", proof], "{proof}");
        }
        // A key that SeaweedFS lists below `ä+/`.
        assert_eq!(decode("ä+/", &["%C3%A4%2B/c"]), ["ä+/c"]);
        assert_eq!(decode("a+b/", &["a+b/c"]), ["a+b/c"]);
        assert_eq!(decode("a+b/", &["a%2Bb/c"]), ["a+b/c"]);
    }

    #[test]
    fn a_page_that_does_not_claim_to_be_encoded_is_taken_as_it_is() {
        let decoder = KeyDecoder::new(false, "", ["a+b%20"].into_iter());
        assert_eq!(decoder.decode("a+b%20").unwrap(), "a+b%20");
    }

    #[test]
    fn a_key_that_decodes_to_no_text_is_rejected() {
        let decoder = KeyDecoder::new(true, "p/", ["q%ff"].into_iter());
        assert!(decoder.decode("q%ff").is_err());
    }
}
