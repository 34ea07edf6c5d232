//! Where a server is, and how it wants buckets to be named.

use url::{Host, Position, Url};

use super::refuse::{check_parts, refuse, refuse_text};
use super::region;
use crate::ParseError;

/// The address of an S3 server and the way in which buckets are addressed there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    base: Url,
    addressing: Addressing,
    is_aws: bool,
}

/// Where an address names the bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Addressing {
    /// In the path: `https://host/bucket/key`.
    Path,
    /// In the host, `https://bucket.host/key`, if the bucket's name can be there; else in the path.
    ///
    /// It cannot if the endpoint is an IP address, or if the name has upper-case letters, `_`, or more than 63
    /// characters. With `https://` a name with dots cannot either: the certificate of `*.host` does not match it.
    VirtualHost,
}

impl Endpoint {
    /// Returns AWS's endpoint of a region, with buckets in the host.
    ///
    /// Any name of a region's shape is accepted; regions of China, GovCloud and the other partitions have the domain
    /// of their partition.
    ///
    /// # Errors
    ///
    /// [`ParseError::Address`] if the text does not have the shape of `us-east-1`.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_url::S3Url;
    /// use s3_url::http::{Endpoint, to_https};
    ///
    /// let url = S3Url::parse("s3://photos/cat.jpg")?;
    /// let beijing = Endpoint::aws("cn-north-1")?;
    /// assert_eq!(to_https(&url, &beijing)?.as_str(), "https://photos.s3.cn-north-1.amazonaws.com.cn/cat.jpg");
    /// assert!(Endpoint::aws("Beijing").is_err());
    /// # Ok::<(), s3_url::ParseError>(())
    /// ```
    pub fn aws(region: &str) -> Result<Self, ParseError> {
        let refuse = || refuse_text(region, "a region looks like us-east-1");
        let partition = region::partition(region).ok_or_else(refuse)?;
        let base = format!("https://s3.{region}.{}", partition.domain);
        Ok(Self {
            base: Url::parse(&base).map_err(|_| refuse())?,
            addressing: Addressing::VirtualHost,
            is_aws: true,
        })
    }

    /// Returns the endpoint of any server. Its address may have a port and a path; a slash at its end changes
    /// nothing.
    ///
    /// # Errors
    ///
    /// [`ParseError::Address`] if the address is neither `http://` nor `https://`, or holds a user, a password, a
    /// query or a fragment.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_url::S3Url;
    /// use s3_url::http::{Addressing, Endpoint, to_https};
    /// use url::Url;
    ///
    /// let url = S3Url::parse("s3://photos/cat.jpg")?;
    /// let minio = Endpoint::custom(Url::parse("http://localhost:9000")?, Addressing::Path)?;
    /// assert_eq!(to_https(&url, &minio)?.as_str(), "http://localhost:9000/photos/cat.jpg");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn custom(base: Url, addressing: Addressing) -> Result<Self, ParseError> {
        check_parts(&base)?;
        if base.query().is_some() {
            return Err(refuse(&base, "an endpoint has no query"));
        }
        Ok(Self {
            base,
            addressing,
            is_aws: false,
        })
    }

    /// Returns the endpoint with all buckets in the path. Access points stay in the host: they have no other form.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_url::S3Url;
    /// use s3_url::http::{Endpoint, to_https};
    ///
    /// let url = S3Url::parse("s3://photos/cat.jpg")?;
    /// let endpoint = Endpoint::aws("us-west-2")?.with_path_style();
    /// assert_eq!(to_https(&url, &endpoint)?.as_str(), "https://s3.us-west-2.amazonaws.com/photos/cat.jpg");
    /// # Ok::<(), s3_url::ParseError>(())
    /// ```
    #[must_use]
    pub fn with_path_style(self) -> Self {
        Self {
            addressing: Addressing::Path,
            ..self
        }
    }

    pub(super) fn is_aws(&self) -> bool {
        self.is_aws
    }

    /// Returns the address of a bucket, without a slash at its end.
    pub(super) fn bucket_address(&self, bucket: &str) -> String {
        let scheme = self.base.scheme();
        let authority = &self.base[Position::BeforeHost..Position::AfterPort];
        let path = self.path();
        if self.takes_in_host(bucket) {
            format!("{scheme}://{bucket}.{authority}{path}")
        } else {
            format!("{scheme}://{authority}{path}/{bucket}")
        }
    }

    /// Says whether an address has the scheme and port of this endpoint.
    pub(super) fn shares_port(&self, address: &Url) -> bool {
        address.scheme() == self.base.scheme() && address.port() == self.base.port()
    }

    /// Returns the host of the endpoint itself.
    pub(super) fn host(&self) -> &str {
        self.base.host_str().unwrap_or_default()
    }

    /// Returns what precedes a bucket's name before this endpoint's host, if buckets are named there.
    pub(super) fn bucket_in<'host>(&self, host: &'host str) -> Option<&'host str> {
        let bucket = host.strip_suffix(self.host())?.strip_suffix('.')?;
        (self.addressing == Addressing::VirtualHost).then_some(bucket)
    }

    /// Returns the path that all addresses begin with, without a slash at its end.
    pub(super) fn path(&self) -> &str {
        let path = self.base.path();
        path.strip_suffix('/').unwrap_or(path)
    }

    fn takes_in_host(&self, bucket: &str) -> bool {
        self.addressing == Addressing::VirtualHost
            && matches!(self.base.host(), Some(Host::Domain(_)))
            && bucket.len() <= 63
            && (self.base.scheme() == "http" || !bucket.contains('.'))
            && bucket.split('.').all(is_label)
    }
}

/// Says whether a text can be between two dots of a host and stay as it is.
fn is_label(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let bare = text.trim_matches('-');
    // The `url` crate decodes "xn--" and refuses what it cannot decode.
    !text.is_empty()
        && bare.len() == text.len()
        && text.bytes().all(legal)
        && !text.starts_with("xn--")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn custom(base: &str) -> Result<Endpoint, ParseError> {
        Endpoint::custom(Url::parse(base).unwrap(), Addressing::VirtualHost)
    }

    #[test]
    fn a_bucket_is_in_the_host_if_it_can_be() {
        let long = "x".repeat(64);
        for (base, bucket, in_host) in [
            ("https://s.example", "photos", true),
            ("https://s.example", "my.photos", false),
            ("http://s.example", "my.photos", true),
            ("http://s.example", "my..photos", false),
            ("http://s.example", "Photos", false),
            ("http://s.example", "my_photos", false),
            ("http://s.example", "-photos", false),
            ("http://s.example", "xn--photos", false),
            ("http://s.example", &long, false),
            ("http://127.0.0.1:9000", "photos", false),
            ("http://[::1]:9000", "photos", false),
        ] {
            let endpoint = custom(base).unwrap();
            assert_eq!(endpoint.takes_in_host(bucket), in_host, "{base} {bucket}");
            assert!(!endpoint.with_path_style().takes_in_host(bucket));
        }
    }

    #[test]
    fn an_endpoint_is_a_plain_web_address() {
        for base in [
            "ftp://h",
            "mailto:a@b",
            "http://u@h",
            "http://:p@h",
            "http://h?q",
            "http://h#f",
        ] {
            assert!(custom(base).is_err(), "{base}");
        }
    }
}
