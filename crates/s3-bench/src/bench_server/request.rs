//! Parser of HTTP request heads for the benchmark server: method, bucket, key, query and the headers it uses.

use std::borrow::Cow;
use std::str;

use percent_encoding::percent_decode_str;

/// Maximum number of headers per request. Generated clients, such as the AWS SDKs, send about twenty.
const HEADERS: usize = 64;

/// The parts of a request head that the benchmark server uses.
#[derive(Clone, Debug, Default)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) bucket: String,
    pub(super) key: String,
    query: Vec<(String, String)>,
    pub(super) content_length: u64,
    pub(super) is_chunked: bool,
    /// The body is `aws-chunked`, with signatures or trailers between the bytes.
    pub(super) is_aws_chunked: bool,
    /// Length of the decoded `aws-chunked` body.
    pub(super) decoded_length: Option<u64>,
    pub(super) expects_continue: bool,
    pub(super) range: Option<String>,
    pub(super) closes: bool,
}

/// The bytes are not an HTTP request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl Request {
    /// Parses the head at the beginning of `bytes` and returns its length; `None` if it is incomplete.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Malformed> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS];
        let mut head = httparse::Request::new(&mut headers);
        let httparse::Status::Complete(len) = head.parse(bytes).map_err(|_| Malformed)? else {
            return Ok(None);
        };
        let mut request = Self {
            method: head.method.unwrap_or_default().to_owned(),
            ..Self::default()
        };
        request.read_target(head.path.unwrap_or_default());
        for header in head.headers.iter() {
            request.read_header(
                header.name,
                str::from_utf8(header.value).unwrap_or_default(),
            );
        }
        Ok(Some((request, len)))
    }

    pub(super) fn has_body(&self) -> bool {
        self.is_chunked || self.content_length > 0
    }

    /// The value of a query parameter; empty if the parameter has no value.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let mut query = self.query.iter();
        query
            .find(|(given, _)| given == name)
            .map(|(_, value)| value.as_str())
    }

    fn read_target(&mut self, target: &str) {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = path.strip_prefix('/').unwrap_or(path);
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        self.bucket = decoded(bucket);
        self.key = decoded(key);
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        self.query = pairs
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                let value = if value.contains('+') {
                    Cow::Owned(value.replace('+', " "))
                } else {
                    Cow::Borrowed(value)
                };
                (name.to_owned(), decoded(&value))
            })
            .collect();
    }

    /// Stores a header that the server uses. The length of the name rules out most headers cheaply.
    fn read_header(&mut self, name: &str, value: &str) {
        let is = |wanted: &str| name.eq_ignore_ascii_case(wanted);
        match name.len() {
            5 if is("range") => self.range = Some(value.to_owned()),
            6 if is("expect") => self.expects_continue = true,
            10 if is("connection") => self.closes = value.eq_ignore_ascii_case("close"),
            14 if is("content-length") => self.content_length = value.parse().unwrap_or(0),
            16 if is("content-encoding") => self.is_aws_chunked |= value.contains("aws-chunked"),
            17 if is("transfer-encoding") => {
                self.is_chunked = value.eq_ignore_ascii_case("chunked");
            }
            20 if is("x-amz-content-sha256") => {
                self.is_aws_chunked |= value.starts_with("STREAMING-");
            }
            28 if is("x-amz-decoded-content-length") => self.decoded_length = value.parse().ok(),
            _ => {}
        }
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_parsed_when_it_is_complete() {
        let head = b"PUT /keep/a%20b/c?uploadId=u%2F1&partNumber=7&x HTTP/1.1\r\nHost: h\r\n\
                     Content-Length: 12\r\nX-Amz-Content-Sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\n\
                     Range: bytes=0-4\r\n\r\nbody";
        for len in 0..head.len() - 4 {
            assert!(Request::parse(&head[..len]).unwrap().is_none(), "{len}");
        }
        let (request, len) = Request::parse(head).unwrap().unwrap();
        assert_eq!(len, head.len() - 4);
        assert_eq!(
            (request.method.as_str(), request.bucket.as_str()),
            ("PUT", "keep")
        );
        assert_eq!(request.key, "a b/c");
        assert_eq!(request.parameter("uploadId"), Some("u/1"));
        assert_eq!(request.parameter("x"), Some(""));
        assert_eq!(request.parameter("prefix"), None);
        assert_eq!(request.content_length, 12);
        assert!(request.is_aws_chunked && !request.is_chunked && !request.closes);
        assert_eq!(request.range.as_deref(), Some("bytes=0-4"));
    }

    #[test]
    fn bytes_that_are_not_http_are_rejected() {
        assert_eq!(
            Request::parse(b"\x16\x03\x01\x02\x00").unwrap_err(),
            Malformed
        );
    }
}
