//! [`RequestBody`]: the body of a request, in memory or in a file, and [`ChecksumTrailer`], the checksum sent after it.

use std::fs::{File, Metadata};
use std::sync::Arc;

use bytes::Bytes;
use crc_fast::CrcAlgorithm;

use super::trailer::trailer_len;

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
        /// Start of the range, in bytes.
        offset: u64,
        /// Length of the range, in bytes.
        len: u64,
        /// Metadata that the file must have. If its size or times differ, the request fails before its last bytes are
        /// sent.
        version: Option<&'a Arc<Metadata>>,
    },
}

/// A checksum that is computed while the body is sent, and follows it as a trailing header.
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

    /// Returns how many bytes are sent for the body and its trailer.
    pub(crate) fn encoded_len(&self, trailer: Option<ChecksumTrailer>) -> u64 {
        match trailer {
            Some(trailer) => trailer_len(self.len(), trailer),
            None => self.len(),
        }
    }
}
