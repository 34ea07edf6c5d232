//! A server of a memory store that needs no signatures, and requests without a client.

use std::net::SocketAddr;
use std::time::Duration;

use s3_core::{MemoryStore, SharedStore};
use s3_server::{Service, ServiceBuilder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// A server on its own port. Dropping it stops it.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A response, whose body is text.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(have, _)| have.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Returns the code of an error document.
    pub(crate) fn code(&self) -> Option<&str> {
        let (_, rest) = self.body.split_once("<Code>")?;
        Some(rest.split_once("</Code>")?.0)
    }
}

/// Returns the builder of a service with the bucket `bkt`.
pub(crate) fn builder() -> ServiceBuilder {
    let store = SharedStore::new(MemoryStore::with_buckets(["bkt"]));
    Service::builder(store).credentials("key", "secret")
}

impl Server {
    /// Starts a server.
    pub(crate) async fn start(service: Service) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(s3_server::serve(listener, service, std::future::pending()));
        Self { address, serving }
    }

    /// Starts a server that needs no signatures.
    pub(crate) async fn open() -> Self {
        Self::start(builder().allow_anonymous().build()).await
    }

    /// Sends a request and returns the response; `line` is a method and a target.
    pub(crate) async fn send(&self, line: &str, headers: &[&str], body: &str) -> Response {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        let request = format!(
            "{line} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}",
            self.address,
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        received(stream).await
    }

    /// Sends the beginning of a request and nothing more, and returns the response that comes nevertheless.
    pub(crate) async fn begin(&self, line: &str, headers: &[&str], body: &str) -> Response {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        let head = format!(
            "{line} HTTP/1.1\r\nHost: {}\r\nConnection: close",
            self.address
        );
        let request = format!("{head}\r\n{headers}\r\n{body}");
        stream.write_all(request.as_bytes()).await.unwrap();
        let response = timeout(Duration::from_secs(20), received(stream));
        response.await.expect("the server waits for the body")
    }

    /// Sends a request that succeeds.
    pub(crate) async fn ok(&self, line: &str, headers: &[&str], body: &str) -> Response {
        let response = self.send(line, headers, body).await;
        assert!(response.status < 300, "{line}: {response:?}");
        response
    }
}

/// Reads a response until the connection ends.
pub(crate) async fn received(mut stream: TcpStream) -> Response {
    let mut text = Vec::new();
    stream.read_to_end(&mut text).await.unwrap();
    let text = String::from_utf8(text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).unwrap_or_default();
    Response {
        status: status.parse().unwrap_or_default(),
        head: head.to_owned(),
        body: body.to_owned(),
    }
}
