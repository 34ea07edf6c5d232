//! Servers of other `s3s` services, and servers on their own threads.

use s3_core::{MemoryStore, S3Url, StoreExt};
use s3_testkit::S3Server;

use crate::raw_http;

#[tokio::test]
async fn any_implementation_of_the_protocol_can_be_served() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("bkt")).unwrap();
    let files = s3s_fs::FileSystem::new(directory.path()).unwrap();
    let server = S3Server::builder_for(files).start().await.unwrap();
    let url = S3Url::parse("s3://bkt/a/b").unwrap();
    server
        .sdk_store()
        .put_bytes(url.clone(), "body")
        .await
        .unwrap();
    assert_eq!(
        std::fs::read(directory.path().join("bkt/a/b")).unwrap(),
        b"body"
    );
    assert_eq!(server.store().get_bytes(url).await.unwrap(), "body");
    server.stop().await;
}

#[test]
fn blocking_code_can_start_a_server() {
    let memory = MemoryStore::with_buckets(["bkt"]);
    let server = S3Server::spawn_thread(memory).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let url = S3Url::parse("s3://bkt/k").unwrap();
    runtime
        .block_on(server.sdk_store().put_bytes(url, "body"))
        .unwrap();
    assert_eq!(server.request_log().count_of("PutObject"), 1);
    assert_eq!(server.unfinished_uploads().unwrap(), 0);
    let port = server.port();
    server.stop();
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[tokio::test]
async fn a_port_that_is_taken_is_an_error() {
    let server = raw_http::open_server().await;
    let second = S3Server::builder(MemoryStore::new())
        .port(server.port())
        .start()
        .await;
    assert_eq!(second.unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
}

#[tokio::test]
async fn stopping_frees_the_port() {
    let server = raw_http::open_server().await;
    let port = server.port();
    assert_eq!(
        raw_http::send(&server, "HEAD /bkt", &[], b"").await.status,
        200
    );
    server.stop().await;
    S3Server::builder(MemoryStore::new())
        .port(port)
        .start()
        .await
        .unwrap()
        .stop()
        .await;
}
