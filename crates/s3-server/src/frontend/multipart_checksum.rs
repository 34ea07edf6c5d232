//! Computes composite and full-object checksums of multipart objects.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crc_fast::{CrcAlgorithm, checksum_combine};
use s3_core::{Checksum, ChecksumAlgorithm, GetRequest, Store};
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Sha1, Sha256};
use s3s::dto::ChecksumType;
use s3s::{S3Result, s3_error};

use super::Frontend;
use super::object_extras::PartExtent;
use crate::convert::core_checksum;
use crate::errors::s3_error;

/// Returns the composite checksum (`CHECKSUM-PARTS`); `None` unless all parts have a checksum of the same algorithm.
pub(super) fn composite(parts: &[PartExtent]) -> Option<Checksum> {
    let algorithm = parts.first()?.checksum.as_ref()?.algorithm;
    let mut hasher = hasher(algorithm);
    for part in parts {
        let checksum = part.checksum.as_ref()?;
        if checksum.algorithm != algorithm {
            return None;
        }
        hasher.update(&STANDARD.decode(&*checksum.value).ok()?);
    }
    let sum = core_checksum(&hasher.finalize())?;
    Some(Checksum::new(
        algorithm,
        &*format!("{}-{}", sum.value, parts.len()),
    ))
}

/// Combines the CRCs of the parts into that of the object; `None` unless all parts have a CRC of the same algorithm.
pub(super) fn joined(parts: &[PartExtent]) -> Option<Checksum> {
    let algorithm = parts.first()?.checksum.as_ref()?.algorithm;
    let (crc, width) = match algorithm {
        ChecksumAlgorithm::Crc32 => (CrcAlgorithm::Crc32IsoHdlc, 4),
        ChecksumAlgorithm::Crc32c => (CrcAlgorithm::Crc32Iscsi, 4),
        ChecksumAlgorithm::Crc64Nvme => (CrcAlgorithm::Crc64Nvme, 8),
        _ => return None,
    };
    let mut sum = None;
    for part in parts {
        let checksum = part.checksum.as_ref()?;
        let bytes = STANDARD.decode(&*checksum.value).ok()?;
        if checksum.algorithm != algorithm || bytes.len() != width {
            return None;
        }
        let own = bytes
            .iter()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        sum = Some(sum.map_or(own, |sum| checksum_combine(crc, sum, own, part.size)));
    }
    let bytes = sum?.to_be_bytes();
    Some(Checksum::new(
        algorithm,
        STANDARD.encode(&bytes[8 - width..]),
    ))
}

/// Reads an object, or a range of it, and returns its checksum.
pub(super) async fn read(
    front: &Frontend,
    get: GetRequest,
    algorithm: ChecksumAlgorithm,
) -> S3Result<Option<Checksum>> {
    let mut body = front.store.get(get).await.map_err(s3_error)?.body;
    let mut hasher = hasher(algorithm);
    while let Some(chunk) = body.next().await {
        hasher.update(&chunk.map_err(|error| s3_error!(error, InternalError))?);
    }
    Ok(core_checksum(&hasher.finalize()))
}

/// Returns the default checksum type of an upload: `FULL_OBJECT` for CRC64NVME, which has no composite, else
/// `COMPOSITE`.
pub(super) fn usual_type(algorithm: ChecksumAlgorithm) -> ChecksumType {
    ChecksumType::from_static(match algorithm {
        ChecksumAlgorithm::Crc64Nvme => ChecksumType::FULL_OBJECT,
        _ => ChecksumType::COMPOSITE,
    })
}

fn hasher(algorithm: ChecksumAlgorithm) -> ChecksumHasher {
    ChecksumHasher {
        crc32: (algorithm == ChecksumAlgorithm::Crc32).then(Crc32::new),
        crc32c: (algorithm == ChecksumAlgorithm::Crc32c).then(Crc32c::new),
        crc64nvme: (algorithm == ChecksumAlgorithm::Crc64Nvme).then(Crc64Nvme::new),
        sha1: (algorithm == ChecksumAlgorithm::Sha1).then(Sha1::new),
        sha256: (algorithm == ChecksumAlgorithm::Sha256).then(Sha256::new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crcs_of_parts_combine_to_that_of_the_object() {
        for (algorithm, whole) in [
            (ChecksumAlgorithm::Crc32, "y/Q5Jg=="),
            (ChecksumAlgorithm::Crc32c, "4waSgw=="),
            (ChecksumAlgorithm::Crc64Nvme, "rosUhgp5mIg="),
        ] {
            let parts: Vec<_> = (1..)
                .zip(["1234", "56", "789"])
                .map(|(number, text)| {
                    let mut hasher = hasher(algorithm);
                    hasher.update(text.as_bytes());
                    PartExtent {
                        number,
                        size: text.len() as u64,
                        checksum: core_checksum(&hasher.finalize()),
                    }
                })
                .collect();
            let joined = joined(&parts).unwrap();
            assert_eq!((joined.algorithm, &*joined.value), (algorithm, whole));
        }
        let mut part = PartExtent {
            number: 1,
            size: 1,
            checksum: None,
        };
        assert_eq!(joined(std::slice::from_ref(&part)), None);
        part.checksum = Some(Checksum::new(ChecksumAlgorithm::Sha1, "AA=="));
        assert_eq!(joined(&[part]), None);
    }
}
