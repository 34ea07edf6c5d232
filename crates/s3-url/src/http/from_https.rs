//! [`from_https`] and [`from_https_at`]: convert `https://` URLs of objects to `s3://` URLs.

use percent_encoding::percent_decode_str;
use url::Url;

use super::Endpoint;
use super::address_error::{check_parts, invalid_address};
use super::host::{self, HostStyle};
use crate::{ParseError, S3Url};

/// Converts an AWS `https://` URL to the `s3://` URL of its object.
///
/// Accepts virtual-hosted and path style, hosts with and without a region, IPv4, dual-stack and FIPS, in every
/// partition. The host of an access point becomes its ARN, `arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME`. The region is
/// not in the result. The query, such as that of a presigned URL, is dropped; a fragment is rejected.
///
/// # Errors
///
/// [`ParseError::Address`] if the URL is not that of an object at AWS: hosts of websites, directory buckets and other
/// services are rejected. Another [`ParseError`] if the bucket or the key in it is invalid.
///
/// # Examples
///
/// ```
/// use s3_url::http::from_https;
/// use url::Url;
///
/// for (address, url) in [
///     ("https://photos.s3.us-west-2.amazonaws.com/a%20cat.jpg?X-Amz-Expires=60", "s3://photos/a cat.jpg"),
///     ("https://photos.s3.amazonaws.com/a+b", "s3://photos/a+b"),
///     ("https://s3.dualstack.us-west-2.amazonaws.com/photos/2026//", "s3://photos/2026//"),
/// ] {
///     assert_eq!(from_https(&Url::parse(address)?)?.as_str(), url);
/// }
/// assert!(from_https(&Url::parse("https://example.com/photos/cat.jpg")?).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn from_https(address: &Url) -> Result<S3Url, ParseError> {
    check_parts(address)?;
    if address.port().is_some() {
        return Err(invalid_address(
            address,
            "it has a port, which AWS URLs do not have",
        ));
    }
    let host = address.host_str().unwrap_or_default();
    let path = below(address, "")?;
    match host::read(host) {
        Some(HostStyle::Path) => object_in_path(address, path),
        Some(HostStyle::VirtualHost(bucket)) => object(address, bucket, path),
        Some(HostStyle::AccessPoint(arn)) => object(address, &arn, path),
        None => Err(invalid_address(
            address,
            "its host is not an S3 host of AWS",
        )),
    }
}

/// Converts the `https://` or `http://` URL of an object at an endpoint to its `s3://` URL.
///
/// For an AWS endpoint this is [`from_https`], which accepts every AWS host. For other endpoints, scheme, port and path
/// must match. With [`Addressing::VirtualHost`](super::Addressing::VirtualHost) both styles are accepted, as
/// [`to_https`](super::to_https) returns both.
///
/// # Errors
///
/// [`ParseError::Address`] if the URL is not that of an object at the endpoint. Another [`ParseError`] if the bucket or
/// the key in it is invalid.
///
/// # Examples
///
/// ```
/// use s3_url::http::{Addressing, Endpoint, from_https_at};
/// use url::Url;
///
/// let minio = Endpoint::custom(Url::parse("http://localhost:9000")?, Addressing::VirtualHost)?;
/// for address in ["http://localhost:9000/photos/cat.jpg", "http://photos.localhost:9000/cat.jpg"] {
///     assert_eq!(from_https_at(&Url::parse(address)?, &minio)?.as_str(), "s3://photos/cat.jpg");
/// }
/// assert!(from_https_at(&Url::parse("http://localhost:9001/photos/cat.jpg")?, &minio).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn from_https_at(address: &Url, endpoint: &Endpoint) -> Result<S3Url, ParseError> {
    if endpoint.is_aws() {
        return from_https(address);
    }
    check_parts(address)?;
    if !endpoint.shares_port(address) {
        return Err(invalid_address(
            address,
            "its scheme or port differs from that of the endpoint",
        ));
    }
    let host = address.host_str().unwrap_or_default();
    let path = below(address, endpoint.path())?;
    if host == endpoint.host() {
        return object_in_path(address, path);
    }
    match endpoint.bucket_in(host) {
        Some(bucket) => object(address, bucket, path),
        None => Err(invalid_address(
            address,
            "its host is not that of the endpoint",
        )),
    }
}

