//! [`WireError`]: failure of an HTTP exchange: the request got no response, or the response is malformed or incomplete.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::io;

use super::proxy::Proxy;

/// A request that got no response, or a response that is malformed or incomplete.
///
/// The text describes the failure of the connection; it contains no part of the request.
#[derive(Debug)]
pub struct WireError {
    kind: WireErrorKind,
    cause: Option<Cause>,
    /// The proxy that the connection was to go through.
    proxy: Option<Box<str>>,
    /// The body of the proxy's response.
    response: Option<Box<str>>,
}

#[derive(Debug)]
enum Cause {
    Io(io::Error),
    Text(Cow<'static, str>),
}

/// The kind of a [`WireError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireErrorKind {
    /// The host's name has no address.
    Resolve,
    /// No address of the host accepted the connection.
    Connect,
    /// Connecting, including TLS, exceeded its timeout.
    ConnectTimeout,
    /// The proxy rejected the `CONNECT` request.
    Proxy,
    /// The server's certificate is not trusted, or there are no root certificates.
    Certificate,
    /// The server does not speak TLS.
    NotTls,
    /// The TLS handshake failed for another reason.
    Tls,
    /// HTTPS was requested in a build without it.
    NoTls,
    /// The server closed the connection before the response was complete.
    Closed,
    /// Reading or writing the socket failed.
    Io,
    /// The response is not valid HTTP/1.1.
    Malformed,
    /// The head, or a body to be collected, exceeds its limit.
    TooLarge,
    /// The body of the request could not be read.
    Payload,
}

impl WireError {
    pub(super) fn io(kind: WireErrorKind, error: io::Error) -> Self {
        let cause = Some(Cause::Io(error));
        Self {
            kind,
            cause,
            proxy: None,
            response: None,
        }
    }

    pub(super) fn text(kind: WireErrorKind, text: impl Into<Cow<'static, str>>) -> Self {
        let cause = Some(Cause::Text(text.into()));
        Self {
            kind,
            cause,
            proxy: None,
            response: None,
        }
    }

    pub(super) fn bare(kind: WireErrorKind) -> Self {
        Self {
            kind,
            cause: None,
            proxy: None,
            response: None,
        }
    }

    /// Adds the proxy that the connection was to go through.
    pub(super) fn through(mut self, proxy: &Proxy) -> Self {
        self.proxy = Some(proxy.to_string().into());
        self
    }

    /// Keeps the body of a proxy's response.
    #[cfg(feature = "https")]
    pub(super) fn with_response(mut self, body: &[u8]) -> Self {
        self.response = Some(String::from_utf8_lossy(body).into());
        self
    }

    pub(super) fn malformed(text: &'static str) -> Self {
        Self::text(WireErrorKind::Malformed, text)
    }

    /// Returns the error of a read. The TLS layer's error for an unexpected end becomes `Closed`.
    pub(super) fn reading(error: io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::UnexpectedEof => WireErrorKind::Closed,
            _ => WireErrorKind::Io,
        };
        Self::io(kind, error)
    }

    /// Returns the kind of the failure.
    #[must_use]
    pub fn kind(&self) -> WireErrorKind {
        self.kind
    }

    /// Returns the error of the operating system, if there is one.
    #[must_use]
    pub fn io_error(&self) -> Option<&io::Error> {
        match &self.cause {
            Some(Cause::Io(error)) => Some(error),
            _ => None,
        }
    }

    /// Returns the body of the response of a proxy that does not connect.
    #[must_use]
    pub fn proxy_response(&self) -> Option<&str> {
        self.response.as_deref()
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            WireErrorKind::Resolve => "the host name could not be resolved",
            WireErrorKind::Connect => "could not connect",
            WireErrorKind::ConnectTimeout => "connecting took too long",
            WireErrorKind::Proxy => "the proxy does not connect",
            WireErrorKind::Certificate => "the server's certificate is not trusted",
            WireErrorKind::NotTls => "the server does not speak TLS",
            WireErrorKind::Tls => "the TLS handshake failed",
            WireErrorKind::NoTls => "this build has no HTTPS",
            WireErrorKind::Closed => "the connection was closed early",
            WireErrorKind::Io => "the connection failed",
            WireErrorKind::Malformed => "the response is not valid HTTP",
            WireErrorKind::TooLarge => "the response is too large",
            WireErrorKind::Payload => "the bytes to send could not be read",
        })?;
        if let Some(proxy) = &self.proxy {
            write!(f, " through the proxy {proxy}")?;
        }
        match &self.cause {
            Some(Cause::Text(text)) => write!(f, ": {text}"),
            _ => Ok(()),
        }
    }
}

impl Error for WireError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.io_error().map(|error| error as _)
    }
}
