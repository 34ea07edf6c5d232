//! MD5-based ETags: computes those of payloads and of multipart objects, and compares payloads with them.

use std::io;

use md5::{Digest, Md5};
use s3_core::{ETag, ObjectMeta, PartTag, Payload};

/// Returns the ETag that S3 gives an object with these bytes: their MD5. Blocks.
pub(crate) fn md5_of(payload: &Payload) -> io::Result<ETag> {
    let mut digest = Md5::new();
    let mut position = 0;
    while position < payload.len() {
        let piece = payload.read_at(position, 1 << 20)?;
        digest.update(&piece);
        position += piece.len() as u64;
    }
    Ok(ETag::new(&hex(&digest.finalize())))
}

/// Returns the ETag that S3 gives a multipart object with these parts; `None` if a part's ETag is not an MD5.
#[must_use]
pub fn etag_of_parts(parts: &[PartTag]) -> Option<ETag> {
    let mut digest = Md5::new();
    for part in parts {
        digest.update(unhex(part.etag.as_str())?);
    }
    Some(ETag::new(&format!(
        "{}-{}",
        hex(&digest.finalize()),
        parts.len()
    )))
}

/// Returns the ETag of a whole object if it is an MD5 of its bytes: S3's is, unless the object was uploaded in parts or is
/// encrypted with a key that is not S3's own.
#[must_use]
pub fn etag_that_is_md5(meta: &ObjectMeta) -> Option<&ETag> {
    let etag = meta.etag_of_bytes()?;
    unhex(etag.as_str()).is_some().then_some(etag)
}

/// Returns whether the MD5 of a payload is this ETag. Blocks.
///
/// # Errors
///
/// If the payload cannot be read.
pub fn has_md5(payload: &Payload, etag: &ETag) -> io::Result<bool> {
    let digest = md5_of(payload)?;
    Ok(digest.as_str().eq_ignore_ascii_case(etag.as_str()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 16]> {
    let mut bytes = [0; 16];
    if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_of_parts_is_the_digest_of_their_digests() {
        let empty = "d41d8cd98f00b204e9800998ecf8427e";
        let parts = [PartTag::new(1, ETag::new(empty))];
        let tag = etag_of_parts(&parts).unwrap();
        assert_eq!(tag.as_str(), "59adb24ef3cdbe0297f05b395827453f-1");
        for no_digest in ["opaque", "d41d", &"é".repeat(16), &"x".repeat(32)] {
            let parts = [PartTag::new(1, ETag::new(no_digest))];
            assert_eq!(etag_of_parts(&parts), None, "{no_digest}");
        }
    }

    #[test]
    fn the_tag_of_a_payload_is_its_digest() {
        let tag = md5_of(&Payload::from("hello")).unwrap();
        assert_eq!(tag.as_str(), "5d41402abc4b2a76b9719d911017c592");
    }

    #[test]
    fn only_the_tag_of_a_plain_object_in_one_part_is_an_md5() {
        let url = s3_core::S3Url::parse("s3://b/k").unwrap();
        let meta = |etag: &str, encryption: Option<&str>| {
            let mut meta = ObjectMeta::new(url.clone(), 0).with_etag(ETag::new(etag));
            meta.attributes.encryption = encryption.map(s3_core::Encryption::new);
            meta
        };
        let md5 = "5D41402abc4b2a76b9719d911017c592";
        for encryption in [None, Some("AES256")] {
            let meta = meta(md5, encryption);
            let etag = etag_that_is_md5(&meta).unwrap();
            assert!(has_md5(&Payload::from("hello"), etag).unwrap());
            assert!(!has_md5(&Payload::from("hell"), etag).unwrap());
        }
        let odd = format!("+{}", &md5[1..]);
        for (etag, encryption) in [
            (md5, Some("aws:kms")),
            (&format!("{md5}-2"), None),
            (&odd, None),
            ("", None),
        ] {
            assert_eq!(etag_that_is_md5(&meta(etag, encryption)), None);
        }
    }
}
