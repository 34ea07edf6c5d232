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
    /// The connection is reset without an answer, and nothing is done.
    Reset,
    /// The connection is closed when so many bytes of the request's body have arrived, and nothing is done. A request
    /// whose body is not longer is left alone.
    CutRequest {
        /// How many bytes are read.
        after: u64,
    },
    /// The answer drips: so few bytes at a time, with a pause before each.
    Trickle {
        /// How many bytes at once; 0 counts as 1.
        bytes: usize,
        /// How long each pause is.
        every: Duration,
        /// Where in the body it begins; with the first byte of the head if `None`.
        at: Option<Position>,
    },
    /// The head of a success comes at once, with the declaration of a document, then white space, one blank at a time,
    /// and then the answer: what S3 does while it completes or copies something large.
    WhiteSpace {
        /// How long it lasts.
        wait: Duration,
        /// How long the pause before each blank is.
        every: Duration,
        /// The error that comes behind it, although the status was 200; then nothing is done. The answer if `None`.
        code: Option<String>,
    },
    /// A header of the answer is replaced, added, or removed if there is no value.
    Header {
        /// The header's name, in lower case; not `content-length`, which is [`Announce`](Self::Announce)'s.
        name: &'static str,
        /// What it says instead.
        value: Option<String>,
    },
    /// The `Content-Range` of the answer names bytes that begin, and end, one later than those that are sent.
    ShiftedRange,
    /// The range of the request is ignored: 200 and the whole object. Foreign services are left alone.
    WholeObject,
    /// The answer announces so many bytes more, or fewer, than it sends. Answers without a body are left alone.
    Announce {
        /// What is added to the true length.
        by: i64,
    },
    /// One bit of the body is not what it was.
    FlipByte {
        /// The byte that it is in.
        at: Position,
    },
    /// A listing does not tell the truth. Foreign services are left alone.
    List(ListLie),
    /// The answer comes as it should, and then the connection is closed, without having been announced.
    CloseIdle,
    /// The request is carried out, and its answer is replaced: for [`Status`](Self::Status), [`Drop`](Self::Drop),
    /// [`Reset`](Self::Reset) and a [`Stall`](Self::Stall) before the answer. See [`after_commit`](Self::after_commit).
    AfterCommit(Box<Self>),
}

/// How a page of a listing lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListLie {
    /// It says that it is the last page, although there are more.
    Ends,
    /// It says that there are more pages, and not where.
    NoToken,
    /// It says that the next page begins where this one did.
    RepeatsToken,
    /// It is the first page once more.
    RepeatsPage,
    /// It is the page behind the one that was asked for.
    SkipsPage,
    /// It begins with the last entry of the first page.
    Overlaps,
}

impl FaultAction {
    /// Returns what is counted under one name in [`Delivered::actions`](crate::Delivered::actions).
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
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
}

impl fmt::Display for FaultAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::Status { status, code, .. } => write!(f, " {status} {code}"),
            Self::AfterCommit(action) => write!(f, " {action}"),
            Self::List(lie) => write!(f, " {lie:?}"),
            Self::Header { name, .. } => write!(f, " {name}"),
            _ => Ok(()),
        }
    }
}

/// The tag that an answer carries instead of its own.
pub(crate) const OTHER_ETAG: &str = "ffffffffffffffffffffffffffffffff";
