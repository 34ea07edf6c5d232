//! Opens a connection to an origin through an HTTP proxy, with a `CONNECT` request.

use std::future::poll_fn;
use std::io::IoSlice;
use std::time::Duration;

use tokio::time::timeout;

use super::connection::{Connection, Io};
use super::error::{WireError, WireErrorKind};
use super::origin::Origin;
use super::proxy::Proxy;
use super::response_body::ResponseBody;
use super::response_head::ResponseHead;

/// Maximum size of a proxy's error page that is read, and maximum time to wait for it.
const MOST_BODY: usize = 64 << 10;
const BODY_TIMEOUT: Duration = Duration::from_secs(1);

/// Maximum length of a proxy's header in an error text.
const MOST_WORDS: usize = 200;

/// Sends `CONNECT` to the proxy. Returns the connection to `origin`.
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
        let mut body = ResponseBody::new(parsed.framing, Box::new(conn), None);
        let body = timeout(BODY_TIMEOUT, body.collect_beginning(MOST_BODY)).await;
        let body = body.ok().and_then(Result::ok).unwrap_or_default();
        return Err(rejection(parsed.status, &parsed.head).with_response(&body));
    }
    match conn.channel.read_buffer.is_empty() {
        true => Ok(conn.channel.io),
        false => Err(WireError::malformed(
            "the proxy sent data before the TLS handshake",
        )),
    }
}

/// Returns the error of a proxy that does not connect. Most statuses are permanent, because they depend on the client
/// and on the address. The others count as a failed connection.
fn rejection(status: u16, head: &ResponseHead) -> WireError {
    let kind = match status {
        408 | 429 | 500.. => WireErrorKind::Connect,
        _ => WireErrorKind::Proxy,
    };
    let said = match (head.get("proxy-authenticate"), head.get("location")) {
        (Some(scheme), _) => format!(", and wants to know who asks by {scheme}"),
        (None, Some(location)) => format!(", and redirects to {location}"),
        (None, None) => String::new(),
    };
    let said: String = said.chars().take(MOST_WORDS).collect();
    let text = format!("the proxy responds to CONNECT with status {status}{said}");
    WireError::text(kind, text)
}
