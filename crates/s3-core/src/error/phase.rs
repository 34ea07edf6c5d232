//! [`Phase`]: how far a failed attempt got: before sending, connecting, waiting for the response, in the body.

use std::fmt;

/// The phase in which an attempt failed, as far as the client knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Phase {
    /// On this machine: credentials, payload, local file, invalid request.
    Local,
    /// While opening a connection: name, address, TLS.
    Connect,
    /// On a connection, before the response headers. The request may have taken effect.
    AwaitingResponse,
    /// Before the first byte of a response, in an unknown phase.
    NoResponse,
    /// The server returned an error response.
    Response,
    /// In the body of the response.
    Body,
}

impl Phase {
    /// Returns the phase in a few words.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Connect => "connect",
            Self::AwaitingResponse => "awaiting response",
            Self::NoResponse => "no response",
            Self::Response => "response",
            Self::Body => "body",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.describe())
    }
}
