//! Verifies the digests that a request declares for its XML document: `Content-MD5`, checksums, `x-amz-content-sha256`.
//!
//! The protocol layer parses documents without verifying their digests, and responds with an internal error to a
//! document that differs from `x-amz-content-sha256`. Digests of objects and parts are verified where their bodies are
//! read.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode};
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256};
use s3s::dto;

use crate::convert::core_checksum;
use crate::response_completion::error_response;
use crate::target::Target;

/// Query parameters of the object requests whose body is an XML document.
const ABOUT_OBJECTS: [&str; 7] = [
    "acl",
    "legal-hold",
    "restore",
    "retention",
    "select",
    "tagging",
    "uploadId",
];

/// Returns whether the body of a request is an XML document that is sent without chunked encoding.
pub(crate) fn has_document(method: &Method, headers: &HeaderMap, target: &Target) -> bool {
    let has = |name: &&str| target.query.contains_key(*name);
    let is_about_object = match *method {
        // The body of UploadPart is not a document.
        Method::PUT => !has(&"uploadId") && ABOUT_OBJECTS.iter().any(has),
        Method::POST => ABOUT_OBJECTS.iter().any(has),
        _ => return false,
    };
    let is_in_chunks = headers
        .get("x-amz-content-sha256")
        .is_some_and(|value| value.as_bytes().starts_with(b"STREAMING-"));
    !is_in_chunks && !target.bucket.is_empty() && (target.key.is_empty() || is_about_object)
}

/// Returns the error response for a document that differs from a digest of its request.
pub(crate) fn rejection(
    headers: &HeaderMap,
    target: &Target,
    document: &Bytes,
) -> Option<Response<s3s::Body>> {
    let of_object = target.query.contains_key("uploadId");
    let (code, message) = of_md5(headers, document)
        .or_else(|| of_sha256(headers, document))
        // A checksum of CompleteMultipartUpload is that of the object, not of the document.
        .or_else(|| of_checksum(headers, document).filter(|_| !of_object))?;
    Some(error_response(StatusCode::BAD_REQUEST, code, message))
}

fn of_md5(headers: &HeaderMap, document: &Bytes) -> Option<(&'static str, &'static str)> {
    let sent = STANDARD.decode(headers.get("content-md5")?.as_bytes());
    let mut md5 = Md5::new();
    md5.update(document);
    match sent.ok().filter(|sent| sent.len() == 16) {
        None => Some((
            "InvalidDigest",
            "The Content-MD5 you specified was invalid.",
        )),
        Some(sent) if sent == md5.finalize() => None,
        Some(_) => Some((
            "BadDigest",
            "The Content-MD5 you specified did not match what we received.",
        )),
    }
}

fn of_sha256(headers: &HeaderMap, document: &Bytes) -> Option<(&'static str, &'static str)> {
    let sent = headers.get("x-amz-content-sha256")?.to_str().ok()?;
    let mut sha256 = Sha256::new();
    sha256.update(document);
    let computed = sha256.finalize();
    let computed: String = computed.iter().map(|byte| format!("{byte:02x}")).collect();
    if sent == "UNSIGNED-PAYLOAD" || sent.eq_ignore_ascii_case(&computed) {
        return None;
    }
    Some((
        "XAmzContentSHA256Mismatch",
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
    ))
}

fn of_checksum(headers: &HeaderMap, document: &Bytes) -> Option<(&'static str, &'static str)> {
    let sent = |name: &str| {
        let value = headers.get(format!("x-amz-checksum-{name}"))?;
        Some(value.to_str().ok()?.to_owned())
    };
    let sent = dto::Checksum {
        checksum_crc32: sent("crc32"),
        checksum_crc32c: sent("crc32c"),
        checksum_crc64nvme: sent("crc64nvme"),
        checksum_sha1: sent("sha1"),
        checksum_sha256: sent("sha256"),
        ..dto::Checksum::default()
    };
    let mut hasher = ChecksumHasher {
        crc32: sent.checksum_crc32.is_some().then(Crc32::new),
        crc32c: sent.checksum_crc32c.is_some().then(Crc32c::new),
        crc64nvme: sent.checksum_crc64nvme.is_some().then(Crc64Nvme::new),
        sha1: sent.checksum_sha1.is_some().then(Sha1::new),
        sha256: sent.checksum_sha256.is_some().then(Sha256::new),
    };
    let sent = core_checksum(&sent)?;
    hasher.update(document);
    let is_same = core_checksum(&hasher.finalize()).is_some_and(|sum| sum.value == sent.value);
    (!is_same).then_some((
        "BadDigest",
        "The checksum you specified did not match the calculated checksum.",
    ))
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, Request};

    use super::*;
    use crate::Domains;

    fn target(method: Method, uri: &str) -> Target {
        let request = Request::builder().method(method).uri(uri).body(());
        Target::of(&request.unwrap(), &Domains::new(["s3.localhost"]))
    }

    #[test]
    fn documents_are_those_about_buckets_and_about_objects() {
        let headers = HeaderMap::new();
        for (method, uri, is_document) in [
            (Method::POST, "/b?delete", true),
            (Method::PUT, "/b?versioning", true),
            (Method::PUT, "/b/k?tagging", true),
            (Method::POST, "/b/k?uploadId=u", true),
            (Method::PUT, "/b/k?uploadId=u&partNumber=1", false),
            (Method::PUT, "/b/k", false),
            (Method::GET, "/b", false),
        ] {
            let target = target(method.clone(), uri);
            assert_eq!(
                has_document(&method, &headers, &target),
                is_document,
                "{method} {uri}"
            );
        }
    }

    #[test]
    fn a_document_that_differs_from_its_digest_is_rejected() {
        let document = Bytes::from_static(b"abc");
        let target = target(Method::POST, "/b?delete");
        for (name, value, expected) in [
            ("content-md5", "kAFQmDzST7DWlj99KOF/cg==", true),
            ("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==", false),
            ("content-md5", "short", false),
            ("x-amz-checksum-crc32", "NSRBwg==", true),
            ("x-amz-checksum-crc32", "AAAAAA==", false),
            (
                "x-amz-content-sha256",
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                true,
            ),
            (
                "x-amz-content-sha256",
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                false,
            ),
        ] {
            let headers = HeaderMap::from_iter([(
                http::HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )]);
            let rejected = rejection(&headers, &target, &document);
            assert_eq!(rejected.is_none(), expected, "{name}: {value}");
        }
    }
}
