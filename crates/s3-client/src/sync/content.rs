//! Compares a local file with the ETag or the checksum of an object, computing the MD5s of parts for multipart ETags.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use md5::{Digest, Md5};
use s3_core::{Checksum, ChecksumType, ETag, Payload};

use super::compare::parts;

/// Part sizes that common clients use, in MiB.
const PART_SIZES: [u64; 14] = [5, 8, 10, 15, 16, 25, 32, 50, 64, 100, 128, 256, 512, 1024];

/// Returns whether an ETag looks like the MD5 of an object.
pub(crate) fn is_md5(etag: &ETag) -> bool {
    let text = etag.as_str();
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Returns whether the content of a file matches an ETag; `None` if the ETag is not an MD5, or is that of parts of an
/// unknown size. Blocks.
///
/// The ETag of a multipart upload does not contain its part size. `part_size` and the usual sizes are tried, if they
/// give the number of parts in the ETag.
///
/// # Errors
///
/// The file cannot be read, or has fewer than `size` bytes.
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use s3_client::{ETag, file_has_etag};
///
/// let file = tempfile::NamedTempFile::new()?;
/// std::fs::write(file.path(), "hello")?;
/// let etag = ETag::new("5d41402abc4b2a76b9719d911017c592");
/// assert_eq!(file_has_etag(file.path(), 5, &etag, 8 << 20)?, Some(true));
/// assert_eq!(file_has_etag(file.path(), 5, &ETag::new("opaque"), 8 << 20)?, None);
/// # Ok(()) }
/// ```
pub fn file_has_etag(
    path: &Path,
    size: u64,
    etag: &ETag,
    part_size: u64,
) -> io::Result<Option<bool>> {
    if is_md5(etag) {
        let (whole, _) = md5_of_parts(path, size, u64::MAX)?;
        return Ok(Some(whole == etag.as_str()));
    }
    let Some(count) = parts(etag) else {
        return Ok(None);
    };
    let mut sizes: Vec<_> = PART_SIZES.iter().map(|mib| mib << 20).collect();
    sizes.push(part_size);
    sizes.sort_unstable();
    sizes.dedup();
    for part_size in sizes {
        if size.div_ceil(part_size) != count {
            continue;
        }
        let (_, of_parts) = md5_of_parts(path, size, part_size)?;
        if etag.as_str() == format!("{of_parts}-{count}") {
            return Ok(Some(true));
        }
    }
    // The parts may have had another size than those tried.
    Ok(None)
}

/// Returns whether a file of `size` bytes has the checksum of an object; `None` for a composite checksum, which is
/// computed from those of parts. Blocks.
///
/// # Errors
///
/// The file cannot be read, or has fewer than `size` bytes.
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use s3_client::{Checksum, ChecksumAlgorithm, file_has_checksum};
///
/// let file = tempfile::NamedTempFile::new()?;
/// std::fs::write(file.path(), "123456789")?;
/// let has = |value: &str| {
///     let checksum = Checksum::new(ChecksumAlgorithm::Crc32, value);
///     file_has_checksum(file.path(), 9, &checksum)
/// };
/// assert_eq!(has("y/Q5Jg==")?, Some(true));
/// assert_eq!(has("AAAAAA==")?, Some(false));
/// assert_eq!(has("y/Q5Jg==-2")?, None);
/// # Ok(()) }
/// ```
pub fn file_has_checksum(path: &Path, size: u64, checksum: &Checksum) -> io::Result<Option<bool>> {
    if checksum.checksum_type == ChecksumType::Composite {
        return Ok(None);
    }
    let file = Arc::new(File::open(path)?);
    let own = Payload::from_file(file, 0, size).checksum(checksum.algorithm)?;
    Ok(Some(own.value == checksum.value))
}

/// Returns the MD5 of the last part, and the MD5 of the MD5s of all parts.
fn md5_of_parts(path: &Path, size: u64, part_size: u64) -> io::Result<(String, String)> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 256 << 10];
    let mut all = Md5::new();
    let mut left = size;
    loop {
        let len = left.min(part_size);
        let (mut part, mut rest) = (Md5::new(), (&mut file).take(len));
        loop {
            match rest.read(&mut buffer)? {
                0 => break,
                read => part.update(&buffer[..read]),
            }
        }
        let part = part.finalize();
        all.update(part.as_slice());
        left -= len;
        if left == 0 {
            return Ok((hex::encode(part), hex::encode(all.finalize())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etags_of_one_part_and_of_several_are_compared() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let size = (11 << 20) + 3;
        std::fs::write(&path, vec![7_u8; size]).unwrap();
        let size = size as u64;
        let has = |etag: &str| file_has_etag(&path, size, &ETag::new(etag), 8 << 20).unwrap();
        let (whole, _) = md5_of_parts(&path, size, u64::MAX).unwrap();
        assert_eq!(whole, hex::encode(Md5::digest(vec![7_u8; (11 << 20) + 3])));
        assert_eq!(has(&whole), Some(true));
        assert_eq!(has(&"0".repeat(32)), Some(false));
        let halves =
            [8 << 20, (3 << 20) + 3].map(|part: usize| Md5::digest(vec![7_u8; part]).to_vec());
        let of_halves = hex::encode(Md5::digest(halves.concat()));
        assert_eq!(has(&format!("{of_halves}-2")), Some(true));
        assert_eq!(has(&format!("{}-2", "0".repeat(32))), None);
        assert_eq!(has("no-digest"), None);
    }

    #[test]
    fn parts_of_up_to_a_gibibyte_are_tried() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let size = (256 << 20) + 1;
        std::fs::File::create(&path).unwrap().set_len(size).unwrap();
        let (_, of_parts) = md5_of_parts(&path, size, 256 << 20).unwrap();
        let etag = ETag::new(&format!("{of_parts}-2"));
        assert_eq!(
            file_has_etag(&path, size, &etag, 8 << 20).unwrap(),
            Some(true)
        );
    }
}
