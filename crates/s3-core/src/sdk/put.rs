//! PutObject and UploadPart: builds the request from attributes, conditions, payload hash and checksum, and sends it.

use std::borrow::Cow;

use s3_wire::sign::{HeaderError, Headers, PayloadHash};
use s3_wire::{Request, trailer_len};

use super::client::Resolved;
use super::payload_digest::{self, ADDED, header_of, trailer_of};
use super::response_headers::read_headers;
use super::sender::{Route, invalid_header};
use super::{errors, transport_error};
use crate::{
    Attributes, Checksum, ChecksumAlgorithm, Operation, PartTag, Payload, PutMode, PutRequest,
    PutResponse, Result, UploadPart,
};

pub(super) async fn put(resolved: &Resolved, request: PutRequest) -> Result<PutResponse> {
    let sent = put_object(resolved, &request).await;
    sent.map_err(|error| error.with_resource(&request.url))
}

async fn put_object(resolved: &Resolved, put: &PutRequest) -> Result<PutResponse> {
    let PutRequest {
        url,
        payload,
        mode,
        attributes,
        checksum,
    } = put;
    let operation = Operation::Put;
    let route = resolved.route(url.bucket());
    let mut request = route.request("PUT", url.key());
    let headers = &mut request.headers;
    push_condition(headers, mode)
        .and_then(|()| push_attributes(headers, attributes))
        .map_err(|error| invalid_header(operation, &error))?;
    // Sending the same bytes again has the same result; a condition may hold for the first request and not for the
    // second.
    request.idempotent = *mode == PutMode::Overwrite;
    let encoding = attributes.content_encoding.as_deref();
    protect(
        resolved,
        &route,
        operation,
        &mut request,
        payload,
        (checksum.as_ref(), attributes.checksum_algorithm),
        encoding,
    )
    .await?;
    let response = route.send_write(operation, &mut request, payload).await?;
    Ok(read_headers(response.head.iter()).written())
}

pub(super) async fn part(resolved: &Resolved, request: UploadPart) -> Result<PartTag> {
    let sent = upload_part(resolved, &request).await;
    sent.map_err(|error| error.with_resource(&request.url))
}

async fn upload_part(resolved: &Resolved, part: &UploadPart) -> Result<PartTag> {
    let UploadPart {
        url,
        upload,
        number,
        payload,
        checksum,
        checksum_algorithm,
    } = part;
    let operation = Operation::UploadPart;
    let route = resolved.route(url.bucket());
    let mut request = route.request("PUT", url.key());
    request.query.push("partNumber", &number.to_string());
    request.query.push("uploadId", upload.as_str());
    protect(
        resolved,
        &route,
        operation,
        &mut request,
        payload,
        (checksum.as_ref(), *checksum_algorithm),
        None,
    )
    .await?;
    let response = route.send_write(operation, &mut request, payload).await?;
    let written = read_headers(response.head.iter()).written();
    let Some(etag) = written.etag else {
        return Err(errors::malformed(operation, "the response has no ETag"));
    };
    let mut tag = PartTag::new(*number, etag);
    tag.checksum = checksum.clone();
    if tag.checksum.is_none() {
        tag.checksum = written
            .checksum
            .filter(|sum| Some(sum.algorithm) == *checksum_algorithm);
    }
    Ok(tag)
}

pub(super) fn push_condition(headers: &mut Headers, mode: &PutMode) -> Result<(), HeaderError> {
    match mode {
        PutMode::Overwrite => Ok(()),
        PutMode::IfAbsent => headers.push("if-none-match", "*"),
        PutMode::IfMatch(etag) => headers.push_formatted("if-match", format_args!("\"{etag}\"")),
    }
}

/// The header with the id of the KMS key.
pub(super) const KMS_KEY: &str = "x-amz-server-side-encryption-aws-kms-key-id";
/// The header that enables an S3 bucket key.
pub(super) const BUCKET_KEY: &str = "x-amz-server-side-encryption-bucket-key-enabled";

/// Adds the headers of all attributes except Content-Encoding, which a chunked upload changes.
pub(super) fn push_attributes(
    headers: &mut Headers,
    attributes: &Attributes,
) -> Result<(), HeaderError> {
    let Attributes {
        content_type,
        cache_control,
        content_disposition,
        content_language,
        expires,
        storage_class,
        encryption,
        acl,
        tags,
        user,
        ..
    } = attributes;
    let tags = super::tags::header(tags);
    let kms_key = encryption.as_ref().and_then(|own| own.key_id.as_deref());
    let bucket_key = encryption.as_ref().filter(|own| own.bucket_key);
    let encryption = encryption.as_ref().map(|value| value.as_str());
    let expires = expires.map(httpdate::fmt_http_date);
    for (name, value) in [
        ("content-type", content_type.as_deref()),
        ("cache-control", cache_control.as_deref()),
        ("content-disposition", content_disposition.as_deref()),
        ("content-language", content_language.as_deref()),
        ("expires", expires.as_deref()),
        ("x-amz-storage-class", storage_class.as_deref()),
        ("x-amz-server-side-encryption", encryption),
        (KMS_KEY, kms_key),
        (BUCKET_KEY, bucket_key.map(|_| "true")),
        ("x-amz-acl", acl.as_deref()),
        ("x-amz-tagging", tags.as_deref()),
    ] {
        if let Some(value) = value {
            headers.push(name, value)?;
        }
    }
    for (name, value) in user {
        headers.push_joined("x-amz-meta-", name, value)?;
    }
    Ok(())
}

