//! [`Verifier`]: compares the bytes of a downloaded object with the checksum in the response headers of GetObject.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::checksum_digest::ChecksumDigest;
use crate::{Checksum, ChecksumAlgorithm, ChecksumType};

/// A running checksum and its expected value.
pub(super) struct Verifier {
    digest: ChecksumDigest,
    /// The longest value has 32 bytes; base64 decoding needs one more.
    expected: [u8; 33],
    len: usize,
}

impl Verifier {
    /// Returns a verifier; `None` if the checksum is malformed or not one of the whole object (composite).
    pub(super) fn new(checksum: &Checksum) -> Option<Self> {
        if checksum.checksum_type != ChecksumType::FullObject {
            return None;
        }
        let mut expected = [0; 33];
        let len = STANDARD
            .decode_slice(&*checksum.value, &mut expected)
            .ok()?;
        Some(Self {
            digest: ChecksumDigest::new(checksum.algorithm),
            expected,
            len,
        })
    }

    pub(super) fn algorithm(&self) -> ChecksumAlgorithm {
        self.digest.algorithm()
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.digest.update(bytes);
    }

    /// Returns whether the bytes match the checksum.
    pub(super) fn agrees(self) -> bool {
        let expected = &self.expected[..self.len];
        self.digest.finish(|bytes| bytes == expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checksums of "123456789": the check values of the CRC catalogue, and the output of `sha1sum` and `sha256sum`.
    const SUMS: [(ChecksumAlgorithm, &str); 5] = [
        (ChecksumAlgorithm::Crc32, "cbf43926"),
        (ChecksumAlgorithm::Crc32c, "e3069283"),
        (ChecksumAlgorithm::Crc64Nvme, "ae8b14860a799888"),
        (
            ChecksumAlgorithm::Sha1,
            "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
        ),
        (
            ChecksumAlgorithm::Sha256,
            "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
        ),
    ];

    #[test]
    fn every_algorithm_accepts_its_bytes_and_rejects_others() {
        for (algorithm, hex) in SUMS {
            let value = STANDARD.encode(hex::decode(hex).unwrap());
            let checksum = Checksum::new(algorithm, value);
            for (bytes, agrees) in [("123456789", true), ("123456780", false), ("", false)] {
                let mut verifier = Verifier::new(&checksum).unwrap();
                for piece in bytes.as_bytes().chunks(4) {
                    verifier.update(piece);
                }
                assert_eq!(verifier.agrees(), agrees, "{algorithm:?} of {bytes:?}");
            }
        }
    }

    #[test]
    fn a_malformed_or_composite_checksum_is_not_verified() {
        for value in ["?", "y/Q5Jg==-1"] {
            let checksum = Checksum::new(ChecksumAlgorithm::Crc32, value);
            assert!(Verifier::new(&checksum).is_none());
        }
    }
}
