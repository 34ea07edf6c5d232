//! Access headers of every request: signatures, payers, owners, keys of customers; and proxies. Over both request
//! paths.

use std::time::Duration;

use s3_client::{Addressing, Integrity, S3, blocking};
use s3_core::{
    Attributes, CompleteUpload, CopyRequest, CreateUpload, DeleteRequest, Error, ErrorKind,
    GetObjectAttributes, GetRequest, HeadRequest, ListParts, ListRequest, MemoryStore,
    PresignMethod, PresignRequest, PutRequest, S3Prefix, S3Url, SdkStore, SdkStoreBuilder, Store,
    StoreExt, UploadPart,
};
use s3_testkit::S3Server;
use s3_testkit::conformance::Harness;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The account of the server's buckets.
const OWNER: &str = "123456789012";
/// The log leaves signatures out; this header comes with each.
const SIGNED: &str = "x-amz-date";
const KEY: &str = "x-amz-server-side-encryption-customer-key";
const SOURCE_KEY: &str = "x-amz-copy-source-server-side-encryption-customer-key";

async fn server() -> S3Server {
    let store = MemoryStore::with_buckets(["bkt"]);
    S3Server::start(store).await.unwrap()
}

fn url(key: &str) -> S3Url {
    S3Url::from_parts("bkt", key).unwrap()
}

/// A store of each request path: ours, and the generated client's.
fn both(builder: &SdkStoreBuilder) -> [SdkStore; 2] {
    [false, true].map(|generated| builder.clone().sdk_retries(generated).build())
}

/// Calls that move content and calls that do not.
async fn everyday(store: &SdkStore) {
    store.put_bytes(url("k"), "hello").await.unwrap();
    assert_eq!(store.get_bytes(url("k")).await.unwrap(), "hello");
    store.head(HeadRequest::new(url("k"))).await.unwrap();
    let attributes = GetObjectAttributes::new(url("k"));
    store.object_attributes(attributes).await.unwrap();
    let copy = CopyRequest::new(url("k"), url("copy"));
    store.copy(copy).await.unwrap();
    assert_eq!(store.get_bytes(url("copy")).await.unwrap(), "hello");
    let create = CreateUpload::new(url("parts"), Attributes::default());
    let upload = store.create_upload(create).await.unwrap();
    let part = UploadPart::new(url("parts"), upload.clone(), 1, "part".into());
    let tag = store.upload_part(part).await.unwrap();
    let complete = CompleteUpload::new(url("parts"), upload, vec![tag]);
    store.complete_upload(complete).await.unwrap();
    assert_eq!(store.get_bytes(url("parts")).await.unwrap(), "part");
    let list = ListRequest::new(S3Prefix::parse("s3://bkt/").unwrap());
    assert_eq!(store.list_page(list).await.unwrap().objects.len(), 3);
    let urls = ["k", "copy", "parts"].map(url).to_vec();
    let deleted = store.delete(DeleteRequest::new("bkt", urls)).await.unwrap();
    assert!(deleted.failures.is_empty());
}

#[tokio::test]
async fn every_request_names_payer_and_owner_and_content_the_key() {
    let server = server().await;
    let builder = server
        .client_builder()
        .requester_pays()
        .bucket_owner(OWNER)
        .customer_key(&[7; 32]);
    for store in both(&builder) {
        server.request_log().clear();
        everyday(&store).await;
        let requests = server.request_log().requests();
        assert!(requests.len() >= 12, "{}", requests.len());
        for request in &requests {
            let operation = request.call.operation;
            assert_eq!(request.header("x-amz-request-payer"), Some("requester"));
            assert_eq!(request.header("x-amz-expected-bucket-owner"), Some(OWNER));
            let concerns_content = !matches!(operation, "ListObjectsV2" | "DeleteObjects");
            assert_eq!(
                request.header(KEY).is_some(),
                concerns_content,
                "{operation}"
            );
            let copies = operation == "CopyObject";
            assert_eq!(request.header(SOURCE_KEY).is_some(), copies, "{operation}");
        }
    }
}

