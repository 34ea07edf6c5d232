//! A request whose head is already written, and the body that follows it.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bytes::Bytes;
use crc_fast::CrcAlgorithm;

use super::trailer::trailer_len;

/// A request that is ready to be sent: a signed head and a body that can be read again.
#[derive(Clone, Copy, Debug)]
pub struct OutgoingRequest<'a> {
    /// The request line, all headers (`Host` and `Content-Length` included) and the blank line.
    ///
    /// With `expect: 100-continue` among the headers (in lower case), the body is held back until the server asks
    /// for it, for at most one second.
    pub head: &'a [u8],
    /// The bytes that follow the head.
    pub body: RequestBody<'a>,
    /// Sends the body in the chunks of `STREAMING-UNSIGNED-PAYLOAD-TRAILER`, followed by its checksum.
    pub trailer: Option<ChecksumTrailer>,
    /// Counts the bytes that were handed to the operating system, the head and repeated bytes included.
    pub sent_bytes: Option<&'a AtomicU64>,
    /// Whether this thread may block on reading the file of the body. Otherwise tokio's blocking threads read it.
    pub blocking_io: bool,
    /// Whether the response has a body: `false` for HEAD.
    pub response_has_body: bool,
    /// Whether the request may be sent a second time when an idle connection turns out to be closed before the first
    /// byte of the response.
    pub idempotent: bool,
}

/// The body of a request, as plain data.
#[derive(Clone, Copy, Debug)]
pub enum RequestBody<'a> {
    /// No body.
    Empty,
    /// Buffers that are sent one after the other.
    Chunks(&'a [Bytes]),
    /// A range of a file, read by position: the file's cursor is neither used nor moved.
    File {
        /// The file.
        file: &'a Arc<File>,
        /// Where the range starts.
        offset: u64,
        /// How many bytes it has.
        len: u64,
    },
}

/// The checksum that is computed while a body is sent and that follows it as a trailing header.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChecksumTrailer {
    /// The checksum's algorithm.
    pub algorithm: CrcAlgorithm,
    /// The name of the trailing header, such as `x-amz-checksum-crc64nvme`.
    pub name: &'static str,
}

impl RequestBody<'_> {
    /// Returns the length in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Chunks(chunks) => chunks.iter().map(|chunk| chunk.len() as u64).sum(),
            Self::File { len, .. } => *len,
        }
    }

    /// Returns whether the body has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl OutgoingRequest<'_> {
    /// Returns how many bytes follow the head.
    pub(super) fn encoded_len(&self) -> u64 {
        match self.trailer {
            Some(trailer) => trailer_len(self.body.len(), trailer),
            None => self.body.len(),
        }
    }
}
