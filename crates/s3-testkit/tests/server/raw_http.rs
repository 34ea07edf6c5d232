//! Handwritten HTTP requests that a well-behaved client never sends.

use s3_core::MemoryStore;
use s3_testkit::S3Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A response as it came over the wire.
#[derive(Debug)]
pub(crate) struct RawResponse {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl RawResponse {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (have, value) = line.split_once(": ")?;
            have.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Starts a server with the bucket `bkt` that responses unsigned requests too.
pub(crate) async fn open_server() -> S3Server {
    S3Server::builder(MemoryStore::with_buckets(["bkt"]))
        .allow_anonymous()
        .start()
        .await
        .unwrap()
}

/// Sends one request and reads to the end of the connection. Headers are lines without line ends.
pub(crate) async fn send(
    server: &S3Server,
    line: &str,
    headers: &[&str],
    body: &[u8],
) -> RawResponse {
    let host = format!("Host: 127.0.0.1:{}", server.port());
    let mut lines = vec![format!("{line} HTTP/1.1"), "Connection: close".to_owned()];
    if !headers.iter().any(|header| header.starts_with("Host:")) {
        lines.push(host);
    }
    let is_chunked = { headers.iter() }.any(|header| header.starts_with("Transfer-Encoding:"));
    if !is_chunked {
        lines.push(format!("Content-Length: {}", body.len()));
    }
    lines.extend(headers.iter().map(|&header| header.to_owned()));
    let mut stream = TcpStream::connect(("127.0.0.1", server.port()))
        .await
        .unwrap();
    stream
        .write_all(format!("{}\r\n\r\n", lines.join("\r\n")).as_bytes())
        .await
        .unwrap();
    stream.write_all(body).await.unwrap();

    let mut whole = Vec::new();
    stream.read_to_end(&mut whole).await.unwrap();
    let end = whole
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap();
    let head = String::from_utf8(whole[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    RawResponse {
        status,
        head,
        body: whole[end + 4..].to_vec(),
    }
}
