//! Computes digests of upload payloads: the SHA-256 for the signature, and the checksum that S3 verifies.

use std::io;

use s3_wire::ChecksumTrailer;
use sha2::{Digest, Sha256};

use crate::checksum_digest::{ChecksumDigest, crc};
use crate::{Checksum, ChecksumAlgorithm, Payload};

/// The checksum that is added to uploads: S3's default, which can be combined from those of parts.
pub(super) const ADDED: ChecksumAlgorithm = ChecksumAlgorithm::Crc64Nvme;

/// Number of bytes that are read from a file at a time: as in an upload.
const READ_SIZE: usize = 512 << 10;

/// Returns the SHA-256 of a payload. A file is read completely, in addition to sending it.
pub(super) async fn sha256(payload: &Payload) -> io::Result<[u8; 32]> {
    let hasher = digested(payload, Sha256::new(), |hasher, bytes| hasher.update(bytes)).await?;
    Ok(hasher.finalize().into())
}

/// Returns the checksum of a payload. A file is read completely, in addition to sending it.
pub(super) async fn checksum(
    payload: &Payload,
    algorithm: ChecksumAlgorithm,
) -> io::Result<Checksum> {
    let digest = ChecksumDigest::new(algorithm);
    let digest = digested(payload, digest, |digest, bytes| digest.update(bytes)).await?;
    Ok(digest.checksum())
}

/// Returns the trailer that carries a checksum; `None` for an algorithm that is not a CRC.
pub(super) fn trailer_of(algorithm: ChecksumAlgorithm) -> Option<ChecksumTrailer> {
    let name = header_of(algorithm);
    crc(algorithm).map(|algorithm| ChecksumTrailer { algorithm, name })
}

/// Returns `digest` updated with the whole payload.
async fn digested<D: Send + 'static>(
    payload: &Payload,
    mut digest: D,
    update: fn(&mut D, &[u8]),
) -> io::Result<D> {
    if let Some(chunks) = payload.as_chunks() {
        for chunk in chunks {
            update(&mut digest, chunk);
        }
        return Ok(digest);
    }
    let payload = payload.clone();
    let read = move || {
        let mut position = 0;
        while position < payload.len() {
            let chunk = payload.read_at(position, READ_SIZE)?;
            update(&mut digest, &chunk);
            position += chunk.len() as u64;
        }
        Ok(digest)
    };
    if crate::blocking_io::blocking_io_allowed() {
        return read();
    }
    let read = tokio::task::spawn_blocking(read).await;
    read.unwrap_or_else(|_| Err(io::Error::other("the runtime is shutting down")))
}

/// Returns the name of the header with a checksum.
pub(super) const fn header_of(algorithm: ChecksumAlgorithm) -> &'static str {
    match algorithm {
        ChecksumAlgorithm::Crc32 => "x-amz-checksum-crc32",
        ChecksumAlgorithm::Crc32c => "x-amz-checksum-crc32c",
        ChecksumAlgorithm::Crc64Nvme => "x-amz-checksum-crc64nvme",
        ChecksumAlgorithm::Sha1 => "x-amz-checksum-sha1",
        ChecksumAlgorithm::Sha256 => "x-amz-checksum-sha256",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn a_file_and_its_bytes_have_the_same_digest() {
        let bytes: Vec<u8> = (0..3 * READ_SIZE + 7).map(|at| (at % 251) as u8).collect();
        let path = std::env::temp_dir().join(format!("s3-core-digest-{}", std::process::id()));
        std::fs::write(&path, &bytes).unwrap();
        let file = std::fs::File::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let file = Payload::from_file(Arc::new(file), 0, bytes.len() as u64);
        let memory = Payload::from(bytes);
        assert_eq!(sha256(&file).await.unwrap(), sha256(&memory).await.unwrap());
        let (file, memory) = (checksum(&file, ADDED), checksum(&memory, ADDED));
        assert_eq!(file.await.unwrap(), memory.await.unwrap());
    }

    /// The check value of CRC-64/NVME over "123456789" is ae8b14860a799888.
    #[tokio::test]
    async fn the_crc_matches_its_published_check_value() {
        let payload = Payload::from("123456789");
        let sum = checksum(&payload, ADDED).await.unwrap();
        assert_eq!(sum, Checksum::new(ADDED, "rosUhgp5mIg="));
    }
}
