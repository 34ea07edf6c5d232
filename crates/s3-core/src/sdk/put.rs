//! Writing an object in one request.

use super::blank_key::to_object;
use super::body;
use super::client::Resolved;
use super::convert::{self, checksum_of, with_attributes, with_checksum};
use super::direct;
use super::errors::from_sdk;
use crate::{Operation, PutRequest, PutResponse, Result};

/// Sets the condition of a write on a builder of the SDK.
macro_rules! with_mode {
    ($builder:expr, $mode:expr) => {
        match &$mode {
            $crate::PutMode::Overwrite => $builder,
            $crate::PutMode::IfAbsent => $builder.if_none_match("*"),
            $crate::PutMode::IfMatch(etag) => $builder.if_match(etag.quoted()),
        }
    };
}

pub(super) use with_mode;

pub(super) async fn put(resolved: &Resolved, request: PutRequest) -> Result<PutResponse> {
    let url = request.url.clone();
    let outcome = match resolved.direct(url.bucket()) {
        Some((direct, target)) => direct::put(direct, &target, &request).await,
        None => generated(resolved, request).await,
    };
    outcome.map_err(|error| error.with_resource(&url))
}

async fn generated(resolved: &Resolved, request: PutRequest) -> Result<PutResponse> {
    let PutRequest {
        url,
        payload,
        mode,
        attributes,
        checksum,
    } = request;
    let call = resolved.client(url.bucket()).put_object();
    let call = with_checksum!(
        with_mode!(with_attributes!(call, attributes), mode),
        checksum
    );
    let mut call = to_object!(call.body(body::outgoing(&payload)), url);
    if attributes.content_type.is_none() {
        // The SDK would claim `application/octet-stream` where the caller claimed nothing.
        call = call.mutate_request(|request| drop(request.headers_mut().remove("content-type")));
    }
    if resolved.covers_payloads() && body::in_one_buffer(&payload).is_some() {
        call = call.disable_payload_signing();
    }
    let sent = call.send().await;
    let output = sent.map_err(|error| from_sdk(Operation::Put, &error))?;
    Ok(PutResponse {
        checksum: checksum_of!(output),
        etag: convert::etag(output.e_tag),
        version: convert::version(output.version_id),
    })
}

#[cfg(test)]
mod tests {
    use super::super::replay::{Replay, answer};
    use crate::{
        Attributes, Checksum, ChecksumAlgorithm, ETag, Encryption, ErrorKind, Integrity, Payload,
        PutMode, PutRequest, Retryability, S3Url, Store,
    };

    fn request(payload: impl Into<Payload>) -> PutRequest {
        PutRequest::new(S3Url::parse("s3://bucket/key").unwrap(), payload.into())
    }

    fn written() -> Replay {
        Replay::new([answer(
            200,
            &[("etag", "\"e1\""), ("x-amz-version-id", "v1")],
            "",
        )])
    }

    #[tokio::test]
    async fn a_plain_put_sends_the_bytes_and_claims_nothing() {
        let replay = written();
        let answer = replay.store().put(request("hello")).await.unwrap();
        assert_eq!(answer.etag, Some(ETag::new("e1")));
        assert_eq!(answer.version.unwrap().as_str(), "v1");
        let sent = replay.only();
        assert_eq!(
            sent.line(),
            "PUT http://127.0.0.1:9/bucket/key?x-id=PutObject"
        );
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
            user: [("Mixed".to_owned(), "Value".to_owned())].into(),
            ..Attributes::default()
        };
        let mut put = request("hello")
            .with_mode(PutMode::IfAbsent)
            .with_attributes(attributes);
        let algorithm = ChecksumAlgorithm::Crc32c;
        put.checksum = Some(Checksum {
            algorithm,
            value: "mnG7TA==".into(),
        });
        let replay = written();
        replay.store().put(put).await.unwrap();
        let sent = replay.only();
        for (name, value) in [
            ("content-type", "text/plain"),
            ("x-amz-server-side-encryption", "aws:kms"),
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
            replay.only().header("x-amz-checksum-crc32"),
            Some("NhCmhg==")
        );
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
        assert!(error.to_string().contains("became shorter"), "{error}");
    }

    /// The same over the real HTTP stack, which wraps the cause in its own errors.
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
