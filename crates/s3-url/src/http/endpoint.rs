//! [`Endpoint`]: the URL of an S3 server and its addressing style.

use url::{Host, Position, Url};

use super::address_error::{check_parts, invalid_address, invalid_input};
use super::region;
use crate::ParseError;

/// The URL of an S3 server and its addressing style.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    base: Url,
    addressing: Addressing,
    is_aws: bool,
}

/// The position of the bucket in a URL: path-style or virtual-hosted-style.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Addressing {
    /// In the path: `https://host/bucket/key`.
    Path,
    /// In the host, `https://bucket.host/key`, if possible; otherwise in the path.
    ///
    /// Impossible if the endpoint is an IP address, or if the bucket's name has upper-case letters, `_`, or more than
    /// 63 characters. With `https://`, names with dots are excluded too: the certificate of `*.host` does not match
    /// them.
    VirtualHost,
}

impl Endpoint {
    /// Returns the AWS endpoint of a region, in virtual-hosted style.
    ///
    /// Any name in the form of a region is accepted. Regions of China, GovCloud and the other partitions get the domain of
    /// their partition.
    ///
    /// # Errors
    ///
    /// [`ParseError::Address`] if the text does not have the form of `us-east-1`.
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
        let invalid = || invalid_input(region, "a region looks like us-east-1");
        let partition = region::partition(region).ok_or_else(invalid)?;
        let base = format!("https://s3.{region}.{}", partition.domain);
        Ok(Self {
            base: Url::parse(&base).map_err(|_| invalid())?,
            addressing: Addressing::VirtualHost,
            is_aws: true,
        })
    }

    /// Returns the endpoint of any server. The URL may have a port and a path; a trailing slash is ignored.
    ///
    /// # Errors
    ///
    /// [`ParseError::Address`] if the URL is neither `http://` nor `https://`, or contains a user, a password, a query or
    /// a fragment.
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
            return Err(invalid_address(&base, "an endpoint cannot have a query"));
        }
        Ok(Self {
            base,
            addressing,
            is_aws: false,
        })
    }

    /// Returns the endpoint in path style. Access points stay in the host; they have no path style.
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

    /// Returns the URL of a bucket, without a trailing slash.
    pub(super) fn bucket_address(&self, bucket: &str) -> String {
        let scheme = self.base.scheme();
        let authority = &self.base[Position::BeforeHost..Position::AfterPort];
        let path = self.path();
        if self.fits_in_host(bucket) {
            format!("{scheme}://{bucket}.{authority}{path}")
        } else {
            format!("{scheme}://{authority}{path}/{bucket}")
        }
    }

    /// Returns whether a URL has the scheme and the port of this endpoint.
    pub(super) fn shares_port(&self, address: &Url) -> bool {
        address.scheme() == self.base.scheme() && address.port() == self.base.port()
    }

    /// Returns the host of the endpoint itself.
    pub(super) fn host(&self) -> &str {
        self.base.host_str().unwrap_or_default()
    }

    /// Returns the bucket in a virtual-hosted-style host name of this endpoint.
    pub(super) fn bucket_in<'host>(&self, host: &'host str) -> Option<&'host str> {
        let bucket = host.strip_suffix(self.host())?.strip_suffix('.')?;
        (self.addressing == Addressing::VirtualHost).then_some(bucket)
    }

    /// Returns the path of the endpoint, without a trailing slash.
    pub(super) fn path(&self) -> &str {
        let path = self.base.path();
        path.strip_suffix('/').unwrap_or(path)
    }

    fn fits_in_host(&self, bucket: &str) -> bool {
        self.addressing == Addressing::VirtualHost
            && matches!(self.base.host(), Some(Host::Domain(_)))
            && bucket.len() <= 63
            && (self.base.scheme() == "http" || !bucket.contains('.'))
            && bucket.split('.').all(is_label)
    }
}

/// Returns whether a text is a host label that the `url` crate does not change.
fn is_label(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let bare = text.trim_matches('-');
    // The `url` crate decodes "xn--" and rejects labels that it cannot decode.
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
    fn a_bucket_is_in_the_host_if_possible() {
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
            assert_eq!(endpoint.fits_in_host(bucket), in_host, "{base} {bucket}");
            assert!(!endpoint.with_path_style().fits_in_host(bucket));
        }
    }

    #[test]
    fn an_endpoint_has_no_user_query_or_fragment() {
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
