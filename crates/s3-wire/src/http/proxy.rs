//! [`Proxy`]: address and authorization of an HTTP proxy; writes request heads for it.

use std::fmt;

use super::origin::Origin;

/// An HTTP proxy. Requests to `http` origins are sent to it in absolute form; `https` origins are reached with
/// `CONNECT`.
///
/// Debug does not show the authorization.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Proxy {
    /// Whether connections to the proxy itself use TLS.
    pub tls: bool,
    /// A name or an address; an IPv6 address with or without its brackets.
    pub host: Box<str>,
    /// The TCP port.
    pub port: u16,
    /// The value of `Proxy-Authorization`.
    pub authorization: Option<Box<str>>,
}

impl Proxy {
    /// Returns the proxy as an origin to connect to.
    pub(super) fn origin(&self) -> Origin {
        Origin::new(self.tls, &self.host, self.port)
    }

    /// Returns the head with an absolute URL in its request line, and with the `Proxy-Authorization` header.
    pub(super) fn absolute(&self, origin: &Origin, head: &[u8]) -> Vec<u8> {
        let path = head.iter().position(|byte| *byte == b' ');
        let (method, rest) = head.split_at(path.map_or(0, |space| space + 1));
        let line = memchr::memmem::find(rest, b"\r\n").map_or(rest.len(), |end| end + 2);
        let (line, headers) = rest.split_at(line);
        let host = match origin.port {
            80 => origin.url_host(),
            _ => origin.authority(),
        };
        let own = self.header();
        let scheme: &[u8] = b"http://";
        [
            method,
            scheme,
            host.as_bytes(),
            line,
            own.as_bytes(),
            headers,
        ]
        .concat()
    }

    /// Returns the `Proxy-Authorization` header; empty without credentials.
    pub(super) fn header(&self) -> String {
        let authorization = self.authorization.as_deref();
        authorization.map_or_else(String::new, |value| {
            format!("proxy-authorization: {value}\r\n")
        })
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

/// The URL of the proxy, without the authorization.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.origin().authority())
    }
}
