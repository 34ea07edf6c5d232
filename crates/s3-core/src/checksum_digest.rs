//! [`ChecksumDigest`]: computes a CRC-32, CRC-32C, CRC-64/NVME, SHA-1 or SHA-256 checksum incrementally.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::{Checksum, ChecksumAlgorithm};

/// A checksum computation in progress.
pub(crate) struct ChecksumDigest {
    algorithm: ChecksumAlgorithm,
    sum: Sum,
}

enum Sum {
    Crc(crc_fast::Digest),
    Sha1(Sha1),
    Sha256(Sha256),
}

impl ChecksumDigest {
    /// Returns a digest of no bytes.
    pub(crate) fn new(algorithm: ChecksumAlgorithm) -> Self {
        let sum = match (crc(algorithm), algorithm) {
            (Some(crc), _) => Sum::Crc(crc_fast::Digest::new(crc)),
            (None, ChecksumAlgorithm::Sha1) => Sum::Sha1(Sha1::new()),
            (None, _) => Sum::Sha256(Sha256::new()),
        };
        Self { algorithm, sum }
    }

    #[cfg(feature = "sdk")]
    pub(crate) fn algorithm(&self) -> ChecksumAlgorithm {
        self.algorithm
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match &mut self.sum {
            Sum::Crc(digest) => digest.update(bytes),
            Sum::Sha1(digest) => digest.update(bytes),
            Sum::Sha256(digest) => digest.update(bytes),
        }
    }

    /// Calls `read` with the raw bytes of the checksum.
    pub(crate) fn finish<T>(self, read: impl FnOnce(&[u8]) -> T) -> T {
        match self.sum {
            Sum::Crc(digest) => {
                let bytes = digest.finalize().to_be_bytes();
                // The upper four bytes of a 32-bit CRC are zero.
                match self.algorithm {
                    ChecksumAlgorithm::Crc64Nvme => read(&bytes),
                    _ => read(&bytes[4..]),
                }
            }
            Sum::Sha1(digest) => read(&digest.finalize()),
            Sum::Sha256(digest) => read(&digest.finalize()),
        }
    }

    /// Returns the checksum of all bytes.
    pub(crate) fn checksum(self) -> Checksum {
        let algorithm = self.algorithm;
        self.finish(|bytes| Checksum::new(algorithm, STANDARD.encode(bytes)))
    }
}

/// Returns the CRC of an algorithm; `None` for a hash.
pub(crate) const fn crc(algorithm: ChecksumAlgorithm) -> Option<CrcAlgorithm> {
    match algorithm {
        ChecksumAlgorithm::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
        ChecksumAlgorithm::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
        ChecksumAlgorithm::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
        ChecksumAlgorithm::Sha1 | ChecksumAlgorithm::Sha256 => None,
    }
}
