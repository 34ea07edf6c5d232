//! [`to_https`]: returns the `https://` URL of an object at an endpoint.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::address_error::invalid_input;
use super::{Endpoint, access_point};
use crate::{ParseError, S3Url};

/// The characters of a key that S3 requires to be encoded: all but the unreserved ones of RFC 3986 and the slash.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// Returns the `https://` URL of an object at an endpoint.
///
/// The URL of an access point has the region of its ARN, not that of the endpoint.
/// [`from_https_at`](super::from_https_at) with the same endpoint returns the object; an access point's ARN is then
/// written with a slash.
///
/// # Errors
///
/// [`ParseError::Address`] for an object without such a URL:
///
/// * the key has a segment `.` or `..`, or the bucket is one;
/// * the bucket cannot precede the host of the endpoint, as a digit cannot precede a right-to-left host;
/// * the bucket is an ARN, but not that of an access point in one region, or the endpoint is not AWS;
/// * the bucket is an AWS directory bucket, whose host contains a zone.
///
/// # Examples
///
/// ```
/// use s3_url::S3Url;
/// use s3_url::http::{Endpoint, to_https};
///
/// let oregon = Endpoint::aws("us-west-2")?;
/// let address = |url: &str| to_https(&S3Url::parse(url)?, &oregon).map(String::from);
/// assert_eq!(address("s3://photos/a+b//é/")?, "https://photos.s3.us-west-2.amazonaws.com/a%2Bb//%C3%A9/");
/// assert_eq!(address("s3://my.photos/cat")?, "https://s3.us-west-2.amazonaws.com/my.photos/cat");
/// assert_eq!(
///     address("s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/mine/cat")?,
///     "https://mine-123456789012.s3-accesspoint.eu-west-1.amazonaws.com/cat",
/// );
/// assert!(address("s3://photos/a/../cat").is_err());
/// # Ok::<(), s3_url::ParseError>(())
/// ```
pub fn to_https(url: &S3Url, endpoint: &Endpoint) -> Result<Url, ParseError> {
    let invalid = |problem| invalid_input(url.as_str(), problem);
    let bucket = bucket_address(url.bucket(), endpoint).map_err(invalid)?;
    let text = format!("{bucket}/{}", utf8_percent_encode(url.key(), ENCODED));
    // The parser silently normalises URLs; only one that it left unchanged is that of this object.
    Url::parse(&text)
        .ok()
        .filter(|address| address.as_str() == text)
        .ok_or_else(|| invalid(problem_with(url)))
}

fn problem_with(url: &S3Url) -> &'static str {
    let mut segments = url.as_str().split('/');
    if segments.any(|segment| matches!(segment, "." | "..")) {
        "web URLs cannot contain '.' or '..' between slashes"
    } else {
        "its bucket cannot precede the host of the endpoint"
    }
}