/// Protects the payload in transit: adds its hash for the signature, and a checksum that S3 verifies. Also adds the
/// headers of its length and encoding.
async fn protect(
    resolved: &Resolved,
    route: &Route<'_>,
    operation: Operation,
    request: &mut Request<'_>,
    payload: &Payload,
    (given, wanted): (Option<&Checksum>, Option<ChecksumAlgorithm>),
    encoding: Option<&str>,
) -> Result<()> {
    let unreadable = |cause| transport_error::unreadable_payload(operation, &cause);
    let mut length = payload.len();
    let mut encoding = encoding.map(Cow::Borrowed);
    request.payload_hash = match resolved.signs_payloads && route.is_wire() {
        true => PayloadHash::Sha256(payload_digest::sha256(payload).await.map_err(unreadable)?),
        // The SDK hashes the payload itself.
        false => PayloadHash::Unsigned,
    };
    let in_memory = payload.as_chunks().is_some();
    let added = wanted.unwrap_or(ADDED);
    let computed;
    let checksum = match given {
        Some(given) => Some(given),
        None if !resolved.adds_checksums && wanted.is_none() => None,
        // S3 verifies the hash of a signed payload as well, so a file is not read again for a checksum.
        None if resolved.signs_payloads && wanted.is_none() && !in_memory && route.is_wire() => {
            None
        }
        None => {
            // Neither the SDK's client nor a signed payload supports our trailer: a file is read once more for its
            // checksum.
            let is_streamed = !in_memory && !resolved.signs_payloads && route.is_wire();
            request.trailer = trailer_of(added).filter(|_| is_streamed);
            match request.trailer {
                Some(_) => {
                    request.payload_hash = PayloadHash::StreamingTrailer;
                    None
                }
                None => {
                    let sum = payload_digest::checksum(payload, added).await;
                    computed = sum.map_err(unreadable)?;
                    Some(&computed)
                }
            }
        }
    };
    let headers = &mut request.headers;
    let pushed = (|| {
        if let Some(sum) = checksum {
            headers.push(header_of(sum.algorithm), &sum.value)?;
        }
        if let Some(trailer) = request.trailer {
            headers.push("x-amz-trailer", trailer.name)?;
            headers.push_formatted("x-amz-decoded-content-length", format_args!("{length}"))?;
            encoding = Some(match encoding {
                Some(own) => format!("aws-chunked,{own}").into(),
                None => "aws-chunked".into(),
            });
            length = trailer_len(length, trailer);
        }
        if let Some(encoding) = encoding {
            headers.push("content-encoding", &encoding)?;
        }
        headers.push_unsigned("content-length", &length.to_string())
    })();
    pushed.map_err(|error| invalid_header(operation, &error))
}

#[cfg(test)]
mod tests {
    use super::super::replay::{Replay, response};
    use crate::{
        Attributes, Checksum, ChecksumAlgorithm, ETag, Encryption, ErrorKind, Integrity, Payload,
        PutMode, PutRequest, Retryability, S3Url, Store,
    };

    fn request(payload: impl Into<Payload>) -> PutRequest {
        PutRequest::new(S3Url::parse("s3://bucket/key").unwrap(), payload.into())
    }

    fn written() -> Replay {
        Replay::new([response(
            200,
            &[("etag", "\"e1\""), ("x-amz-version-id", "v1")],
            "",
        )])
    }

    #[tokio::test]
    async fn a_plain_put_sends_no_optional_headers() {
        let replay = written();
        let response = replay.store().put(request("hello")).await.unwrap();
        assert_eq!(response.etag, Some(ETag::new("e1")));
        assert_eq!(response.version.unwrap().as_str(), "v1");
        let sent = replay.only();
        assert_eq!(sent.line(), "PUT http://127.0.0.1:9/bucket/key");
        assert_eq!(sent.text(), "hello");
        assert_eq!(sent.header("content-length"), Some("5"));
        assert_eq!(
            sent.header("x-amz-content-sha256"),
            Some("UNSIGNED-PAYLOAD")
        );
        for absent in [
            "content-type",
            "content-encoding",
            "if-none-match",
            "x-amz-checksum-crc32",
        ] {
            assert_eq!(sent.header(absent), None, "{absent}");
        }
    }

