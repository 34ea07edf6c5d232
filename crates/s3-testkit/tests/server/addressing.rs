//! Bucket addressing and other parts of request headers.

use s3_core::{S3Url, StoreExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::raw_http::{open_server, send};

#[tokio::test]
async fn a_bucket_may_be_in_the_host_name() {
    let server = open_server().await;
    let virtual_host = format!("Host: bkt.s3.localhost:{}", server.port());
    let put = send(&server, "PUT //a//b", &[&virtual_host], b"body").await;
    assert_eq!(put.status, 200, "{}", put.text());
    let url = S3Url::from_parts("bkt", "/a//b").unwrap();
    assert_eq!(server.store().get_bytes(url).await.unwrap(), "body");
    assert_eq!(
        send(&server, "GET /bkt//a//b", &[], b"").await.text(),
        "body"
    );
    assert_eq!(
        server.request_log().summary().get("GET bkt//a//b"),
        Some(&1)
    );
    assert_eq!(
        send(&server, "HEAD /", &[&virtual_host], b"").await.status,
        200
    );
}

#[tokio::test]
async fn names_that_the_server_does_not_know_are_path_style() {
    let server = open_server().await;
    for host in [
        "Host: localhost:1",
        "Host: s3.localhost",
        "Host: proxy.example",
    ] {
        assert_eq!(
            send(&server, "HEAD /bkt", &[host], b"").await.status,
            200,
            "{host}"
        );
    }
}

#[tokio::test]
async fn a_malformed_range_is_ignored() {
    let server = open_server().await;
    send(&server, "PUT /bkt/k", &[], b"0123456789").await;
    for (range, status, body) in [
        ("Range: bytes=2-3", 206, "23"),
        ("Range: bytes=-3", 206, "789"),
        ("Range: bytes=0-1,3-4", 200, "0123456789"),
        ("Range: bytes=7-3", 200, "0123456789"),
        ("Range: lines=0-1", 200, "0123456789"),
    ] {
        let response = send(&server, "GET /bkt/k", &[range], b"").await;
        assert_eq!(
            (response.status, response.text().as_str()),
            (status, body),
            "{range}"
        );
    }
    let range = send(&server, "GET /bkt/k", &["Range: bytes=2-99"], b"").await;
    assert_eq!(range.header("content-range"), Some("bytes 2-9/10"));
}

#[tokio::test]
async fn if_none_match_any_fails_for_an_existing_object() {
    let server = open_server().await;
    assert_eq!(
        send(&server, "PUT /bkt/k", &["If-None-Match: *"], b"1")
            .await
            .status,
        200
    );
    assert_eq!(
        send(&server, "PUT /bkt/k", &["If-None-Match: *"], b"2")
            .await
            .status,
        412
    );
    assert_eq!(
        send(&server, "GET /bkt/k", &["If-None-Match: *"], b"")
            .await
            .status,
        304
    );
}

#[tokio::test]
async fn the_location_of_a_bucket_is_the_region() {
    let server = open_server().await;
    assert_eq!(
        send(&server, "GET /bkt?location", &[], b"").await.status,
        200
    );
    assert_eq!(
        send(&server, "GET /other?location", &[], b"").await.status,
        404
    );
    assert_eq!(
        send(&server, "HEAD /bkt", &[], b"")
            .await
            .header("x-amz-bucket-region"),
        Some("us-east-1")
    );
}

#[tokio::test]
async fn a_put_that_ends_early_stores_nothing() {
    let server = open_server().await;
    let head = "PUT /bkt/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nonly this";
    let mut stream = TcpStream::connect(("127.0.0.1", server.port()))
        .await
        .unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    // The response, if there is one, and the end of the connection: the server has given up by then.
    let _ = stream.read_to_end(&mut Vec::new()).await;
    let url = S3Url::from_parts("bkt", "k").unwrap();
    assert!(!server.store().exists(url).await.unwrap());
    assert_eq!(server.request_log().requests()[0].request_bytes, 100);
}
