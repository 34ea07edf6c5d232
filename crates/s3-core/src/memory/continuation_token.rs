//! Encodes and decodes the continuation tokens of the in-memory store, which contain the last entry of a page.

use super::etag::hex;

/// The last entry of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ContinuationToken {
    /// An object: continue after its key.
    Object(String),
    /// A rolled-up prefix: continue after all keys with it.
    Prefix(String),
}

impl ContinuationToken {
    /// Encodes the token as opaque text that is safe in URLs and XML.
    pub(super) fn encode(&self) -> String {
        match self {
            Self::Object(key) => format!("k{}", hex(key.as_bytes())),
            Self::Prefix(prefix) => format!("p{}", hex(prefix.as_bytes())),
        }
    }

    /// Decodes the output of [`encode`](Self::encode).
    pub(super) fn decode(text: &str) -> Option<Self> {
        if let Some(digits) = text.strip_prefix('k') {
            return from_hex(digits).map(Self::Object);
        }
        from_hex(text.strip_prefix('p')?).map(Self::Prefix)
    }
}

fn from_hex(digits: &str) -> Option<String> {
    let bytes: Option<Vec<u8>> = digits
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect();
    String::from_utf8(bytes?)
        .ok()
        .filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_encoding_and_decoding() {
        for token in [
            ContinuationToken::Object("a\n/é".to_owned()),
            ContinuationToken::Prefix("a/".to_owned()),
        ] {
            assert_eq!(ContinuationToken::decode(&token.encode()), Some(token));
        }
    }

    #[test]
    fn other_text_does_not_decode() {
        for text in ["", "k", "p", "x61", "kzz", "kff", "ké"] {
            assert_eq!(ContinuationToken::decode(text), None, "{text:?}");
        }
    }
}
