//! Request bodies are verified against their declared checksums and length.

use std::sync::Arc;

use s3_core::{
    Checksum, ChecksumAlgorithm, ErrorKind, HeadRequest, Integrity, MemoryStore, Payload,
    PutRequest, S3Url, Store, StoreExt,
};
use s3_testkit::{S3Server, assert_ramp, ramp};

use crate::raw_http::{RawResponse, open_server, send};
use crate::signing::signed_put;

/// The checksums of `123456789`: the check values of the CRC catalogue, and the digests, in base64.
const RIGHT: &[(&str, &str)] = &[
    ("crc32", "y/Q5Jg=="),
    ("crc32c", "4waSgw=="),
    ("crc64nvme", "rosUhgp5mIg="),
    ("sha1", "98O8HYCOBHMq32eZZczDTKeuNEE="),
    ("sha256", "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="),
];

async fn put(server: &S3Server, headers: &[&str]) -> RawResponse {
    send(server, "PUT /bkt/k", headers, b"123456789").await
}

#[tokio::test]
async fn every_algorithm_is_verified_stored_and_returned_on_request() {
    let server = open_server().await;
    for (name, value) in RIGHT {
        let header = format!("x-amz-checksum-{name}");
        let response = put(&server, &[&format!("{header}: {value}")]).await;
        assert_eq!(
            (response.status, response.header(&header)),
            (200, Some(*value)),
            "{name} {}",
            response.text()
        );
        let head = send(
            &server,
            "HEAD /bkt/k",
            &["x-amz-checksum-mode: ENABLED"],
            b"",
        )
        .await;
        assert_eq!(head.header(&header), Some(*value), "{name}");
        assert_eq!(
            send(&server, "HEAD /bkt/k", &[], b"").await.header(&header),
            None,
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_mismatch_is_rejected_and_nothing_is_stored() {
    let server = open_server().await;
    for (name, value) in RIGHT {
        // The right value of other bytes.
        let wrong = value.replace(&value[..1], if value.starts_with('A') { "B" } else { "A" });
        let response = put(&server, &[&format!("x-amz-checksum-{name}: {wrong}")]).await;
        assert_eq!(response.status, 400, "{name}");
        assert!(
            response.text().contains("<Code>BadDigest</Code>"),
            "{name}: {}",
            response.text()
        );
    }
    let md5 = put(&server, &["Content-MD5: AAAAAAAAAAAAAAAAAAAAAA=="]).await;
    assert!(
        md5.status == 400 && md5.text().contains("<Code>BadDigest</Code>"),
        "{md5:?}"
    );
    let not_base64 = put(&server, &["Content-MD5: ???"]).await;
    assert!(
        not_base64.status == 400 && not_base64.text().contains("InvalidDigest"),
        "{not_base64:?}"
    );
    assert_eq!(send(&server, "HEAD /bkt/k", &[], b"").await.status, 404);
}

#[tokio::test]
async fn content_md5_is_checked() {
    let server = open_server().await;
    assert_eq!(
        put(&server, &["Content-MD5: JfnnlDI7RTiF9RgfG2JNCw=="])
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn two_algorithms_at_once_are_rejected() {
    let server = open_server().await;
    let response = put(
        &server,
        &[
            "x-amz-checksum-crc32: y/Q5Jg==",
            "x-amz-checksum-crc32c: 4waSgw==",
        ],
    )
    .await;
    assert_eq!(response.status, 400);
    assert!(
        response.text().contains("<Code>InvalidRequest</Code>"),
        "{}",
        response.text()
    );
}

/// A file is sent aws-chunked, with the checksum as a trailer.
#[tokio::test]
async fn a_trailer_is_verified_and_stored() {
    let server = S3Server::start(MemoryStore::with_buckets(["bkt"]))
        .await
        .unwrap();
    let client = server
        .client_builder()
        .integrity(Integrity::WhenSupported)
        .build();
    let url = S3Url::parse("s3://bkt/k").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    std::fs::write(&path, ramp(0, 300_000)).unwrap();
    let payload = Payload::from_file(Arc::new(std::fs::File::open(&path).unwrap()), 0, 300_000);
    client
        .put(PutRequest::new(url.clone(), payload))
        .await
        .unwrap();

    let recorded = &server.request_log().requests()[0];
    assert_eq!(
        recorded.header("x-amz-trailer"),
        Some("x-amz-checksum-crc64nvme"),
        "{recorded:?}"
    );
    assert_ramp(&server.store().get_bytes(url.clone()).await.unwrap(), 0);
    let meta = server.store().head(HeadRequest::new(url)).await.unwrap();
    assert_eq!(meta.checksum.unwrap().algorithm.as_str(), "CRC64NVME");
    assert_eq!(meta.attributes.content_encoding, None);
}

/// The same by hand, with chunks that are not signed.
#[tokio::test]
async fn a_wrong_trailer_is_rejected() {
    let server = S3Server::start(MemoryStore::with_buckets(["bkt"]))
        .await
        .unwrap();
    for (value, status, code) in [
        ("y/Q5Jg==", 200, ""),
        ("AAAAAA==", 400, "<Code>BadDigest</Code>"),
    ] {
        let body = format!("9\r\n123456789\r\n0\r\nx-amz-checksum-crc32:{value}\r\n\r\n");
        let extra = [
            ("content-encoding", "aws-chunked"),
            ("x-amz-decoded-content-length", "9"),
            ("x-amz-trailer", "x-amz-checksum-crc32"),
        ];
        let headers = signed_put(
            &server,
            "/bkt/k",
            "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            &extra,
        );
        let headers: Vec<_> = headers.iter().map(String::as_str).collect();
        let response = send(&server, "PUT /bkt/k", &headers, body.as_bytes()).await;
        assert_eq!(response.status, status, "{}", response.text());
        assert!(response.text().contains(code), "{}", response.text());
    }
    let url = S3Url::parse("s3://bkt/k").unwrap();
    assert_eq!(server.store().get_bytes(url).await.unwrap(), "123456789");
}

#[tokio::test]
async fn a_body_that_does_not_match_its_signed_hash_is_rejected() {
    let server = S3Server::start(MemoryStore::with_buckets(["bkt"]))
        .await
        .unwrap();
    let headers = signed_put(&server, "/bkt/k", &"0".repeat(64), &[]);
    let headers: Vec<_> = headers.iter().map(String::as_str).collect();
    let response = send(&server, "PUT /bkt/k", &headers, b"123456789").await;
    assert_eq!(response.status, 400);
    assert!(
        response
            .text()
            .contains("<Code>XAmzContentSHA256Mismatch</Code>"),
        "{}",
        response.text()
    );
    assert!(
        !server
            .store()
            .exists(S3Url::parse("s3://bkt/k").unwrap())
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn a_client_sees_a_mismatch_as_an_integrity_error() {
    let server = S3Server::start(MemoryStore::with_buckets(["bkt"]))
        .await
        .unwrap();
    let mut put = PutRequest::new(
        S3Url::parse("s3://bkt/k").unwrap(),
        Payload::from("123456789"),
    );
    put.checksum = Some(Checksum::new(ChecksumAlgorithm::Crc32, "AAAAAA=="));
    let error = server.sdk_store().put(put).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Integrity, Some("BadDigest"))
    );
}

#[tokio::test]
async fn an_object_without_a_checksum_gets_one_if_the_server_is_told_to() {
    for (told, value) in [(true, Some("rosUhgp5mIg=")), (false, None)] {
        let server = S3Server::builder(MemoryStore::with_buckets(["bkt"])).allow_anonymous();
        let server = match told {
            true => server.default_checksums(),
            false => server,
        };
        let server = server.start().await.unwrap();
        let written = put(&server, &[]).await;
        assert_eq!(written.header("x-amz-checksum-crc64nvme"), value);
        let mode = ["x-amz-checksum-mode: ENABLED"];
        let head = send(&server, "HEAD /bkt/k", &mode, b"").await;
        assert_eq!(head.header("x-amz-checksum-crc64nvme"), value);
    }
}

#[tokio::test]
async fn a_copy_keeps_its_attributes_with_another_storage_class() {
    let server = open_server().await;
    put(&server, &["x-amz-meta-a: 1"]).await;
    let headers = [
        "x-amz-copy-source: bkt/k",
        "x-amz-storage-class: STANDARD_IA",
    ];
    let copied = send(&server, "PUT /bkt/copy", &headers, b"").await;
    assert_eq!(copied.status, 200, "{}", copied.text());
    let head = send(&server, "HEAD /bkt/copy", &[], b"").await;
    assert_eq!(head.header("x-amz-storage-class"), Some("STANDARD_IA"));
    assert_eq!(head.header("x-amz-meta-a"), Some("1"));
}
