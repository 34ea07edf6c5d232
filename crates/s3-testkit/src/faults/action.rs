//! [`FaultAction`]: the fault injected into a request or its response.

use std::fmt;
use std::time::Duration;

/// A position in a response body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Position {
    /// After n bytes.
    Byte(u64),
    /// After half of the bytes, rounded down.
    Half,
}

impl Position {
    /// Returns the position in a body of `len` bytes, or `None` if the body is shorter.
    pub(crate) fn within(self, len: u64) -> Option<u64> {
        let at = match self {
            Self::Byte(at) => at,
            Self::Half => len / 2,
        };
        (at < len).then_some(at)
    }
}

/// The fault that is injected into a request or its response.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultAction {
    /// The server returns an error, and the request has no effect. The response to `HEAD` has no body, so no error
    /// code.
    Status {
        /// The HTTP status.
        status: u16,
        /// S3's error code.
        code: String,
        /// The value of `Retry-After`, in whole seconds.
        retry_after: Option<Duration>,
    },
    /// The connection is closed without a response, and the request has no effect.
    Drop,
    /// The request takes effect, but the connection is closed without a response.
    LoseReply,
    /// The body ends before its `Content-Length`, and the connection is closed without a reset.
    TruncateBody {
        /// The position at which the body ends.
        at: Position,
    },
    /// The body is interrupted by a transport error: over TCP, a reset.
    BodyError {
        /// The position at which the body is interrupted.
        at: Position,
    },
    /// The response stalls.
    Stall {
        /// The position in the body; if `None`, before the request takes effect.
        at: Option<Position>,
        /// The duration; if `None`, until the client closes the connection.
        wait: Option<Duration>,
    },
    /// The response has another ETag, as if the object had been replaced.
    ChangedETag,
    /// The connection is reset without a response, and the request has no effect.
    Reset,
    /// The connection is closed after n bytes of the request body, and the request has no effect. Requests with shorter
    /// bodies are not changed.
    CutRequest {
        /// The number of bytes that are read.
        after: u64,
    },
    /// The response is sent a few bytes at a time, with a pause before each.
    Trickle {
        /// The number of bytes at a time; 0 counts as 1.
        bytes: usize,
        /// The length of each pause.
        every: Duration,
        /// The position in the body at which it starts; the first byte of the response if `None`.
        at: Option<Position>,
    },
    /// Status 200 and the XML declaration are sent immediately, then white space, one space at a time, then the rest of
    /// the response. S3 does this while it completes an upload or copies a large object.
    WhiteSpace {
        /// The duration of the white space.
        wait: Duration,
        /// The length of the pause before each space.
        every: Duration,
        /// The code of the error document that follows, although the status is 200; the request has no effect. If
        /// `None`, the correct response follows.
        code: Option<String>,
    },
    /// A header of the response is replaced or added; removed if the value is `None`.
    Header {
        /// The name in lower case; for `content-length` use [`Announce`](Self::Announce).
        name: &'static str,
        /// The new value.
        value: Option<String>,
    },
    /// The `Content-Range` of the response starts and ends one byte later than the body.
    ShiftedRange,
    /// The range of the request is ignored: status 200 and the whole object. Does nothing for `s3s::S3` services.
    WholeObject,
    /// The `Content-Length` differs from the length of the body. Responses without a body are not changed.
    Announce {
        /// The difference to the real length.
        by: i64,
    },
    /// One bit of the body is flipped.
    FlipByte {
        /// The byte that contains it.
        at: Position,
    },
    /// A page of a listing is wrong. Does nothing for `s3s::S3` services.
    List(ListFault),
    /// The connection is closed after the response without `Connection: close`.
    CloseIdle,
    /// The request takes effect, and its response is replaced: for [`Status`](Self::Status), [`Drop`](Self::Drop),
    /// [`Reset`](Self::Reset) and a [`Stall`](Self::Stall) before the response. See
    /// [`after_commit`](Self::after_commit).
    AfterCommit(Box<Self>),
}

/// The fault of a page of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListFault {
    /// Claims to be the last page although there are more.
    Ends,
    /// Claims that there are more pages, without a token.
    NoToken,
    /// The next page has the token of this one.
    RepeatsToken,
    /// Returns the first page again.
    RepeatsPage,
    /// Returns the page after the requested one.
    SkipsPage,
    /// Starts with the last entry of the first page.
    Overlaps,
}

/// Defines the names of the actions in one match, so that [`FaultAction::NAMES`] is complete.
macro_rules! names {
    ($($action:pat => $name:literal,)*) => {
        /// The names of all actions.
        pub const NAMES: &[&'static str] = &[$($name),*];

        /// Returns the name of the action in [`Delivered::actions`](crate::Delivered::actions).
        #[must_use]
        pub const fn name(&self) -> &'static str {
            match self {
                $($action => $name,)*
            }
        }
    };
}

impl FaultAction {
    names! {
        Self::Status { .. } => "status",
        Self::Drop => "drop",
        Self::LoseReply => "lose reply",
        Self::TruncateBody { .. } => "truncate",
        Self::BodyError { .. } => "body error",
        Self::Stall { .. } => "stall",
        Self::ChangedETag => "changed etag",
        Self::Reset => "reset",
        Self::CutRequest { .. } => "cut request",
        Self::Trickle { .. } => "trickle",
        Self::WhiteSpace { .. } => "white space",
        Self::Header { .. } => "header",
        Self::ShiftedRange => "shifted range",
        Self::WholeObject => "whole object",
        Self::Announce { .. } => "announce",
        Self::FlipByte { .. } => "flip byte",
        Self::List(_) => "list",
        Self::CloseIdle => "close idle",
        Self::AfterCommit(_) => "after commit",
    }
}

impl fmt::Display for FaultAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::Status { status, code, .. } => write!(f, " {status} {code}"),
            Self::AfterCommit(action) => write!(f, " {action}"),
            Self::List(fault) => write!(f, " {fault:?}"),
            Self::Header { name, .. } => write!(f, " {name}"),
            _ => Ok(()),
        }
    }
}

/// The ETag of [`FaultAction::ChangedETag`].
pub(crate) const OTHER_ETAG: &str = "ffffffffffffffffffffffffffffffff";
