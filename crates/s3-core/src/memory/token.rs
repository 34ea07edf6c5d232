//! Continuation tokens: where a page of a listing ended.

use super::digest::hex;

/// The last entry of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// An object: go on behind its key.
    Object(String),
    /// Keys that were rolled up: go on behind all that begin so.
    Prefix(String),
}

impl Token {
    /// Returns the token as text that means nothing to a client and survives URLs and XML.
    pub(super) fn encode(&self) -> String {
        match self {
            Self::Object(key) => format!("k{}", hex(key.as_bytes())),
            Self::Prefix(prefix) => format!("p{}", hex(prefix.as_bytes())),
        }
    }

    /// Returns what [`encode`](Self::encode) was given.
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
    fn a_token_comes_back_as_it_was() {
        for token in [
            Token::Object("a\n/é".to_owned()),
            Token::Prefix("a/".to_owned()),
        ] {
            assert_eq!(Token::decode(&token.encode()), Some(token));
        }
    }

    #[test]
    fn other_text_is_no_token() {
        for text in ["", "k", "p", "x61", "kzz", "kff", "ké"] {
            assert_eq!(Token::decode(text), None, "{text:?}");
        }
    }
}
