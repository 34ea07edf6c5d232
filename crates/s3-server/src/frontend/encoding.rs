//! Encodes the keys (`encoding-type=url`) and continuation tokens of listing responses.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::EncodingType;
use s3s::{S3Result, s3_error};

/// The characters that are not encoded; AWS does not encode slashes.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// The encoding of keys, prefixes and delimiters in a response.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyEncoding {
    is_url: bool,
}

impl KeyEncoding {
    pub(super) fn new(encoding: Option<&EncodingType>) -> S3Result<Self> {
        match encoding.map(EncodingType::as_str) {
            None => Ok(Self { is_url: false }),
            Some(EncodingType::URL) => Ok(Self { is_url: true }),
            Some(_) => Err(s3_error!(
                InvalidArgument,
                "Invalid Encoding Method specified in Request"
            )),
        }
    }

    pub(super) fn written(self, key: &str) -> String {
        if self.is_url {
            utf8_percent_encode(key, ENCODED).to_string()
        } else {
            key.to_owned()
        }
    }
}

/// Encodes a store's continuation token for XML and query strings.
pub(super) fn wire_token(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(token)
}

/// Decodes the output of [`wire_token`].
pub(super) fn store_token(wire: &str) -> S3Result<String> {
    let bytes = URL_SAFE_NO_PAD.decode(wire).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| {
            s3_error!(
                InvalidArgument,
                "The continuation token provided is incorrect"
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_encoded_on_request() {
        let plain = KeyEncoding::new(None).unwrap();
        let url = KeyEncoding::new(Some(&EncodingType::from_static("url"))).unwrap();
        assert_eq!(plain.written("a b/\u{e9}"), "a b/\u{e9}");
        assert_eq!(url.written("a b/\u{e9}+\u{1}~"), "a%20b/%C3%A9%2B%01~");
    }

    #[test]
    fn tokens_round_trip_and_others_are_rejected() {
        assert_eq!(store_token(&wire_token("key\u{1}")).unwrap(), "key\u{1}");
        assert_eq!(
            store_token("!").unwrap_err().code().as_str(),
            "InvalidArgument"
        );
    }
}
