//! What goes wrong.

use std::fmt;
use std::time::Duration;

/// A place in an answer's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Position {
    /// After so many bytes.
    Byte(u64),
    /// After half of the bytes, rounded down.
    Half,
}

impl Position {
    /// Returns the number of bytes before the place in a body of `len` bytes, or `None` if the body ends before it.
    pub(crate) fn within(self, len: u64) -> Option<u64> {
        let at = match self {
            Self::Byte(at) => at,
            Self::Half => len / 2,
        };
        (at < len).then_some(at)
    }
}

/// What goes wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultAction {
    /// The server answers with an error and does nothing. A `HEAD` has no body, hence no code.
    Status {
        /// The HTTP status.
        status: u16,
        /// S3's error code.
        code: String,
        /// The value of `Retry-After`, in whole seconds.
        retry_after: Option<Duration>,
    },
    /// The connection is closed without an answer, and nothing is done.
    Drop,
    /// The request is carried out, but the connection is closed without an answer.
    LoseReply,
    /// The whole length is announced, the body ends early, and the connection is closed in good order.
    TruncateBody {
        /// Where the body ends.
        at: Position,
    },
    /// The body breaks with an error of the transport: over TCP, a reset.
    BodyError {
        /// Where the body breaks.
        at: Position,
    },
    /// Nothing moves for a while.
    Stall {
        /// Where in the body; before the answer, and before anything is done, if `None`.
        at: Option<Position>,
        /// How long; until the client gives up if `None`.
        wait: Option<Duration>,
    },
    /// The answer carries another entity tag, as if the object had been replaced.
    ChangedETag,
}

impl FaultAction {
    /// Answers with an error.
    #[must_use]
    pub fn status(status: u16, code: &str) -> Self {
        Self::Status {
            status,
            code: code.to_owned(),
            retry_after: None,
        }
    }

    /// Answers `503 SlowDown` with a `Retry-After`.
    #[must_use]
    pub fn slow_down(retry_after: Duration) -> Self {
        Self::Status {
            status: 503,
            code: "SlowDown".to_owned(),
            retry_after: Some(retry_after),
        }
    }

    /// Ends the body after so many bytes.
    #[must_use]
    pub const fn truncate_after(bytes: u64) -> Self {
        Self::TruncateBody {
            at: Position::Byte(bytes),
        }
    }

    /// Ends the body after half of it.
    #[must_use]
    pub const fn truncate_half() -> Self {
        Self::TruncateBody { at: Position::Half }
    }

    /// Breaks the body after so many bytes.
    #[must_use]
    pub const fn body_error_after(bytes: u64) -> Self {
        Self::BodyError {
            at: Position::Byte(bytes),
        }
    }

    /// Waits before the request is looked at.
    #[must_use]
    pub const fn stall(wait: Duration) -> Self {
        Self::Stall {
            at: None,
            wait: Some(wait),
        }
    }

    /// Sends so many bytes of the body and then nothing until the client gives up.
    #[must_use]
    pub const fn stall_after(bytes: u64) -> Self {
        Self::Stall {
            at: Some(Position::Byte(bytes)),
            wait: None,
        }
    }
}

impl fmt::Display for FaultAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status { status, code, .. } => write!(f, "status {status} {code}"),
            Self::Drop => f.write_str("drop"),
            Self::LoseReply => f.write_str("lose reply"),
            Self::TruncateBody { .. } => f.write_str("truncate"),
            Self::BodyError { .. } => f.write_str("body error"),
            Self::Stall { .. } => f.write_str("stall"),
            Self::ChangedETag => f.write_str("changed etag"),
        }
    }
}

/// The tag that an answer carries instead of its own.
pub(crate) const OTHER_ETAG: &str = "ffffffffffffffffffffffffffffffff";