fn bucket_address(bucket: &str, endpoint: &Endpoint) -> Result<String, &'static str> {
    match (bucket.starts_with("arn:"), endpoint.is_aws()) {
        (true, true) => access_point::host(bucket).map(|host| format!("https://{host}")),
        (true, false) => Err("its bucket is an ARN, which only AWS endpoints support"),
        (false, true) if bucket.ends_with("--x-s3") => {
            Err("its bucket is a directory bucket, whose host contains a zone")
        }
        (false, _) => Ok(endpoint.bucket_address(bucket)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Addressing, from_https_at};
    use proptest::prelude::*;

    const ARN: &str = "arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/mine";

    fn custom(base: &str, addressing: Addressing) -> Endpoint {
        Endpoint::custom(Url::parse(base).unwrap(), addressing).unwrap()
    }

    fn endpoints() -> Vec<Endpoint> {
        let aws = ["us-east-1", "cn-north-1", "us-gov-west-1", "eusc-de-east-1"]
            .map(|r| Endpoint::aws(r).unwrap());
        let mut all: Vec<_> = aws
            .into_iter()
            .flat_map(|it| [it.clone().with_path_style(), it])
            .collect();
        for base in [
            "http://localhost",
            "https://s3.example:9000/",
            "http://127.0.0.1:9000",
            "http://[::1]:9000/base",
            "https://s3.amazonaws.com/",
            "http://example.com/a%20b//",
        ] {
            all.push(custom(base, Addressing::Path));
            all.push(custom(base, Addressing::VirtualHost));
        }
        all
    }

    #[test]
    fn urls_are_formatted_and_parsed_back() {
        let aws = Endpoint::aws("us-west-2").unwrap();
        let path = aws.clone().with_path_style();
        let china = Endpoint::aws("cn-north-1").unwrap();
        let local = custom("http://127.0.0.1:9000", Addressing::Path);
        let hosted = custom("http://s3.example:9000/base/", Addressing::VirtualHost);
        for (url, endpoint, address) in [
            ("s3://b/k", &aws, "https://b.s3.us-west-2.amazonaws.com/k"),
            (
                "s3://b/a//b///",
                &aws,
                "https://b.s3.us-west-2.amazonaws.com/a//b///",
            ),
            ("s3://b//k", &aws, "https://b.s3.us-west-2.amazonaws.com//k"),
            ("s3://b//", &aws, "https://b.s3.us-west-2.amazonaws.com//"),
            (
                "s3://b///",
                &path,
                "https://s3.us-west-2.amazonaws.com/b///",
            ),
            (
                "s3://b/a+b c%2e",
                &aws,
                "https://b.s3.us-west-2.amazonaws.com/a%2Bb%20c%252e",
            ),
            (
                "s3://b/%2e%2E/x",
                &aws,
                "https://b.s3.us-west-2.amazonaws.com/%252e%252E/x",
            ),
            (
                "s3://b/.../.a/b.",
                &aws,
                "https://b.s3.us-west-2.amazonaws.com/.../.a/b.",
            ),
            (
                "s3://b/~a-b_c.d",
                &aws,
                "https://b.s3.us-west-2.amazonaws.com/~a-b_c.d",
            ),
            (
                "s3://b/a\\b?c#d:@&=",
                &aws,
                "https://b.s3.us-west-2.amazonaws.com/a%5Cb%3Fc%23d%3A%40%26%3D",
            ),
            (
                "s3://b/ é\n",
                &aws,
                "https://b.s3.us-west-2.amazonaws.com/%20%C3%A9%0A",
            ),
            (
                "s3://a.b/k",
                &aws,
                "https://s3.us-west-2.amazonaws.com/a.b/k",
            ),
            (
                "s3://Old_One/k",
                &aws,
                "https://s3.us-west-2.amazonaws.com/Old_One/k",
            ),
            ("s3://b/k", &path, "https://s3.us-west-2.amazonaws.com/b/k"),
            (
                "s3://b/k",
                &china,
                "https://b.s3.cn-north-1.amazonaws.com.cn/k",
            ),
            ("s3://b/k", &local, "http://127.0.0.1:9000/b/k"),
            ("s3://b/k", &hosted, "http://b.s3.example:9000/base/k"),
            ("s3://B/k", &hosted, "http://s3.example:9000/base/B/k"),
            (
                "s3://arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/mine//a b",
                &path,
                "https://mine-123456789012.s3-accesspoint.cn-north-1.amazonaws.com.cn//a%20b",
            ),
        ] {
            let url = S3Url::parse(url).unwrap();
            let written = to_https(&url, endpoint).unwrap();
            assert_eq!(written.as_str(), address);
            assert_eq!(from_https_at(&written, endpoint), Ok(url));
        }
    }

    #[test]
    fn keys_that_a_web_url_would_change_are_rejected() {
        let dots = "web URLs cannot contain '.' or '..' between slashes";
        let zone = "its bucket is a directory bucket, whose host contains a zone";
        let aws = Endpoint::aws("us-west-2").unwrap();
        for (input, problem) in [
            ("s3://b/.", dots),
            ("s3://b/..", dots),
            ("s3://b/./a", dots),
            ("s3://b/a/../c", dots),
            ("s3://b/a/.", dots),
            ("s3://b/a/../", dots),
            ("s3://../a", dots),
            ("s3://photos--use1-az4--x-s3/a", zone),
        ] {
            let error = to_https(&S3Url::parse(input).unwrap(), &aws);
            let input = input.to_owned();
            assert_eq!(error, Err(ParseError::Address { input, problem }));
        }
    }

    #[test]
    fn an_access_point_needs_an_aws_endpoint() {
        let url = S3Url::from_parts(ARN, "k").unwrap();
        assert!(to_https(&url, &custom("http://localhost", Addressing::Path)).is_err());
    }

    #[test]
    fn a_bucket_that_cannot_precede_the_host_is_rejected() {
        let right_to_left = custom("http://xn--4dbrk0ce", Addressing::VirtualHost);
        let url = S3Url::parse("s3://1a/k").unwrap();
        let error = to_https(&url, &right_to_left);
        let problem = "its bucket cannot precede the host of the endpoint";
        let input = "s3://1a/k".to_owned();
        assert_eq!(error, Err(ParseError::Address { input, problem }));
    }

    fn any_key() -> impl Strategy<Value = String> {
        let awkward = prop::sample::select(vec![
            "/", "//", ".", "..", "%2e", "%", "+", "?", "#", "\\", " ", "\t", "é", "~", ":", "@",
            "a",
        ]);
        prop_oneof![
            any::<String>(),
            prop::collection::vec(awkward, 1..12).prop_map(|parts| parts.concat()),
        ]
        .prop_filter("1 to 1,024 bytes", |key| (1..=1024).contains(&key.len()))
    }

    proptest! {
        #[test]
        fn every_formatted_url_parses_back(key in any_key()) {
            let has_dots = key.split('/').any(|segment| matches!(segment, "." | ".."));
            for endpoint in endpoints() {
                for bucket in ["photos", "my.photos", "Old_One", "s3", "a:b", ARN] {
                    let url = S3Url::from_parts(bucket, &key).unwrap();
                    let address = to_https(&url, &endpoint);
                    let has_address = !has_dots && (bucket != ARN || endpoint.is_aws());
                    prop_assert_eq!(address.is_ok(), has_address, "{:?} {:?}", &url, &endpoint);
                    if let Ok(address) = address {
                        prop_assert_eq!(from_https_at(&address, &endpoint), Ok(url));
                    }
                }
            }
        }
    }
}