/// Returns the path after the endpoint's path and the slash that follows it.
fn below<'a>(address: &'a Url, base: &str) -> Result<&'a str, ParseError> {
    let path = address.path().strip_prefix(base);
    path.and_then(|path| path.strip_prefix('/')).ok_or_else(|| {
        invalid_address(address, "its path does not begin with that of the endpoint")
    })
}

fn object_in_path(address: &Url, path: &str) -> Result<S3Url, ParseError> {
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    let bucket = decode(bucket).map_err(|problem| invalid_address(address, problem))?;
    if bucket.starts_with("arn:") {
        return Err(invalid_address(
            address,
            "an access point must be in the host",
        ));
    }
    object(address, &bucket, key)
}

fn object(address: &Url, bucket: &str, key: &str) -> Result<S3Url, ParseError> {
    let key = decode(key).map_err(|problem| invalid_address(address, problem))?;
    if bucket.is_empty() {
        return Err(invalid_address(address, "it has no bucket"));
    }
    if key.is_empty() {
        return Err(invalid_address(address, "it has a bucket but no key"));
    }
    S3Url::from_parts(bucket, &key)
}

/// Decodes `%XX`. Rejects a `%` without two digits, as S3 does.
fn decode(text: &str) -> Result<String, &'static str> {
    let is_byte = |rest: &str| {
        let digits = rest.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    if !text.split('%').skip(1).all(is_byte) {
        return Err("a % in its path is not followed by two hexadecimal digits");
    }
    match percent_decode_str(text).decode_utf8() {
        Ok(text) => Ok(text.into_owned()),
        Err(_) => Err("its path is not UTF-8"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Addressing;

    fn read(address: &str) -> Result<String, ParseError> {
        from_https(&Url::parse(address).unwrap()).map(|url| url.as_str().to_owned())
    }

    #[test]
    fn every_form_is_parsed() {
        for (address, url) in [
            ("https://b.s3.us-west-2.amazonaws.com/k", "s3://b/k"),
            ("https://b.s3-us-west-2.amazonaws.com/k", "s3://b/k"),
            ("https://b.s3.amazonaws.com/k", "s3://b/k"),
            ("https://a.b.s3.amazonaws.com/k", "s3://a.b/k"),
            ("http://b.s3.amazonaws.com:80/k", "s3://b/k"),
            ("https://B.S3.AmazonAWS.com/K", "s3://b/K"),
            (
                "https://b.s3.dualstack.us-west-2.amazonaws.com/k",
                "s3://b/k",
            ),
            (
                "https://b.s3-fips.us-gov-west-1.amazonaws.com/k",
                "s3://b/k",
            ),
            ("https://b.s3.cn-north-1.amazonaws.com.cn/k", "s3://b/k"),
            ("https://s3.us-west-2.amazonaws.com/b/k", "s3://b/k"),
            ("https://s3-us-west-2.amazonaws.com/b/k", "s3://b/k"),
            ("https://s3.amazonaws.com/Old_One/k", "s3://Old_One/k"),
            ("https://s3.amazonaws.com/b//k/", "s3://b//k/"),
            ("https://s3.amazonaws.com/b//", "s3://b//"),
            ("https://b.s3.amazonaws.com//a//b/", "s3://b//a//b/"),
            ("https://b.s3.amazonaws.com/a+b%2Bc%20d", "s3://b/a+b+c d"),
            (
                "https://b.s3.amazonaws.com/a%2Fb%252e%c3%a9",
                "s3://b/a/b%2eé",
            ),
            (
                "https://b.s3.amazonaws.com/k?X-Amz-Signature=a/b",
                "s3://b/k",
            ),
            (
                "https://my-ap-123456789012.s3-accesspoint.us-west-2.amazonaws.com/a/b",
                "s3://arn:aws:s3:us-west-2:123456789012:accesspoint/my-ap/a/b",
            ),
            (
                "https://my-ap-123456789012.s3-accesspoint-fips.dualstack.us-gov-west-1.amazonaws.com/a",
                "s3://arn:aws-us-gov:s3:us-gov-west-1:123456789012:accesspoint/my-ap/a",
            ),
        ] {
            assert_eq!(read(address).as_deref(), Ok(url), "{address}");
        }
    }

    #[test]
    fn urls_that_are_not_of_an_object_at_aws_are_rejected() {
        let hex = "a % in its path is not followed by two hexadecimal digits";
        for (address, problem) in [
            (
                "ftp://b.s3.amazonaws.com/k",
                "it must begin with https:// or http://",
            ),
            (
                "https://me@b.s3.amazonaws.com/k",
                "it contains a user name or password",
            ),
            (
                "https://b.s3.amazonaws.com/data #1.txt",
                "it has a fragment; a '#' in a key is written %23",
            ),
            (
                "https://b.s3.amazonaws.com/k?X-Amz-Signature=a#",
                "it has a fragment; a '#' in a key is written %23",
            ),
            (
                "https://b.s3.amazonaws.com:9/k",
                "it has a port, which AWS URLs do not have",
            ),
            (
                "https://example.com/b/k",
                "its host is not an S3 host of AWS",
            ),
            ("https://s3.amazonaws.com/b", "it has a bucket but no key"),
            (
                "https://s3.amazonaws.com/b/?prefix=k",
                "it has a bucket but no key",
            ),
            ("https://b.s3.amazonaws.com", "it has a bucket but no key"),
            ("https://s3.amazonaws.com//k", "it has no bucket"),
            ("https://b.s3.amazonaws.com/100%", hex),
            ("https://b.s3.amazonaws.com/%4", hex),
            ("https://b.s3.amazonaws.com/%zz", hex),
            ("https://b.s3.amazonaws.com/%ff", "its path is not UTF-8"),
            (
                "https://s3.us-west-2.amazonaws.com/arn%3Aaws%3As3%3Aus-west-2%3A123456789012%3Aaccesspoint%2Fa/k",
                "an access point must be in the host",
            ),
        ] {
            match read(address) {
                Err(ParseError::Address { problem: found, .. }) => {
                    assert_eq!(found, problem, "{address}")
                }
                other => panic!("{address}: {other:?}"),
            }
        }
    }

    #[test]
    fn an_invalid_bucket_or_key_has_its_own_error() {
        let long = format!("https://b.s3.amazonaws.com/{}", "x".repeat(1025));
        assert!(matches!(
            read(&long),
            Err(ParseError::KeyTooLong { len: 1025, .. })
        ));
        let smuggled = "https://s3.amazonaws.com/a%2Fb/k";
        assert!(matches!(read(smuggled), Err(ParseError::Bucket { .. })));
    }

    #[test]
    fn a_custom_endpoint_is_matched_exactly() {
        let base = Url::parse("http://s3.example:9000/base/").unwrap();
        let hosted = Endpoint::custom(base, Addressing::VirtualHost).unwrap();
        let path = hosted.clone().with_path_style();
        for (address, endpoint, url) in [
            ("http://s3.example:9000/base/b/k", &path, Some("s3://b/k")),
            (
                "http://s3.example:9000/base/b/k?q",
                &hosted,
                Some("s3://b/k"),
            ),
            ("http://b.s3.example:9000/base/k", &hosted, Some("s3://b/k")),
            (
                "http://a.b.s3.example:9000/base//k/",
                &hosted,
                Some("s3://a.b//k/"),
            ),
            ("http://b.s3.example:9000/base/k", &path, None),
            ("http://bs3.example:9000/base/k", &hosted, None),
            ("https://s3.example:9000/base/b/k", &path, None),
            ("http://s3.example/base/b/k", &path, None),
            ("http://s3.example:9000/based/b/k", &path, None),
            ("http://s3.example:9000/b/k", &path, None),
            ("http://s3.example:9000/base/b", &path, None),
            ("http://s3.example:9000/base/b/k#f", &path, None),
            ("https://b.s3.amazonaws.com/k", &path, None),
        ] {
            let read = from_https_at(&Url::parse(address).unwrap(), endpoint);
            assert_eq!(read.as_ref().ok().map(S3Url::as_str), url, "{address}");
        }
    }
}
