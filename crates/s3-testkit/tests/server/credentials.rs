//! Access keys, regions and unsigned requests.

use s3_core::{ErrorKind, GetRequest, HeadRequest, MemoryStore, S3Url, Store, StoreExt};
use s3_testkit::S3Server;

use crate::raw_http;

#[tokio::test]
async fn wrong_credentials_are_rejected_with_s3s_codes() {
    let server = S3Server::start(MemoryStore::with_buckets(["bkt"]))
        .await
        .unwrap();
    let url = S3Url::parse("s3://bkt/k").unwrap();
    for (access_key, secret, code) in [
        (
            server.access_key(),
            "another secret",
            "SignatureDoesNotMatch",
        ),
        ("another-key", server.secret_key(), "InvalidAccessKeyId"),
    ] {
        let client = server
            .client_builder()
            .credentials(access_key, secret, None)
            .build();
        let error = client.get(GetRequest::new(url.clone())).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.http_status()),
            (ErrorKind::AccessDenied, Some(403)),
            "{error}"
        );
        assert_eq!(error.code(), Some(code));
    }
}

#[tokio::test]
async fn any_region_is_accepted() {
    let server = S3Server::start(MemoryStore::with_buckets(["bkt"]))
        .await
        .unwrap();
    let client = server.client_builder().region("eu-central-7").build();
    let error = client
        .head(HeadRequest::new(S3Url::parse("s3://bkt/k").unwrap()))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn unsigned_requests_are_accepted_only_if_allowed() {
    let closed = S3Server::start(MemoryStore::with_buckets(["bkt"]))
        .await
        .unwrap();
    assert_eq!(
        raw_http::send(&closed, "GET /bkt/k", &[], b"").await.status,
        403
    );
    let open = raw_http::open_server().await;
    assert_eq!(
        raw_http::send(&open, "GET /bkt/k", &[], b"").await.status,
        404
    );
}

/// Paths that `testsecret-testsecret` has signed with version 2 until 2100.
const VERSION_2: [(&str, &str); 2] = [
    ("/bkt", "DPBBB%2FUujtwTDmS6UwhKzPXfEW8%3D"),
    ("/bkt/k", "hejy1sNL5NU24OgxriMOEN8Z%2Flw%3D"),
];

#[tokio::test]
async fn old_regions_accept_signatures_of_version_2() {
    for (region, status) in [("us-east-1", 200), ("eu-central-1", 400)] {
        let store = MemoryStore::with_buckets(["bkt"]);
        let server = S3Server::builder(store).region(region).start().await;
        let server = server.unwrap();
        let url = S3Url::parse("s3://bkt/k").unwrap();
        server.store().put_bytes(url, "0123456789").await.unwrap();
        for (path, signature) in VERSION_2 {
            let access_key = server.access_key();
            let line = format!(
                "GET {path}?AWSAccessKeyId={access_key}&Signature={signature}&Expires=4102444800"
            );
            // Two ranges are ignored.
            let response = raw_http::send(&server, &line, &["Range: bytes=0-1,3-4"], b"").await;
            let text = response.text();
            assert_eq!(response.status, status, "{region} {path}: {text}");
            let expected = match (status, path) {
                (200, "/bkt") => "<Key>k</Key>",
                (200, _) => "0123456789",
                _ => {
                    "<Code>InvalidRequest</Code><Message>The authorization mechanism you have provided is not"
                }
            };
            assert!(text.contains(expected), "{region} {path}: {text}");
        }
    }
}