#[tokio::test]
async fn another_key_or_owner_is_rejected() {
    let server = server().await;
    let builder = server.client_builder();
    for store in both(&builder.clone().customer_key(&[7; 32])) {
        store.put_bytes(url("k"), "hello").await.unwrap();
        for stranger in [builder.clone(), builder.clone().customer_key(&[8; 32])] {
            for stranger in both(&stranger) {
                let read = stranger.get(GetRequest::new(url("k"))).await;
                denied(read.map(drop));
                let copy = CopyRequest::new(url("k"), url("copy"));
                denied(stranger.copy(copy).await.map(drop));
            }
        }
    }
    for stranger in both(&builder.bucket_owner("210987654321")) {
        let error = stranger.get_bytes(url("k")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AccessDenied, "{error}");
        let put = PutRequest::new(url("k"), "mine".into());
        let error = stranger.put(put).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AccessDenied, "{error}");
    }
}

#[tokio::test]
async fn an_upload_with_a_checksum_and_a_customers_key_is_completed_with_the_key() {
    let server = server().await;
    let builder = server.client_builder();
    let with_key = builder.clone().customer_key(&[7; 32]);
    for store in both(&with_key.integrity(Integrity::WhenSupported)) {
        let create = CreateUpload::new(url("parts"), Attributes::default());
        let upload = store.create_upload(create).await.unwrap();
        let part = UploadPart::new(url("parts"), upload.clone(), 1, "part".into());
        let tag = store.upload_part(part).await.unwrap();
        let list = ListParts::new(url("parts"), upload.clone());
        let complete = CompleteUpload::new(url("parts"), upload, vec![tag]);
        for stranger in [builder.clone(), builder.clone().customer_key(&[8; 32])] {
            for stranger in both(&stranger) {
                denied(stranger.list_parts(list.clone()).await.map(drop));
                denied(stranger.complete_upload(complete.clone()).await.map(drop));
            }
        }
        let listed = store.list_parts(list).await.unwrap();
        assert_eq!(listed.parts.len(), 1);
        store.complete_upload(complete).await.unwrap();
        assert_eq!(store.get_bytes(url("parts")).await.unwrap(), "part");
    }
}

#[tokio::test]
async fn a_presigned_url_names_payer_and_owner_and_is_accepted() {
    let server = server().await;
    let builder = server.client_builder().requester_pays().bucket_owner(OWNER);
    for store in both(&builder) {
        store.put_bytes(url("k"), "hello").await.unwrap();
        let minute = Duration::from_secs(60);
        let request = PresignRequest::new(url("k"), PresignMethod::Get, minute);
        let presigned = store.presign(request).await.unwrap();
        assert!(presigned.contains("x-amz-request-payer=requester"));
        let (_, rest) = presigned.split_once("://").unwrap();
        let (host, path) = rest.split_once('/').unwrap();
        let mut connection = TcpStream::connect(host).await.unwrap();
        let get = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        connection.write_all(get.as_bytes()).await.unwrap();
        let mut response = String::new();
        connection.read_to_string(&mut response).await.unwrap();
        assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    }
}

/// AWS responds with 400 or 403.
fn denied(outcome: Result<(), Error>) {
    let error = outcome.expect_err("the object has another key");
    let kinds = [ErrorKind::InvalidInput, ErrorKind::AccessDenied];
    assert!(kinds.contains(&error.kind()), "{error}");
}

#[tokio::test]
async fn anonymous_requests_are_not_signed() {
    let store = MemoryStore::with_buckets(["bkt"]);
    let server = S3Server::builder(store).allow_anonymous().start();
    let server = server.await.unwrap();
    let anonymous = |server: &S3Server| {
        let builder = SdkStore::builder().endpoint(&server.endpoint());
        both(&builder.region("us-east-1").anonymous())
    };
    for store in anonymous(&server) {
        everyday(&store).await;
    }
    let closed = S3Server::start(MemoryStore::with_buckets(["bkt"])).await;
    for store in anonymous(&closed.unwrap()) {
        let error = store.get_bytes(url("k")).await.unwrap_err();
        // A signature with an unknown key would be `InvalidAccessKeyId`.
        assert_eq!(error.code(), Some("AccessDenied"), "{error}");
    }
}

