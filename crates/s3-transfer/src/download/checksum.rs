//! Verifies downloads: computes the CRC of the received bytes and compares it with the checksum that the server sent.

use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crc_fast::{CrcAlgorithm, Digest};
use s3_core::{Checksum, ChecksumAlgorithm, ChecksumType, ObjectMeta};

/// How a complete download was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verified {
    /// The bytes have the checksum that the server stores with the object.
    Checksum(ChecksumAlgorithm),
    /// The bytes have the MD5 in the object's ETag. Compared only if an interrupted response was resumed and there is
    /// no checksum, because a proxy may have lost bytes before the interruption.
    Etag,
    /// The bytes were not compared, for this reason.
    NotVerified(NotVerified),
}

/// Reason why the bytes of a download were not compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NotVerified {
    /// The server sent no checksum: it stores none, or the client is configured not to request it.
    NotOffered,
    /// The checksum is composite: a checksum of the checksums of the uploaded parts.
    Composite,
    /// A range was read, but the checksum is that of the whole object.
    Range,
    /// The checksum is that of a part of the object.
    Part,
    /// The checksum is of this algorithm, which is not a CRC. Computing it would cost more than the transfer, and the
    /// checksums of parts that are read in parallel cannot be combined.
    Digest(ChecksumAlgorithm),
}

/// The checksum that the bytes of a download must have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExpectedChecksum {
    algorithm: ChecksumAlgorithm,
    value: u64,
}

/// Checksum of the received bytes of a part, across its attempts. Computes nothing if there is no checksum to compare
/// with.
#[derive(Debug)]
pub(crate) struct RunningChecksum(Option<Box<Digest>>);

/// The checksum of a part, and its length, which is needed to combine it with the checksum of the parts before it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PartChecksum {
    pub(crate) crc: u64,
    pub(crate) len: u64,
}

impl ExpectedChecksum {
    /// Returns the checksum in the response to a read of the bytes `wanted`, or why it cannot be compared.
    pub(crate) fn of(meta: &ObjectMeta, wanted: &Range<u64>) -> Result<Self, NotVerified> {
        let checksum = meta.checksum.as_ref().ok_or(NotVerified::NotOffered)?;
        if *wanted != (0..meta.size) {
            return Err(NotVerified::Range);
        }
        if checksum.checksum_type == ChecksumType::Composite {
            return Err(NotVerified::Composite);
        }
        let algorithm = checksum.algorithm;
        crc(algorithm).ok_or(NotVerified::Digest(algorithm))?;
        let value = value(checksum).ok_or(NotVerified::NotOffered)?;
        Ok(Self { algorithm, value })
    }

    /// Returns a running checksum of zero bytes.
    pub(crate) fn running(&self) -> RunningChecksum {
        RunningChecksum(crc(self.algorithm).map(|algorithm| Box::new(Digest::new(algorithm))))
    }

    /// Returns the checksum of `bytes`.
    pub(crate) fn checksum_of(&self, bytes: &[u8]) -> PartChecksum {
        let crc = crc(self.algorithm).map_or(0, |algorithm| crc_fast::checksum(algorithm, bytes));
        let len = bytes.len() as u64;
        PartChecksum { crc, len }
    }

    /// Compares the combined checksum of all parts, in order, with the expected one; `None` if they differ.
    ///
    /// If the first response contains only a part of the object, its checksum may be that of the first part.
    pub(crate) fn verdict(&self, parts: &[PartChecksum]) -> Option<Verified> {
        let algorithm = crc(self.algorithm)?;
        let (first, rest) = parts.split_first()?;
        let combine = |sum, part: &PartChecksum| {
            crc_fast::checksum_combine(algorithm, sum, part.crc, part.len)
        };
        if rest.iter().fold(first.crc, combine) == self.value {
            return Some(Verified::Checksum(self.algorithm));
        }
        let of_first = !rest.is_empty() && first.crc == self.value;
        of_first.then_some(Verified::NotVerified(NotVerified::Part))
    }
}

impl RunningChecksum {
    /// Returns a checksum that computes nothing.
    pub(crate) fn none() -> Self {
        Self(None)
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        if let Some(digest) = &mut self.0 {
            digest.update(bytes);
        }
    }

    pub(crate) fn reset(&mut self) {
        if let Some(digest) = &mut self.0 {
            digest.reset();
        }
    }

    /// Returns how many bytes are in the checksum; `None` if it computes nothing.
    pub(crate) fn len(&self) -> Option<u64> {
        self.0.as_ref().map(|digest| digest.get_amount())
    }

