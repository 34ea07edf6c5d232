//! Presigned URLs, used by a client that has no credentials.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use http::Method;

use super::S3ObjectStore;
use super::object_store::path::Path;
use super::object_store::signer::Signer;
use super::object_store::{Error, ObjectStoreExt};
use crate::setup::{BUCKET, Setup};

/// Sends one request and returns the whole response as text.
async fn send(method: Method, url: &str, body: &'static str) -> String {
    let (host, path) = url
        .strip_prefix("http://")
        .and_then(|rest| rest.split_once('/'))
        .unwrap();
    let host = host.to_owned();
    let len = body.len();
    let request = format!(
        "{method} /{path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {len}\r\nconnection: close\r\n\r\n{body}"
    );
    let exchange = move || {
        let mut connection = TcpStream::connect(host).unwrap();
        connection.write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        connection.read_to_string(&mut response).unwrap();
        response
    };
    tokio::task::spawn_blocking(exchange).await.unwrap()
}

#[tokio::test]
async fn a_signed_url_works_without_credentials_for_its_method_only() {
    let setup = Setup::over_http().await;
    let builder = S3ObjectStore::builder(setup.transfer(), BUCKET);
    let store = builder.build().unwrap();
    let path = Path::from("a/b c");
    let hour = Duration::from_secs(3600);
    let sign = |method: Method| {
        let (store, path) = (store.clone(), path.clone());
        async move { store.signed_url(method, &path, hour).await.unwrap() }
    };
    let response = send(Method::PUT, sign(Method::PUT).await.as_str(), "hello").await;
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    let read = store.get(&path).await.unwrap().bytes().await.unwrap();
    assert_eq!(read, "hello");
    let get = sign(Method::GET).await;
    let response = send(Method::GET, get.as_str(), "").await;
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    assert!(response.ends_with("hello"), "{response}");
    let response = send(Method::PUT, get.as_str(), "other").await;
    assert!(response.starts_with("HTTP/1.1 403"), "{response}");
    let response = send(Method::DELETE, sign(Method::DELETE).await.as_str(), "").await;
    assert!(response.starts_with("HTTP/1.1 204"), "{response}");
    assert!(matches!(
        store.head(&path).await,
        Err(Error::NotFound { .. })
    ));
    let signed = store.signed_url(Method::PATCH, &path, hour).await;
    assert!(
        matches!(signed, Err(Error::NotSupported { .. })),
        "{signed:?}"
    );
}
