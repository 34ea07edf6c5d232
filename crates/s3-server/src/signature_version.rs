//! Rejects Signature Version 2, except in the old regions that still accept it.
//!
//! boto3 presigns with version 2 in the old regions unless `signature_version="s3v4"` is configured.

use http::header::AUTHORIZATION;
use http::{HeaderMap, Request, Response, StatusCode, Uri};

use crate::response_completion::error_response;
use crate::target::Target;

/// The regions that accept Signature Version 2.
const OLD_REGIONS: [&str; 8] = [
    "us-east-1",
    "us-west-1",
    "us-west-2",
    "eu-west-1",
    "ap-northeast-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "sa-east-1",
];

/// Returns the error response for a request that is signed with version 2 in a region that does not accept it.
pub(crate) fn rejection(
    headers: &HeaderMap,
    query: &str,
    region: &str,
) -> Option<Response<s3s::Body>> {
    if !is_version_2(headers, query) || OLD_REGIONS.contains(&region) {
        return None;
    }
    let message = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.";
    let status = StatusCode::BAD_REQUEST;
    Some(error_response(status, "InvalidRequest", message))
}

/// Appends a slash to the path of a bucket, as clients do in the string that they sign with version 2.
pub(crate) fn with_signed_path<B>(mut request: Request<B>, target: &Target) -> Request<B> {
    let uri = request.uri();
    let query = uri.query().unwrap_or_default();
    let is_bucket = target.key.is_empty() && !uri.path().ends_with('/');
    if is_bucket && is_version_2(request.headers(), query) {
        let text = match uri.query() {
            Some(query) => format!("{}/?{query}", uri.path()),
            None => format!("{}/", uri.path()),
        };
        if let Ok(uri) = text.parse::<Uri>() {
            *request.uri_mut() = uri;
        }
    }
    request
}

fn is_version_2(headers: &HeaderMap, query: &str) -> bool {
    let in_header = headers
        .get(AUTHORIZATION)
        .is_some_and(|value| value.as_bytes().starts_with(b"AWS "));
    let has = |name: &str| {
        let mut names = query.split('&').filter_map(|pair| pair.split('=').next());
        names.any(|have| have == name)
    };
    in_header || (has("AWSAccessKeyId") && has("Signature"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRESIGNED: &str = "list-type=2&AWSAccessKeyId=k&Signature=s&Expires=1";

    #[test]
    fn new_regions_reject_version_2() {
        let signed = HeaderMap::from_iter([(AUTHORIZATION, "AWS k:s".parse().unwrap())]);
        for (headers, query, region, is_rejected) in [
            (HeaderMap::new(), PRESIGNED, "us-east-1", false),
            (HeaderMap::new(), PRESIGNED, "eu-central-1", true),
            (HeaderMap::new(), "X-Amz-Signature=s", "eu-central-1", false),
            (signed.clone(), "", "us-east-1", false),
            (signed, "", "eu-central-1", true),
        ] {
            let rejection = rejection(&headers, query, region);
            assert_eq!(rejection.is_some(), is_rejected, "{query} {region}");
        }
    }

    #[test]
    fn only_the_path_of_a_bucket_gets_a_slash() {
        for (host, uri, expected) in [
            (
                "127.0.0.1",
                format!("/b?{PRESIGNED}"),
                format!("/b/?{PRESIGNED}"),
            ),
            (
                "127.0.0.1",
                format!("/b/k?{PRESIGNED}"),
                format!("/b/k?{PRESIGNED}"),
            ),
            (
                "127.0.0.1",
                format!("/?{PRESIGNED}"),
                format!("/?{PRESIGNED}"),
            ),
            (
                "127.0.0.1",
                "/b?list-type=2".to_owned(),
                "/b?list-type=2".to_owned(),
            ),
            (
                "b.s3.localhost",
                format!("/k?{PRESIGNED}"),
                format!("/k?{PRESIGNED}"),
            ),
        ] {
            let request = Request::get(&uri).header(http::header::HOST, host);
            let request = request.body(()).unwrap();
            let target = Target::of(&request, &crate::Domains::new(["s3.localhost"]));
            let signed = with_signed_path(request, &target);
            assert_eq!(signed.uri().to_string(), expected);
        }
    }
}
