//! [`Domains`]: finds the bucket in the `Host` header of a virtual-hosted-style request.

use std::sync::Arc;

use s3s::S3Result;
use s3s::host::{S3Host, VirtualHost};

/// The domains whose subdomains are buckets. Clone is a reference count.
///
/// A request to any other host, with or without a port, is path-style, so that the server can be reached through
/// proxies and under unknown names.
#[derive(Clone, Debug)]
pub struct Domains(Arc<[String]>);

impl Domains {
    /// Returns these domains and `localhost`.
    pub fn new<'name>(names: impl IntoIterator<Item = &'name str>) -> Self {
        let mut names: Vec<String> = names
            .into_iter()
            .chain(["localhost"])
            .map(str::to_owned)
            .collect();
        // Longest first: `b.s3.localhost` is bucket `b` of `s3.localhost`, not `b.s3` of `localhost`.
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        Self(names.into())
    }

    /// Returns the bucket in the value of a `Host` header.
    pub fn bucket_of<'host>(&self, host: &'host str) -> Option<&'host str> {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        for domain in self.0.iter() {
            if name == domain {
                return None;
            }
            if let Some(bucket) = name
                .strip_suffix(domain.as_str())
                .and_then(|rest| rest.strip_suffix('.'))
            {
                return Some(bucket);
            }
        }
        None
    }
}

impl S3Host for Domains {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let virtual_host = VirtualHost::new(host);
        Ok(match self.bucket_of(host) {
            Some(bucket) => virtual_host.with_bucket(bucket),
            None => virtual_host,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subdomain_is_a_bucket_and_other_hosts_are_path_style() {
        let domains = Domains::new(["s3.localhost"]);
        for (host, bucket) in [
            ("b.s3.localhost:9000", Some("b")),
            ("my.dotted.s3.localhost", Some("my.dotted")),
            ("b.localhost:9000", Some("b")),
            ("s3.localhost:9000", None),
            ("localhost", None),
            ("127.0.0.1:9000", None),
            ("proxy.example:80", None),
            ("evils3.localhost.example", None),
        ] {
            assert_eq!(domains.bucket_of(host), bucket, "{host}");
        }
    }
}