    pub(crate) fn of(&self, len: u64) -> PartChecksum {
        let crc = self.0.as_ref().map_or(0, |digest| digest.finalize());
        PartChecksum { crc, len }
    }
}

/// Returns the CRC parameters of an algorithm; `None` if it is not a CRC.
fn crc(algorithm: ChecksumAlgorithm) -> Option<CrcAlgorithm> {
    match algorithm {
        ChecksumAlgorithm::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
        ChecksumAlgorithm::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
        ChecksumAlgorithm::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
        _ => None,
    }
}

/// Decodes a base64 checksum into a number; `None` if it is malformed or its length is wrong.
fn value(checksum: &Checksum) -> Option<u64> {
    let len = match checksum.algorithm {
        ChecksumAlgorithm::Crc64Nvme => 8,
        _ => 4,
    };
    let bytes = STANDARD.decode(checksum.value.as_bytes()).ok()?;
    let fold = |value, byte: &u8| value << 8 | u64::from(*byte);
    (bytes.len() == len).then(|| bytes.iter().fold(0, fold))
}

#[cfg(test)]
mod tests {
    use s3_core::S3Url;

    use super::*;

    const CHECK: &[u8] = b"123456789";

    /// The check values of these checksums: those of the bytes `123456789`.
    const VALUES: [(ChecksumAlgorithm, &str); 3] = [
        (ChecksumAlgorithm::Crc32, "y/Q5Jg=="),
        (ChecksumAlgorithm::Crc32c, "4waSgw=="),
        (ChecksumAlgorithm::Crc64Nvme, "rosUhgp5mIg="),
    ];

    fn expected(
        algorithm: ChecksumAlgorithm,
        value: &str,
    ) -> Result<ExpectedChecksum, NotVerified> {
        let mut meta = ObjectMeta::new(S3Url::parse("s3://b/k").unwrap(), 9);
        meta.checksum = Some(Checksum::new(algorithm, value));
        ExpectedChecksum::of(&meta, &(0..9))
    }

    fn checksum_of(expected: &ExpectedChecksum, bytes: &[u8]) -> PartChecksum {
        let mut running = expected.running();
        running.update(bytes);
        running.of(bytes.len() as u64)
    }

    #[test]
    fn bytes_are_compared_whole_and_in_parts() {
        for (algorithm, value) in VALUES {
            let expected = expected(algorithm, value).unwrap();
            let verdict = |bytes: &[u8]| expected.verdict(&[expected.checksum_of(bytes)]);
            assert_eq!(verdict(CHECK), Some(Verified::Checksum(algorithm)));
            assert_eq!(verdict(b"123456780"), None);
            for cut in 0..CHECK.len() {
                let parts = [&CHECK[..cut], &CHECK[cut..]].map(|part| checksum_of(&expected, part));
                assert_eq!(
                    expected.verdict(&parts),
                    Some(Verified::Checksum(algorithm))
                );
            }
            let wrong = [&CHECK[..3], b"456780"].map(|part| checksum_of(&expected, part));
            assert_eq!(expected.verdict(&wrong), None);
            let of_first = [CHECK, b"more"].map(|part| checksum_of(&expected, part));
            let part = Verified::NotVerified(NotVerified::Part);
            assert_eq!(expected.verdict(&of_first), Some(part));
        }
    }

    #[test]
    fn checksums_that_cannot_be_compared_have_a_reason() {
        let url = S3Url::parse("s3://b/k").unwrap();
        let bare = ObjectMeta::new(url, 9);
        assert_eq!(
            ExpectedChecksum::of(&bare, &(0..9)).unwrap_err(),
            NotVerified::NotOffered
        );
        let sha = ChecksumAlgorithm::Sha256;
        let digest = expected(sha, "FeKw08M4kVegUeqhz3gBAxCj0d1nyvTlyBKAoJyBaeQ=");
        assert_eq!(digest.unwrap_err(), NotVerified::Digest(sha));
        for malformed in ["", "????", "y/Q5", "rosUhgp5mIg="] {
            let offered = expected(ChecksumAlgorithm::Crc32, malformed);
            assert_eq!(offered.unwrap_err(), NotVerified::NotOffered);
        }
        let mut meta = ObjectMeta::new(S3Url::parse("s3://b/k").unwrap(), 10);
        let (algorithm, value) = (ChecksumAlgorithm::Crc32, "y/Q5Jg==");
        meta.checksum = Some(Checksum::new(algorithm, value));
        assert_eq!(
            ExpectedChecksum::of(&meta, &(0..9)).unwrap_err(),
            NotVerified::Range
        );
    }
}
