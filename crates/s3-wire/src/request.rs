//! [`Request`]: method, path, query, headers and body of one S3 request.

use std::sync::atomic::AtomicU64;

use crate::http::{ChecksumTrailer, RequestBody};
use crate::sign::{Headers, PayloadHash, Query};

/// A request, from its method to its body.
///
/// [`SigningKeys::write_head`](crate::sign::SigningKeys::write_head) signs it and writes its head;
/// [`Pool::send`](crate::Pool::send) sends both.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The method, in upper case.
    pub method: &'static str,
    /// The `Host` header, without the port if it is the scheme's default.
    pub host: &'a str,
    /// The path, encoded with [`encode_key`](crate::sign::encode_key); starts with a slash.
    pub path: String,
    /// The query. If it has no pairs, the request has no question mark.
    pub query: Query,
    /// All headers except those that the signer adds: `host`, `x-amz-date`, `x-amz-content-sha256`,
    /// `x-amz-security-token` and `authorization`.
    pub headers: Headers,
    /// The hash of the body, or its replacement, in the signature.
    pub payload_hash: PayloadHash,
    /// The body.
    pub body: RequestBody<'a>,
    /// If set, the body is sent in the chunks of `STREAMING-UNSIGNED-PAYLOAD-TRAILER`, followed by its checksum.
    pub trailer: Option<ChecksumTrailer>,
    /// Counts the bytes that were handed to the operating system, including the head and repeated bytes.
    pub sent_bytes: Option<&'a AtomicU64>,
    /// Whether this thread may block on reading the file of the body. Otherwise tokio's blocking threads read it.
    pub blocking_io: bool,
    /// Whether the request may be sent a second time when an idle connection turns out to be closed before the first
    /// byte of the response.
    pub idempotent: bool,
}

impl<'a> Request<'a> {
    /// Creates an idempotent request without query, headers and body.
    #[must_use]
    pub fn new(method: &'static str, host: &'a str, path: String) -> Self {
        Self {
            method,
            host,
            path,
            query: Query::new(),
            headers: Headers::new(),
            payload_hash: PayloadHash::Empty,
            body: RequestBody::Empty,
            trailer: None,
            sent_bytes: None,
            blocking_io: false,
            idempotent: true,
        }
    }

    /// Returns how many bytes follow the head.
    #[must_use]
    pub fn encoded_len(&self) -> u64 {
        self.body.encoded_len(self.trailer)
    }
}
