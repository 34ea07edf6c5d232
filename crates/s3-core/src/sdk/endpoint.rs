//! Parses the URL of an endpoint, and detects whether it is AWS, encrypted (`https`) or on this machine.

use std::net::{IpAddr, Ipv6Addr};

/// An endpoint's URL, and the properties that follow from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// The URL as given; a path ends in one slash, because the SDK appends the bucket's name to it.
    pub(super) url: String,
    /// Whether the connection is encrypted.
    pub(super) https: bool,
    /// Whether the packets stay on this machine.
    pub(super) loopback: bool,
    /// Whether the server is AWS, by its domain name.
    pub(super) aws: bool,
}

impl Endpoint {
    /// Parses an endpoint. The error text continues the sentence "the endpoint X".
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let (https, rest) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            _ => return Err("does not begin with http:// or https://"),
        };
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("contains a space, a line break or another invalid character");
        }
        if rest.contains(['?', '#']) {
            return Err("has a query or a fragment");
        }
        let authority = rest.split('/').next().unwrap_or_default();
        if authority.contains('@') {
            return Err("has a user name or a password in it");
        }
        let port = authority.rsplit_once(':').map(|(_, port)| port);
        let port = port.filter(|port| !port.ends_with(']'));
        if port.is_some_and(|port| port.parse::<u16>().is_err()) {
            return Err("has a port that is not a number below 65536");
        }
        // Host names are case-insensitive.
        let host = &*host_of(authority).to_ascii_lowercase();
        if host.is_empty() {
            return Err("has no host");
        }
        if authority.contains(['[', ']']) && host.parse::<Ipv6Addr>().is_err() {
            return Err("has an IPv6 address that cannot be read");
        }
        Ok(Self {
            url: with_closed_path(text, rest.trim_end_matches('/').contains('/')),
            https,
            loopback: is_loopback(host),
            aws: is_aws(host),
        })
    }
}

/// Returns an endpoint for display: without user name, password and query.
pub(super) fn without_secrets(url: &str) -> &str {
    match url.rsplit_once('@') {
        Some((_, host)) => host,
        None => url.split('?').next().unwrap_or(url),
    }
}

fn with_closed_path(url: &str, has_path: bool) -> String {
    let slash = if has_path { "/" } else { "" };
    format!("{}{slash}", url.trim_end_matches('/'))
}

fn host_of(authority: &str) -> &str {
    match authority
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
    {
        Some((address, _)) => address,
        None => authority.split(':').next().unwrap_or_default(),
    }
}

fn is_loopback(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

fn is_aws(host: &str) -> bool {
    host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scheme_loopback_and_aws_are_detected() {
        for (text, https, loopback, aws) in [
            ("http://127.0.0.1:9000", false, true, false),
            ("HTTP://LOCALHOST", false, true, false),
            ("http://[::1]:80/", false, true, false),
            ("http://10.0.0.1:9000/base", false, false, false),
            ("https://s3.eu-west-1.amazonaws.com", true, false, true),
            ("https://S3.AmazonAWS.com", true, false, true),
            ("https://amazonaws.com.example.org", true, false, false),
        ] {
            let endpoint = Endpoint::parse(text).unwrap();
            assert_eq!(
                (endpoint.https, endpoint.loopback, endpoint.aws),
                (https, loopback, aws),
                "{text}"
            );
        }
    }

    #[test]
    fn a_path_ends_in_one_slash_and_a_host_in_none() {
        for (text, url) in [
            ("http://host", "http://host"),
            ("http://host:80//", "http://host:80"),
            ("http://host/base", "http://host/base/"),
            ("http://host/a/base//", "http://host/a/base/"),
        ] {
            assert_eq!(Endpoint::parse(text).unwrap().url, url);
        }
    }

    #[test]
    fn an_invalid_endpoint_is_rejected() {
        for text in [
            "",
            "host:9000",
            "ftp://host",
            "http://",
            "http://u:p@host",
            "http://host/?a=b",
            "http://host:9000;",
            "http://host:port",
            "http://host:99999",
            "http://ho st",
            "http://[::1",
            "http://::1]",
            "http://[host]:80",
            "http://host\n",
        ] {
            assert!(Endpoint::parse(text).is_err(), "{text}");
        }
    }
}
