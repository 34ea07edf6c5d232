//! One request and its answer on one connection.

use std::sync::Arc;
use std::time::Duration;

use super::conn::Conn;
use super::error::{WireError, WireErrorKind};
use super::head::{Head, Parsed};
use super::incoming::Incoming;
use super::outgoing::Outgoing;
use super::pieces::Spare;
use super::slot::Slot;
use super::transmit::{Stop, transmit};

/// How long the reason for a broken connection is waited for. It is there already, or on its way to this task.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The answer to one request.
#[derive(Debug)]
pub(crate) struct Answer {
    /// From 200 to 999.
    pub(crate) status: u16,
    pub(crate) head: Head,
    pub(crate) body: Incoming,
}

/// A request without an answer.
pub(super) struct Failure {
    pub(super) error: WireError,
    /// Whether the connection failed before any byte of an answer: an idle one that was closed meanwhile does that.
    pub(super) unheard: bool,
}

/// Sends `outgoing` and reads the head of its answer. Dropped at any point, the connection is closed.
pub(super) async fn exchange(
    mut conn: Box<Conn>,
    home: &Arc<Slot>,
    outgoing: &Outgoing<'_>,
    spare: &Spare,
) -> Result<Answer, Failure> {
    conn.begin();
    match head(&mut conn, outgoing, spare).await {
        Ok(parsed) => {
            let Parsed {
                status,
                head,
                framing,
                keep,
            } = parsed;
            let home = keep.then(|| Arc::clone(home));
            let body = match outgoing.answer_has_body {
                true => Incoming::new(framing, conn, home),
                false => Incoming::none(conn, home),
            };
            Ok(Answer { status, head, body })
        }
        Err(error) => {
            let lost = matches!(error.kind(), WireErrorKind::Closed | WireErrorKind::Io);
            let unheard = lost && !conn.wire.heard;
            Err(Failure { error, unheard })
        }
    }
}

async fn head(
    conn: &mut Conn,
    outgoing: &Outgoing<'_>,
    spare: &Spare,
) -> Result<Parsed, WireError> {
    match transmit(conn, outgoing, spare).await {
        Ok(None) => conn.wire.final_head().await,
        Ok(Some(early)) | Err(Stop::Answered(early)) => Ok(unkept(early)),
        Err(Stop::Failed(error)) => Err(error),
        Err(Stop::Broken(error)) => {
            let heard = tokio::time::timeout(LAST_WORDS, conn.wire.final_head()).await;
            match heard {
                // A success that did not wait for all of the request is none.
                Ok(Ok(parsed)) if parsed.status >= 300 => Ok(unkept(parsed)),
                _ => Err(WireError::io(WireErrorKind::Io, error)),
            }
        }
    }
}

/// What an answer leaves that came before the end of its request: nobody knows how far the server has read.
fn unkept(parsed: Parsed) -> Parsed {
    Parsed {
        keep: false,
        ..parsed
    }
}
