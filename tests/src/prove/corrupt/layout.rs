//! [`Layout`]: random parameters of a `corrupt` case: object, range, part size, destination and checksum.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use crc_fast::CrcAlgorithm;
use fastrand::Rng;
use s3_core::{ByteRange, Checksum, ChecksumAlgorithm};

use super::corruption::Corruption;

/// The parameters of a case, which are drawn before it begins.
pub(super) struct Layout {
    pub(super) object: Bytes,
    pub(super) part_size: u64,
    pub(super) at_once: usize,
    pub(super) range: Option<ByteRange>,
    /// Whether size and ETag are known before the read.
    pub(super) known: bool,
    pub(super) to: To,
    pub(super) offer: Offer,
    pub(super) checksum: Option<Checksum>,
    /// Whether the server ignores `Range` and sends whole objects.
    pub(super) ignores_ranges: bool,
    /// The probability that a response is corrupted.
    pub(super) corrupted: f64,
    /// The corruptions that a response may have.
    pub(super) corruptions: Vec<Corruption>,
}

/// Destination of the bytes.
#[derive(Clone, Copy, Debug)]
pub(super) enum To {
    Memory,
    File,
    Auto,
}

/// The checksum that the server sends with the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    Nothing,
    /// A CRC of the whole object.
    Whole(ChecksumAlgorithm),
    /// A CRC of the first part, sent as that of the object.
    FirstPart,
    /// A digest, which the engine does not compute.
    Digest,
    /// Text that is not a checksum.
    Malformed,
}

impl fmt::Debug for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layout")
            .field("bytes", &self.object.len())
            .field("part_size", &self.part_size)
            .field("at_once", &self.at_once)
            .field("range", &self.range)
            .field("known", &self.known)
            .field("to", &self.to)
            .field("offer", &self.offer)
            .field("ignores_ranges", &self.ignores_ranges)
            .field("corruptions", &self.corruptions)
            .finish_non_exhaustive()
    }
}

const CRCS: [(ChecksumAlgorithm, CrcAlgorithm, usize); 3] = [
    (ChecksumAlgorithm::Crc32, CrcAlgorithm::Crc32IsoHdlc, 4),
    (ChecksumAlgorithm::Crc32c, CrcAlgorithm::Crc32Iscsi, 4),
    (ChecksumAlgorithm::Crc64Nvme, CrcAlgorithm::Crc64Nvme, 8),
];

impl Layout {
    pub(super) fn draw(random: &mut Rng) -> Self {
        let most = [1, 40, 700, 4000][random.usize(0..4)];
        let mut object = vec![0; random.usize(0..=most)];
        random.fill(&mut object);
        let object = Bytes::from(object);
        let len = object.len() as u64;
        let part_size = match random.u8(0..4) {
            // About one part.
            0 => (len + random.u64(0..3)).saturating_sub(1).max(1),
            1 => random.u64(1..=16).max(len / 64),
            _ => random.u64(1..=len + 1).max(len / 64),
        };
        let ignores_ranges = random.u8(0..8) == 0;
        let range = random.bool().then(|| range(len, random));
        // Only a response that is exactly a part has the checksum of a part.
        let in_parts = !ignores_ranges && !matches!(range, Some(ByteRange::Last(_)));
        let (offer, checksum) = offer(&object, part_size, in_parts, random);
        let corruptions = if random.bool() {
            vec![Corruption::ALL[random.usize(0..Corruption::ALL.len())]]
        } else {
            Corruption::ALL.to_vec()
        };
        Self {
            part_size,
            at_once: random.usize(1..=4),
            range,
            known: random.u8(0..4) == 0,
            to: match random.u8(0..64) {
                0 => To::File,
                1 => To::Auto,
                _ => To::Memory,
            },
            offer,
            checksum,
            ignores_ranges,
            corrupted: [0.0, 0.1, 0.5, 0.9, 1.0][random.usize(0..5)],
            corruptions,
            object,
        }
    }
}

fn range(len: u64, random: &mut Rng) -> ByteRange {
    let start = random.u64(0..=len);
    match random.u8(0..4) {
        0 => ByteRange::From(start),
        1 => ByteRange::Last(random.u64(0..=len + 2)),
        2 => (0..len).into(),
        _ => (start..start + random.u64(0..=len + 2)).into(),
    }
}

fn offer(
    object: &Bytes,
    part_size: u64,
    in_parts: bool,
    random: &mut Rng,
) -> (Offer, Option<Checksum>) {
    let (kind, algorithm, width) = CRCS[random.usize(0..CRCS.len())];
    let crc = |bytes: &[u8]| {
        let value = crc_fast::checksum(algorithm, bytes).to_be_bytes();
        let value = STANDARD.encode(&value[8 - width..]);
        Some(Checksum::new(kind, value))
    };
    match random.u8(0..10) {
        0 | 1 => (Offer::Nothing, None),
        2 => {
            let part = usize::try_from(part_size).unwrap_or(usize::MAX);
            let first = &object[..part.min(object.len())];
            if first.len() == object.len() || !in_parts {
                (Offer::Whole(kind), crc(object))
            } else {
                (Offer::FirstPart, crc(first))
            }
        }
        3 => {
            let value = STANDARD.encode([7; 32]);
            let algorithm = ChecksumAlgorithm::Sha256;
            (Offer::Digest, Some(Checksum::new(algorithm, value)))
        }
        4 => {
            let value = "????";
            let algorithm = kind;
            (Offer::Malformed, Some(Checksum::new(algorithm, value)))
        }
        _ => (Offer::Whole(kind), crc(object)),
    }
}
