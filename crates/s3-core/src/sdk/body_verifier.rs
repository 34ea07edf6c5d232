//! Compares a whole object with the checksum of its response.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::{Checksum, ChecksumAlgorithm};

/// A checksum that is computed while the bytes pass, and what it has to be.
pub(super) struct Verifier {
    sum: Sum,
    /// The longest has 32 bytes; the buffer has the one more that base64 wants.
    expected: [u8; 33],
    len: usize,
    algorithm: ChecksumAlgorithm,
}

enum Sum {
    Crc(crc_fast::Digest),
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Verifier {
    /// Begins with no bytes; `None` if what came is no checksum.
    pub(super) fn new(checksum: &Checksum) -> Option<Self> {
        let mut expected = [0; 33];
        let len = STANDARD
            .decode_slice(&*checksum.value, &mut expected)
            .ok()?;
        let crc = |kind| Sum::Crc(crc_fast::Digest::new(kind));
        let sum = match checksum.algorithm {
            ChecksumAlgorithm::Crc32 => crc(CrcAlgorithm::Crc32IsoHdlc),
            ChecksumAlgorithm::Crc32c => crc(CrcAlgorithm::Crc32Iscsi),
            ChecksumAlgorithm::Crc64Nvme => crc(CrcAlgorithm::Crc64Nvme),
            ChecksumAlgorithm::Sha1 => Sum::Sha1(Sha1::new()),
            ChecksumAlgorithm::Sha256 => Sum::Sha256(Sha256::new()),
        };
        let algorithm = checksum.algorithm;
        Some(Self {
            sum,
            expected,
            len,
            algorithm,
        })
    }

    pub(super) fn algorithm(&self) -> ChecksumAlgorithm {
        self.algorithm
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match &mut self.sum {
            Sum::Crc(digest) => digest.update(bytes),
            Sum::Sha1(digest) => digest.update(bytes),
            Sum::Sha256(digest) => digest.update(bytes),
        }
    }

    /// Returns whether the bytes have the checksum.
    pub(super) fn agrees(self) -> bool {
        let expected = &self.expected[..self.len];
        match self.sum {
            Sum::Crc(digest) if self.algorithm == ChecksumAlgorithm::Crc64Nvme => {
                digest.finalize().to_be_bytes() == expected
            }
            // The upper half of a CRC of 32 bits is empty.
            Sum::Crc(digest) => digest.finalize().to_be_bytes()[4..] == *expected,
            Sum::Sha1(digest) => digest.finalize()[..] == *expected,
            Sum::Sha256(digest) => digest.finalize()[..] == *expected,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of "123456789": the check values of the catalogue of CRCs, and what `sha1sum` and `sha256sum` say.
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
    fn every_kind_agrees_with_its_bytes_and_with_no_others() {
        for (algorithm, hex) in SUMS {
            let value = STANDARD.encode(hex::decode(hex).unwrap()).into();
            let checksum = Checksum { algorithm, value };
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
    fn what_is_no_checksum_is_compared_with_nothing() {
        let checksum = Checksum {
            algorithm: ChecksumAlgorithm::Crc32,
            value: "?".into(),
        };
        assert!(Verifier::new(&checksum).is_none());
    }
}
