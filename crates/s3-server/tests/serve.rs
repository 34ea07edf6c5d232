//! A server over TCP from start to end.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::net::SocketAddr;

use s3_core::{ErrorKind, MemoryStore, S3Url, SdkStore, SharedStore, StoreExt};
use s3_server::Service;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

async fn started() -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let store = SharedStore::new(MemoryStore::with_buckets(["bkt"]));
    let service = Service::builder(store).credentials("key", "secret").build();
    let (stop, stopped) = oneshot::channel();
    let until = async { stopped.await.unwrap() };
    (
        address,
        stop,
        tokio::spawn(s3_server::serve(listener, service, until)),
    )
}

fn client(address: SocketAddr, secret: &str) -> SdkStore {
    SdkStore::builder()
        .endpoint(&format!("http://{address}"))
        .region("us-east-1")
        .credentials("key", secret, None)
        .build()
}

#[tokio::test]
async fn what_was_put_is_read_until_the_server_stops() {
    let (address, stop, serving) = started().await;
    let store = client(address, "secret");
    let url = S3Url::parse("s3://bkt/a//b").unwrap();
    store.put_bytes(url.clone(), "value").await.unwrap();
    assert_eq!(store.get_bytes(url.clone()).await.unwrap(), "value");

    // The idle connection of the client does not keep the server.
    stop.send(()).unwrap();
    serving.await.unwrap();
    let refused = store.get_bytes(url).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Network, "{refused}");
}

#[tokio::test]
async fn a_wrong_secret_is_rejected() {
    let (address, _stop, _serving) = started().await;
    let url = S3Url::parse("s3://bkt/k").unwrap();
    let denied = client(address, "other").put_bytes(url, "value").await;
    assert_eq!(denied.unwrap_err().kind(), ErrorKind::AccessDenied);
}
