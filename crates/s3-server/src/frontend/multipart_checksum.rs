//! Checksums of objects that were uploaded in parts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use s3_core::{Checksum, ChecksumAlgorithm, GetRequest, S3Url, Store};
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Sha1, Sha256};
use s3s::dto::ChecksumType;
use s3s::{S3Result, s3_error};

use super::Frontend;
use super::object_extras::PartExtent;
use crate::convert::core_checksum;
use crate::errors::s3_error;

/// Returns the checksum of checksums, with the number of parts; none unless every part has one of one algorithm.
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

/// Reads an object and returns its checksum.
pub(super) async fn full_object(
    front: &Frontend,
    url: &S3Url,
    algorithm: ChecksumAlgorithm,
) -> S3Result<Option<Checksum>> {
    let get = GetRequest::new(url.clone());
    let mut body = front.store.get(get).await.map_err(s3_error)?.body;
    let mut hasher = hasher(algorithm);
    while let Some(chunk) = body.next().await {
        hasher.update(&chunk.map_err(|error| s3_error!(error, InternalError))?);
    }
    Ok(core_checksum(&hasher.finalize()))
}

/// Returns the type of the checksum of an upload that asks for none: CRC64NVME has no composite.
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