    #[tokio::test]
    async fn attributes_conditions_and_checksum_become_headers() {
        let attributes = Attributes {
            content_type: Some("text/plain".into()),
            encryption: Some(Encryption::new("aws:kms")),
            acl: Some("public-read".into()),
            user: [("Mixed".to_owned(), "Value".to_owned())].into(),
            ..Attributes::default()
        };
        let mut put = request("hello")
            .with_mode(PutMode::IfAbsent)
            .with_attributes(attributes);
        let algorithm = ChecksumAlgorithm::Crc32c;
        put.checksum = Some(Checksum::new(algorithm, "mnG7TA=="));
        let replay = written();
        replay.store().put(put).await.unwrap();
        let sent = replay.only();
        for (name, value) in [
            ("content-type", "text/plain"),
            ("x-amz-server-side-encryption", "aws:kms"),
            ("x-amz-acl", "public-read"),
            ("x-amz-meta-mixed", "Value"),
            ("if-none-match", "*"),
            ("x-amz-checksum-crc32c", "mnG7TA=="),
        ] {
            assert_eq!(sent.header(name), Some(value), "{name}");
        }
        let replay = written();
        replay
            .store()
            .put(request("a").with_mode(PutMode::IfMatch(ETag::new("e0"))))
            .await
            .unwrap();
        assert_eq!(replay.only().header("if-match"), Some("\"e0\""));
    }

    #[tokio::test]
    async fn without_tls_a_payload_that_leaves_this_machine_is_signed() {
        let replay = written();
        replay
            .builder()
            .endpoint("http://10.0.0.1")
            .build()
            .put(request("hello"))
            .await
            .unwrap();
        let hash = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        assert_eq!(replay.only().header("x-amz-content-sha256"), Some(hash));
    }

    #[tokio::test]
    async fn a_streamed_payload_goes_as_it_is_to_a_server_that_may_not_know_trailers() {
        let replay = written();
        let payload = Payload::from_chunks(["he".into(), "llo".into()]);
        replay.store().put(request(payload)).await.unwrap();
        let sent = replay.only();
        assert_eq!(sent.text(), "hello");
        assert_eq!(sent.header("content-length"), Some("5"));
        assert_eq!(
            sent.header("x-amz-content-sha256"),
            Some("UNSIGNED-PAYLOAD")
        );
    }

    #[tokio::test]
    async fn checksums_are_added_where_they_are_wanted() {
        let replay = written();
        let store = replay.builder().integrity(Integrity::WhenSupported).build();
        store.put(request("hello")).await.unwrap();
        assert_eq!(
            replay.only().header("x-amz-checksum-crc64nvme"),
            Some("M3eFcAZSQlc=")
        );
    }

    #[tokio::test]
    async fn the_checksum_of_a_write_has_the_algorithm_that_it_names() {
        for (algorithm, name, value) in [
            (ChecksumAlgorithm::Crc32, "x-amz-checksum-crc32", "NhCmhg=="),
            (
                ChecksumAlgorithm::Sha1,
                "x-amz-checksum-sha1",
                "qvTGHdzF6KLavt4PO0gs2a6pQ00=",
            ),
        ] {
            let replay = written();
            let attributes = Attributes::default().with_checksum_algorithm(algorithm);
            let put = request("hello").with_attributes(attributes);
            replay.store().put(put).await.unwrap();
            assert_eq!(replay.only().header(name), Some(value));
        }
    }

    #[tokio::test]
    async fn a_file_that_became_shorter_is_a_local_failure() {
        let path = std::env::temp_dir().join(format!("s3-core-put-{}", std::process::id()));
        std::fs::write(&path, b"12345").unwrap();
        let file = std::fs::File::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let payload = Payload::from_file(std::sync::Arc::new(file), 0, 9);
        let error = written().store().put(request(payload)).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.retryability()),
            (ErrorKind::LocalIo, Retryability::No)
        );
        assert!(error.to_string().contains("was truncated"), "{error}");
    }

    /// The same over sockets, where the HTTP client wraps the cause in errors of its own.
    #[tokio::test]
    async fn a_file_that_became_shorter_is_a_local_failure_over_a_socket_too() {
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        let peer = std::thread::spawn(move || {
            let (mut connection, _) = server.accept().unwrap();
            std::io::copy(&mut connection, &mut std::io::sink())
        });
        let path = std::env::temp_dir().join(format!("s3-core-socket-{}", std::process::id()));
        std::fs::write(&path, b"12345").unwrap();
        let file = std::fs::File::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let payload = Payload::from_file(std::sync::Arc::new(file), 0, 9);
        let store = crate::SdkStore::builder()
            .endpoint(&format!("http://{address}"))
            .region("us-east-1")
            .credentials("access", "secret", None)
            .build();
        let error = store.put(request(payload)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LocalIo, "{error}");
        drop(store);
        drop(peer.join());
    }
}
