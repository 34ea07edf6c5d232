//! `CONNECT`: a connection to an origin through a proxy.

use std::future::poll_fn;
use std::io::IoSlice;

use super::connection::{Connection, Io};
use super::error::{WireError, WireErrorKind};
use super::origin::Origin;
use super::proxy::Proxy;
use crate::ErrorDocument;

/// The longest text of a proxy that an error takes over.
const MOST_WORDS: usize = 200;

/// Has the proxy connect to `origin`.
pub(super) async fn tunnel(io: Io, origin: &Origin, proxy: &Proxy) -> Result<Io, WireError> {
    let (to, own) = (origin.authority(), proxy.header());
    let head = format!("CONNECT {to} HTTP/1.1\r\nhost: {to}\r\n{own}\r\n");
    let mut conn = Connection::new(io);
    let mut left = head.as_bytes();
    while !left.is_empty() {
        let written = poll_fn(|cx| conn.channel.poll_write(cx, &[IoSlice::new(left)], false)).await;
        let written = written.map_err(|error| WireError::io(WireErrorKind::Connect, error))?;
        left = &left[written.unwrap_or_default()..];
    }
    let flushed = poll_fn(|cx| conn.channel.poll_flush(cx, false)).await;
    flushed.map_err(|error| WireError::io(WireErrorKind::Connect, error))?;
    let parsed = conn.channel.final_head().await?;
    if !(200..300).contains(&parsed.status) {
        let unread = conn.channel.read_buffer.unread();
        return Err(rejection(
            parsed.status,
            parsed.head.get("proxy-authenticate"),
            unread,
        ));
    }
    match conn.channel.read_buffer.is_empty() {
        true => Ok(conn.channel.io),
        false => Err(WireError::malformed("the proxy speaks before the server")),
    }
}

/// Returns the error of a proxy that does not connect. Most reasons stay the same: who asks, and for what. The others are
/// as good as a failed connection.
fn rejection(status: u16, authenticate: Option<&str>, body: &[u8]) -> WireError {
    let kind = match status {
        408 | 429 | 500.. => WireErrorKind::Connect,
        _ => WireErrorKind::Proxy,
    };
    let body = String::from_utf8_lossy(body);
    let said = match (authenticate, ErrorDocument::read(&body).message) {
        (Some(scheme), _) => format!(", and wants to know who asks by {scheme}"),
        (None, Some(message)) => format!(": {message}"),
        (None, None) => String::new(),
    };
    let said: String = said.chars().take(MOST_WORDS).collect();
    let text = format!("the proxy responds to CONNECT with status {status}{said}");
    WireError::text(kind, text)
}
