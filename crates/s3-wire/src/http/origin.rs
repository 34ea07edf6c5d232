//! [`Origin`]: scheme, host and port of a server, and the proxy to connect through.

use std::sync::Arc;

use super::proxy::Proxy;

/// The scheme, host and port of a server, and the proxy that connections to it go through.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// Whether connections use TLS.
    pub tls: bool,
    /// A name or an address; an IPv6 address with or without its brackets.
    pub host: Box<str>,
    /// The TCP port.
    pub port: u16,
    /// The proxy to connect through.
    pub proxy: Option<Arc<Proxy>>,
}

impl Origin {
    /// Creates an origin that is reached without a proxy.
    #[must_use]
    pub fn new(tls: bool, host: &str, port: u16) -> Self {
        Self {
            tls,
            host: host.into(),
            port,
            proxy: None,
        }
    }

    /// Returns the host without the brackets that URLs put around IPv6 addresses.
    pub(super) fn bare_host(&self) -> &str {
        self.host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(&self.host)
    }

    /// Returns the host as written in a URL.
    pub(super) fn url_host(&self) -> String {
        match self.bare_host() {
            address if address.contains(':') => format!("[{address}]"),
            name => name.to_owned(),
        }
    }

    /// Returns host and port as written in a URL.
    pub(super) fn authority(&self) -> String {
        format!("{}:{}", self.url_host(), self.port)
    }
}
