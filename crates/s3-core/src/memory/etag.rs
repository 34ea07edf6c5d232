//! Computes the ETags of the in-memory store: the MD5 of the bytes, or the MD5 of the parts' MD5s.

use std::fmt::Write;

use bytes::Bytes;
use md5::{Digest, Md5};

use crate::ETag;

/// An MD5 as bytes.
pub(super) type Md5Sum = [u8; 16];

/// Returns the MD5 of the concatenated buffers.
pub(super) fn md5_of(chunks: &[Bytes]) -> Md5Sum {
    let mut md5 = Md5::new();
    for chunk in chunks {
        md5.update(chunk);
    }
    md5.finalize().into()
}

/// Returns the ETag of an object that was written by a put.
pub(super) fn etag(sum: &Md5Sum) -> ETag {
    ETag::new(&hex(sum))
}

/// Returns the ETag of a multipart object: the MD5 of the parts' MD5s and the number of parts.
pub(super) fn multipart_etag(sums: &[Md5Sum]) -> ETag {
    let mut md5 = Md5::new();
    for sum in sums {
        md5.update(sum);
    }
    ETag::new(&format!("{}-{}", hex(&md5.finalize()), sums.len()))
}

/// Returns whether an ETag is that of a multipart object.
pub(super) fn is_multipart(tag: &ETag) -> bool {
    tag.as_str().contains('-')
}

/// Returns bytes as hexadecimal digits in lower case.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            write!(text, "{byte:02x}").expect("writing to a string never fails");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_etag_of_an_empty_object_is_the_md5_of_no_bytes() {
        assert_eq!(
            etag(&md5_of(&[])).as_str(),
            "d41d8cd98f00b204e9800998ecf8427e"
        );
    }

    #[test]
    fn a_multipart_etag_ends_in_the_number_of_parts() {
        let sum = md5_of(&[Bytes::from_static(b"a"), Bytes::from_static(b"b")]);
        // The MD5 of the sixteen bytes of the MD5 of "ab".
        let outer = hex(&md5_of(&[Bytes::copy_from_slice(&sum)]));
        let tag = multipart_etag(&[sum]);
        assert_eq!(tag.as_str(), format!("{outer}-1"));
        assert!(is_multipart(&tag) && !is_multipart(&etag(&sum)));
    }
}
