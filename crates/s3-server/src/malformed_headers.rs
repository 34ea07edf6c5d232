//! Serves reads with a malformed `Range`, `If-Modified-Since` or `If-Unmodified-Since` header, which S3 ignores.
//!
//! The protocol layer rejects such a header, and it cannot be removed before a signature that covers it is verified. So
//! a custom route receives the request after the verification, removes the headers, and passes it to a service that
//! verifies nothing.

use http::header::{AUTHORIZATION, HeaderName, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE, RANGE};
use http::{Extensions, HeaderMap, HeaderValue, Method, Request, Uri};
use s3s::dto::{Range, Timestamp, TimestampFormat};
use s3s::route::S3Route;
use s3s::service::S3Service;
use s3s::{Body, S3Request, S3Response, S3Result, s3_error};

/// A custom route that receives reads with malformed headers.
pub(crate) struct MalformedHeaders {
    /// The same operations without authentication.
    pub(crate) unverified: S3Service,
    /// Whether requests without a signature are served.
    pub(crate) anonymous: bool,
}

#[async_trait::async_trait]
impl S3Route for MalformedHeaders {
    fn is_match(&self, method: &Method, _: &Uri, headers: &HeaderMap, _: &mut Extensions) -> bool {
        let is_read = method == Method::GET || method == Method::HEAD;
        is_read && malformed(headers).next().is_some()
    }

    async fn check_access(&self, request: &mut S3Request<Body>) -> S3Result<()> {
        match request.credentials {
            None if !self.anonymous => Err(s3_error!(AccessDenied, "Signature is required")),
            _ => Ok(()),
        }
    }

    async fn call(&self, request: S3Request<Body>) -> S3Result<S3Response<Body>> {
        let mut again = Request::new(request.input);
        *again.method_mut() = request.method;
        *again.uri_mut() = without_signature(&request.uri);
        *again.headers_mut() = request.headers;
        *again.extensions_mut() = request.extensions;
        let ignored: Vec<_> = malformed(again.headers()).collect();
        for name in ignored {
            again.headers_mut().remove(name);
        }
        again.headers_mut().remove(AUTHORIZATION);
        let response = self.unverified.call(again).await;
        let (head, body) = response.map_err(|_| s3_error!(InternalError))?.into_parts();
        let mut response = S3Response::with_headers(body, head.headers);
        response.status = Some(head.status);
        Ok(response)
    }
}

/// Returns the names of the malformed headers.
fn malformed(headers: &HeaderMap) -> impl Iterator<Item = HeaderName> {
    let names = [RANGE, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE];
    let is_malformed = |name: &HeaderName| {
        headers
            .get(name)
            .is_some_and(|value| !is_valid(name, value))
    };
    { names }.into_iter().filter(is_malformed)
}

fn is_valid(name: &HeaderName, value: &HeaderValue) -> bool {
    value.to_str().is_ok_and(|value| match *name == RANGE {
        true => value != "bytes=-" && Range::parse(value).is_ok(),
        false => Timestamp::parse(TimestampFormat::HttpDate, value).is_ok(),
    })
}

/// Removes the parameters of a presigned URL from the query.
fn without_signature(uri: &Uri) -> Uri {
    let query = uri.query().unwrap_or_default();
    let version_2 = ["AWSAccessKeyId=", "Signature=", "Expires="];
    let is_signature = |pair: &&str| {
        pair.starts_with("X-Amz-") || version_2.iter().any(|name| pair.starts_with(name))
    };
    let kept: Vec<_> = { query.split('&') }
        .filter(|pair| !is_signature(pair))
        .collect();
    let path = uri.path();
    let text = match kept.join("&") {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    };
    text.parse().unwrap_or_else(|_| uri.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_values_than_a_single_range_are_malformed() {
        for (range, malformed) in [
            ("bytes=0-9", false),
            ("bytes=5-", false),
            ("bytes=-", true),
            ("bytes=-5", false),
            ("bytes=0-1,3-4", true),
            ("bytes=9-0", true),
            ("items=0-9", true),
            ("malformed", true),
        ] {
            let is_valid = is_valid(&RANGE, &HeaderValue::from_static(range));
            assert_eq!(!is_valid, malformed, "{range}");
        }
    }

    #[test]
    fn a_condition_without_a_valid_time_is_malformed() {
        for (time, valid) in [
            ("Wed, 01 Jan 2020 00:00:00 GMT", true),
            ("yesterday", false),
            ("2020-01-01T00:00:00Z", false),
        ] {
            let value = HeaderValue::from_static(time);
            assert_eq!(is_valid(&IF_MODIFIED_SINCE, &value), valid, "{time}");
        }
    }

    #[test]
    fn only_the_signature_is_removed_from_the_query() {
        for (uri, kept) in [
            (
                "/b/k?X-Amz-Signature=0&versionId=null&X-Amz-Date=1",
                "/b/k?versionId=null",
            ),
            ("/b/k?X-Amz-Signature=0", "/b/k"),
            ("/b/k?AWSAccessKeyId=k&Signature=0&Expires=1", "/b/k"),
            ("/b/k", "/b/k"),
        ] {
            assert_eq!(without_signature(&uri.parse().unwrap()), kept);
        }
    }
}
