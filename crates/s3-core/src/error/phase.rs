//! How far an attempt had come when it failed.

use std::fmt;

/// How far an attempt had come when it failed, as far as that can be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Phase {
    /// On this machine: credentials, the payload, a local file, a request that makes no sense.
    Local,
    /// Before there was a connection: name, address, TLS.
    Connect,
    /// On a connection, before the head of an answer: the request may have arrived, and may have taken effect.
    AwaitingResponse,
    /// No byte of an answer had come. Which of the phases before this one it was is not known.
    NoResponse,
    /// The server has answered, and its answer is the failure.
    Response,
    /// In the middle of the answer's body.
    Body,
}

impl Phase {
    /// Returns the phase in a few words.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Local => "here",
            Self::Connect => "while connecting",
            Self::AwaitingResponse => "before the answer",
            Self::NoResponse => "without an answer",
            Self::Response => "answered",
            Self::Body => "in the body",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.describe())
    }
}
