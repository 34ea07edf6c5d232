//! Encryption with a customer-provided key (SSE-C): stores and compares the key's MD5; nothing is encrypted.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use s3s::crypto::{Checksum as _, Md5};
use s3s::{S3Result, s3_error};

use super::object_extras::UploadExtras;

/// The only algorithm that S3 supports.
pub(super) const ALGORITHM: &str = "AES256";

/// Calls [`given`] with the SSE-C fields of an input.
macro_rules! of {
    ($input:ident) => {
        $crate::frontend::customer_key::given(
            $input.sse_customer_algorithm.as_deref(),
            $input.sse_customer_key.as_deref(),
            $input.sse_customer_key_md5.as_deref(),
        )
    };
}

pub(super) use of;

/// Returns the MD5 of the key in a request, after comparing it with the key.
pub(super) fn given(
    algorithm: Option<&str>,
    key: Option<&str>,
    digest: Option<&str>,
) -> S3Result<Option<String>> {
    let (algorithm, key, digest) = match (algorithm, key, digest) {
        (None, None, None) => return Ok(None),
        (Some(algorithm), Some(key), Some(digest)) => (algorithm, key, digest),
        _ => {
            return Err(s3_error!(
                InvalidArgument,
                "Requests with a customer's key must give the algorithm, the key and its MD5"
            ));
        }
    };
    if algorithm != ALGORITHM {
        return Err(s3_error!(
            InvalidEncryptionAlgorithmError,
            "The encryption algorithm must be AES256"
        ));
    }
    let key = STANDARD.decode(key).ok().filter(|key| key.len() == 32);
    let key = key.ok_or_else(|| s3_error!(InvalidArgument, "The secret key was invalid"))?;
    let mut md5 = Md5::new();
    md5.update(&key);
    if STANDARD.encode(md5.finalize()) != digest {
        return Err(s3_error!(
            InvalidArgument,
            "The calculated MD5 hash of the key did not match the hash that was provided"
        ));
    }
    Ok(Some(digest.to_owned()))
}

/// Rejects a read of an object with another key than it was written with.
pub(super) fn check(written: Option<&str>, given: Option<&str>) -> S3Result<()> {
    match (written, given) {
        (None, None) => Ok(()),
        (Some(written), Some(given)) if written == given => Ok(()),
        (Some(_), Some(_)) => Err(s3_error!(
            AccessDenied,
            "The key of the request is not the one that the object was encrypted with"
        )),
        (Some(_), None) => Err(s3_error!(
            InvalidRequest,
            "The object was stored using a form of Server Side Encryption. The correct parameters must be provided \
             to retrieve the object"
        )),
        (None, Some(_)) => Err(s3_error!(
            InvalidRequest,
            "The encryption parameters are not applicable to this object"
        )),
    }
}

/// Rejects CompleteMultipartUpload or ListParts with another key than the upload was created with, or without a key if
/// the upload has a checksum algorithm.
pub(super) fn check_of_upload(upload: &UploadExtras, given: Option<&str>) -> S3Result<()> {
    let written = upload.object.customer_key_md5.as_deref();
    match given {
        None if upload.checksum_algorithm.is_none() => Ok(()),
        // The store reports an unknown upload.
        _ if written.is_none() => Ok(()),
        given => check(written, given),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_32_bytes_and_its_digest() {
        let key = STANDARD.encode([7; 32]);
        let mut md5 = Md5::new();
        md5.update(&[7; 32]);
        let digest = STANDARD.encode(md5.finalize());
        let right = given(Some("AES256"), Some(&key), Some(&digest)).unwrap();
        assert_eq!(right.as_deref(), Some(&*digest));
        assert_eq!(given(None, None, None).unwrap(), None);
        for (algorithm, key, digest) in [
            (Some("AES256"), None, None),
            (Some("AES128"), Some(&*key), Some(&*digest)),
            (Some("AES256"), Some("c2hvcnQ="), Some(&*digest)),
            (Some("AES256"), Some(&*key), Some("b3RoZXI=")),
        ] {
            assert!(given(algorithm, key, digest).is_err());
        }
        assert!(check(Some("a"), Some("a")).is_ok());
        for (written, given) in [(Some("a"), Some("b")), (Some("a"), None), (None, Some("a"))] {
            assert!(check(written, given).is_err());
        }
    }
}
