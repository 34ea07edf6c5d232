//! Encodes a request body as `aws-chunked`: unsigned chunks, followed by a checksum as a trailing header.
//!
//! ```text
//! 80000\r\n <524288 bytes> \r\n 2a\r\n <42 bytes> \r\n 0\r\n x-amz-checksum-crc32:AAAAAA==\r\n \r\n
//! ```

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crc_fast::{CrcAlgorithm, Digest};

use super::request_body::ChecksumTrailer;

/// Size of a chunk, and of one read of a file.
///
/// 256 KiB: stays in a core's second-level cache between checksum and socket (see docs/TUNING.md), far over S3's
/// minimum of 8 KiB per chunk and far below the 16 MiB that some servers reject.
pub(super) const CHUNK: usize = 256 << 10;

/// Returns the exact length of a body of `body_len` bytes in chunks, followed by its checksum.
#[must_use]
pub fn trailer_len(body_len: u64, trailer: ChecksumTrailer) -> u64 {
    let full = CHUNK as u64;
    let chunk = |len: u64| match len {
        0 => 0,
        len => hex_digits(len) + 2 + len + 2,
    };
    let line = trailer.name.len() + 1 + digest_len(trailer.algorithm).div_ceil(3) * 4 + 2;
    (body_len / full) * chunk(full) + chunk(body_len % full) + 3 + line as u64 + 2
}

fn hex_digits(value: u64) -> u64 {
    u64::from((64 - value.leading_zeros()).div_ceil(4).max(1))
}

/// Returns the size of a checksum in bytes: 8 for CRC64, 4 for the other algorithms.
fn digest_len(algorithm: CrcAlgorithm) -> usize {
    match algorithm {
        CrcAlgorithm::Crc64Nvme => 8,
        _ => 4,
    }
}

/// Writes the chunk headers around a body, and the checksum after it.
pub(super) struct ChunkFramer {
    digest: Digest,
    trailer: ChecksumTrailer,
    /// Whether a chunk is open, so that its line break must still be written.
    open: bool,
}

impl ChunkFramer {
    pub(super) fn new(trailer: ChecksumTrailer) -> Self {
        Self {
            digest: Digest::new(trailer.algorithm),
            trailer,
            open: false,
        }
    }

    /// Writes the header of a chunk of `len` bytes; `len` must not be 0.
    pub(super) fn before(&mut self, out: &mut Vec<u8>, len: usize) {
        self.end_chunk(out);
        write!(out, "{len:x}\r\n").expect("memory takes every write");
        self.open = true;
    }

    /// Adds bytes of the body to the checksum.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.digest.update(bytes);
    }

    /// Writes the end of the last chunk, the last-chunk line and the trailer.
    pub(super) fn after(&mut self, out: &mut Vec<u8>) {
        self.end_chunk(out);
        let value = self.digest.finalize().to_be_bytes();
        let value = STANDARD.encode(&value[8 - digest_len(self.trailer.algorithm)..]);
        write!(out, "0\r\n{}:{value}\r\n\r\n", self.trailer.name)
            .expect("memory takes every write");
    }

    fn end_chunk(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.open) {
            out.extend_from_slice(b"\r\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(payload: &[u8], algorithm: CrcAlgorithm, name: &'static str) -> Vec<u8> {
        let mut trailer = ChunkFramer::new(ChecksumTrailer { algorithm, name });
        let mut out = Vec::new();
        for piece in payload.chunks(CHUNK) {
            trailer.before(&mut out, piece.len());
            trailer.update(piece);
            out.extend_from_slice(piece);
        }
        trailer.after(&mut out);
        out
    }

    #[test]
    fn a_small_payload_is_one_chunk_and_its_checksum() {
        let crc32 = encoded(
            b"123456789",
            CrcAlgorithm::Crc32IsoHdlc,
            "x-amz-checksum-crc32",
        );
        assert_eq!(
            String::from_utf8(crc32).unwrap(),
            "9\r\n123456789\r\n0\r\nx-amz-checksum-crc32:y/Q5Jg==\r\n\r\n"
        );
        let nvme = encoded(
            b"123456789",
            CrcAlgorithm::Crc64Nvme,
            "x-amz-checksum-crc64nvme",
        );
        assert_eq!(
            String::from_utf8(nvme).unwrap(),
            "9\r\n123456789\r\n0\r\nx-amz-checksum-crc64nvme:rosUhgp5mIg=\r\n\r\n"
        );
        assert_eq!(
            encoded(b"", CrcAlgorithm::Crc32Iscsi, "x-amz-checksum-crc32c"),
            b"0\r\nx-amz-checksum-crc32c:AAAAAA==\r\n\r\n"
        );
    }

    #[test]
    fn the_length_is_known_before() {
        let sizes = [
            0,
            1,
            15,
            16,
            255,
            256,
            65_535,
            CHUNK - 1,
            CHUNK,
            CHUNK + 1,
            2 * CHUNK,
            3 * CHUNK + 17,
        ];
        for (algorithm, name) in [
            (CrcAlgorithm::Crc32IsoHdlc, "x-amz-checksum-crc32"),
            (CrcAlgorithm::Crc32Iscsi, "x-amz-checksum-crc32c"),
            (CrcAlgorithm::Crc64Nvme, "x-amz-checksum-crc64nvme"),
        ] {
            for size in sizes {
                let sent = encoded(&vec![7; size], algorithm, name);
                assert_eq!(
                    trailer_len(size as u64, ChecksumTrailer { algorithm, name }),
                    sent.len() as u64,
                    "{size}"
                );
            }
        }
    }
}
