//! Access keys, regions and unsigned requests.

use s3_core::{ErrorKind, GetRequest, HeadRequest, MemoryStore, S3Url, Store};
use s3_testkit::S3Server;

use crate::raw_http;

#[tokio::test]
async fn wrong_credentials_are_refused_with_s3s_codes() {
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