/// The server stands in for the proxy: it takes the absolute form of a request.
#[tokio::test]
async fn a_proxy_and_virtual_hosts_of_the_builder_are_used() {
    let server = server().await;
    let builder = server
        .client_builder()
        .endpoint("http://s3.localhost:1")
        .addressing(s3_core::Addressing::VirtualHost)
        .proxy(&server.endpoint());
    for store in both(&builder) {
        server.request_log().clear();
        store.put_bytes(url("k"), "hello").await.unwrap();
        assert_eq!(store.get_bytes(url("k")).await.unwrap(), "hello");
        for request in server.request_log().requests() {
            let host = request.header("host").unwrap_or_default().to_owned();
            assert_eq!(host, "bkt.s3.localhost:1");
        }
    }
}

#[tokio::test]
async fn the_builder_of_the_client_has_all_settings() {
    let dir = tempfile::tempdir().unwrap();
    let server = server().await;
    let s3 = S3::builder()
        .endpoint("http://s3.localhost:1")
        .region("us-east-1")
        .credentials(server.access_key(), server.secret_key(), None)
        .addressing(Addressing::VirtualHost)
        .integrity(Integrity::WhenSupported)
        .proxy(server.endpoint())
        .requester_pays()
        .bucket_owner(OWNER)
        .customer_key([7; 32])
        .tmproot(dir.path())
        .build()
        .unwrap();
    s3.put("s3://bkt/k", "hello").await.unwrap();
    let put = server.request_log().requests().remove(0);
    assert_eq!(put.header("host"), Some("bkt.s3.localhost:1"));
    for header in [
        SIGNED,
        "x-amz-checksum-crc64nvme",
        "x-amz-request-payer",
        "x-amz-expected-bucket-owner",
        KEY,
    ] {
        assert!(put.header(header).is_some(), "{header}");
    }
    assert_eq!(s3.get("s3://bkt/k").await.unwrap().text().unwrap(), "hello");
    let wrong = S3::builder().endpoint(server.endpoint()).proxy("ftp://x");
    let error = wrong.tmproot(dir.path()).build().unwrap_err().to_string();
    assert!(error.contains("of the builder"), "{error}");
}

#[test]
fn a_blocking_client_may_be_anonymous() {
    let dir = tempfile::tempdir().unwrap();
    let store = MemoryStore::with_buckets(["bkt"]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(S3Server::builder(store).allow_anonymous().start());
    let server = server.unwrap();
    let s3 = blocking::S3::builder()
        .endpoint(server.endpoint())
        .anonymous()
        .tmproot(dir.path())
        .build()
        .unwrap();
    s3.put("s3://bkt/k", "hello").send().unwrap();
    assert_eq!(
        s3.get("s3://bkt/k").send().unwrap().text().unwrap(),
        "hello"
    );
    assert_eq!(
        server.request_log().requests()[0].header("authorization"),
        None
    );
    s3.close().unwrap();
}

/// A store that says who owns the bucket, who pays and with which key content is encrypted, for the conformance suite.
pub(crate) async fn harness(bucket: &str, generated: bool) -> Harness {
    let store = MemoryStore::with_buckets([bucket.to_owned()]);
    let server = S3Server::start(store).await.unwrap();
    let store = server
        .client_builder()
        .requester_pays()
        .bucket_owner(OWNER)
        .customer_key(&[7; 32])
        .sdk_retries(generated)
        .build();
    Harness::new(store, bucket)
        .failing(KEY_AND_ENCRYPTION)
        .keeping(server)
}

const EXCLUSIVE: &str = "a customer's key excludes another encryption";

const KEY_AND_ENCRYPTION: &[(&str, &str)] = &[
    ("attributes::encryption_comes_back", EXCLUSIVE),
    ("attributes::a_key_of_kms_comes_back", EXCLUSIVE),
    (
        "copy_delete::a_copy_may_be_encrypted_and_keeps_the_attributes",
        EXCLUSIVE,
    ),
];
