//! [`Origin`]: the scheme, host and port of a connection.

/// The scheme, host and port that a connection serves.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// Whether TLS is spoken.
    pub tls: bool,
    /// A name or an address; an IPv6 address with or without its brackets.
    pub host: Box<str>,
    /// The TCP port.
    pub port: u16,
}

impl Origin {
    /// Returns the host without the brackets that URLs put around IPv6 addresses.
    pub(super) fn bare_host(&self) -> &str {
        self.host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(&self.host)
    }
}
