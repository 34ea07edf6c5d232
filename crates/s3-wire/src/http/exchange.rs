//! Sends one request on a connection and reads the head of its response.

use std::sync::Arc;
use std::time::Duration;

use super::connection::Connection;
use super::error::{WireError, WireErrorKind};
use super::file_chunks::BufferPool;
use super::idle_pool::IdlePool;
use super::response_body::ResponseBody;
use super::response_head::{ParsedHead, ResponseHead};
use super::transmit::{Stop, transmit};
use crate::Request;

/// Maximum time to wait for the error response that explains a broken connection. It has arrived already or is about
/// to.
const ERROR_RESPONSE_TIMEOUT: Duration = Duration::from_secs(1);

/// The response to one request.
#[derive(Debug)]
pub struct Response {
    /// The status code, from 200 to 999.
    pub status: u16,
    /// The response headers.
    pub head: ResponseHead,
    /// The body, not read yet.
    pub body: ResponseBody,
}

/// An exchange that failed before the head of its response was read.
pub(super) struct Failure {
    pub(super) error: WireError,
    /// Whether the connection failed before any byte of a response, as an idle connection does if the server has closed
    /// it.
    pub(super) no_response: bool,
}

/// Sends `request` and reads the head of its response. Dropping the future closes the connection.
pub(super) async fn exchange(
    mut conn: Box<Connection>,
    idle_pool: &Arc<IdlePool>,
    head: &[u8],
    request: &Request<'_>,
    buffers: &BufferPool,
) -> Result<Response, Failure> {
    conn.begin();
    match read_head(&mut conn, head, request, buffers).await {
        Ok(parsed) => {
            let ParsedHead {
                status,
                head,
                framing,
                keep,
            } = parsed;
            let idle_pool = keep.then(|| Arc::clone(idle_pool));
            let body = match request.method {
                "HEAD" => ResponseBody::none(conn, idle_pool),
                _ => ResponseBody::new(framing, conn, idle_pool),
            };
            Ok(Response { status, head, body })
        }
        Err(error) => {
            let lost = matches!(error.kind(), WireErrorKind::Closed | WireErrorKind::Io);
            let no_response = lost && !conn.channel.has_received;
            Err(Failure { error, no_response })
        }
    }
}

async fn read_head(
    conn: &mut Connection,
    head: &[u8],
    request: &Request<'_>,
    buffers: &BufferPool,
) -> Result<ParsedHead, WireError> {
    match transmit(conn, head, request, buffers).await {
        Ok(None) => conn.channel.final_head().await,
        Ok(Some(early)) | Err(Stop::Responded(early)) => Ok(unkept(early)),
        Err(Stop::Failed(error)) => Err(error),
        Err(Stop::Broken(error)) => {
            let response =
                tokio::time::timeout(ERROR_RESPONSE_TIMEOUT, conn.channel.final_head()).await;
            match response {
                // A success response is not accepted, because the request was not sent completely.
                Ok(Ok(parsed)) if parsed.status >= 300 => Ok(unkept(parsed)),
                _ => Err(WireError::io(WireErrorKind::Io, error)),
            }
        }
    }
}

/// Marks the connection as not reusable: the response came before the end of the request, and it is not known how much
/// of the request the server has read.
fn unkept(parsed: ParsedHead) -> ParsedHead {
    ParsedHead {
        keep: false,
        ..parsed
    }
}
