//! `SigningKeys::write_head`: signs a request and writes its head, with the [`PayloadHash`] of its body.

use sha2::{Digest, Sha256};

use super::amz_date::AmzDate;
use super::canonical::{self, EMPTY_PAYLOAD};
use super::signing_key::SigningKeys;
use crate::{Credentials, Request};

/// The value of `x-amz-content-sha256`: the body's part of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadHash {
    /// The request has no body, and the signature says so.
    Empty,
    /// The body has this SHA-256.
    Sha256([u8; 32]),
    /// The body is not signed (`UNSIGNED-PAYLOAD`), such as over TLS.
    Unsigned,
    /// The body is sent in unsigned chunks, with a checksum in a trailer.
    StreamingTrailer,
}

impl PayloadHash {
    /// Appends the value of `x-amz-content-sha256`.
    pub(super) fn write(self, out: &mut Vec<u8>) {
        let text: &[u8] = match self {
            Self::Empty => EMPTY_PAYLOAD,
            Self::Unsigned => b"UNSIGNED-PAYLOAD",
            Self::StreamingTrailer => b"STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            Self::Sha256(digest) => return canonical::write_hex(&digest, out),
        };
        out.extend_from_slice(text);
    }
}

/// Error for a path or a host that would end the request line or its header. Keys are encoded before, and hosts of
/// endpoints have no spaces, so it should not occur; nothing is sent if it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the path or the host of a request contains invalid characters")]
pub struct NotEncoded;

impl SigningKeys {
    /// Appends the request's head to `out`: request line, headers, signature, blank line.
    ///
    /// Signs everything in the request that is not marked as unsigned. More than half of the time goes to SHA-256,
    /// over ten blocks for a ranged GET; a session token of 1 KiB doubles it. See docs/TUNING.md.
    ///
    /// # Errors
    ///
    /// The path is not encoded. Nothing is appended then.
    pub fn write_head(
        &self,
        request: &Request<'_>,
        credentials: &Credentials,
        region: &str,
        now: std::time::SystemTime,
        out: &mut Vec<u8>,
    ) -> Result<(), NotEncoded> {
        if !(request.path.starts_with('/') && is_graphic(&request.path) && is_graphic(request.host))
        {
            return Err(NotEncoded);
        }
        let date = AmzDate::new(now);
        if credentials.is_anonymous() {
            canonical::write_headers(request, None, &date, out);
            out.extend_from_slice(b"\r\n");
            return Ok(());
        }
        let start = out.len();
        out.reserve(estimate(request, credentials));
        // The texts that are hashed are written where the head will be, because that capacity is needed anyway.
        let digest = {
            canonical::write_request(request, credentials.token(), &date, out);
            Sha256::digest(&out[start..])
        };
        out.truncate(start);
        canonical::write_string_to_sign(&date, region, &digest.into(), out);
        let signature = self.sign(credentials, &date, region, &out[start..]);
        out.truncate(start);
        canonical::write_head(request, credentials, region, &date, &signature, out);
        Ok(())
    }
}

/// Returns whether a text is visible ASCII only. No early exit, so that the compiler can compare many bytes at once.
fn is_graphic(text: &str) -> bool {
    let graphic = |all: bool, byte: u8| all & byte.is_ascii_graphic();
    text.bytes().fold(true, graphic)
}

fn estimate(request: &Request<'_>, credentials: &Credentials) -> usize {
    // The authorization line is about 300 bytes, the signer's own headers 200.
    let token = credentials.token().map_or(0, |token| token.len() + 32);
    640 + request.path.len()
        + request.query.as_str().len()
        + request.host.len()
        + request.headers.size()
        + token
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_would_end_the_request_line_is_not_signed() {
        let credentials = Credentials::new("access", "secret", None).unwrap();
        for (path, host) in [
            ("", "host"),
            ("bucket/key", "host"),
            ("/a b", "host"),
            ("/a\r\nx: y", "host"),
            ("/\u{e9}", "host"),
            ("/\u{7f}", "host"),
            ("/key", "host\r\nx: y"),
        ] {
            let request = Request::new("GET", host, path.to_owned());
            let mut out = b"kept".to_vec();
            let now = std::time::UNIX_EPOCH;
            let outcome =
                SigningKeys::default().write_head(&request, &credentials, "r", now, &mut out);
            assert_eq!(
                (outcome, &*out),
                (Err(NotEncoded), &b"kept"[..]),
                "{path:?}"
            );
        }
    }

    #[test]
    fn an_anonymous_request_has_all_headers_but_the_signature() {
        let now = std::time::UNIX_EPOCH;
        let head = |credentials: &Credentials| {
            let mut request = Request::new("GET", "host", "/b/k".to_owned());
            request.headers.push("range", "bytes=0-1").unwrap();
            let mut out = Vec::new();
            let keys = SigningKeys::default();
            keys.write_head(&request, credentials, "r", now, &mut out)
                .unwrap();
            String::from_utf8(out).unwrap()
        };
        let signed = head(&Credentials::new("access", "secret", None).unwrap());
        let (headers, authorization) = signed.split_once("authorization: ").unwrap();
        assert!(!authorization.trim_end().contains("\r\n"), "{signed}");
        assert_eq!(head(&Credentials::anonymous()), format!("{headers}\r\n"));
    }
}
