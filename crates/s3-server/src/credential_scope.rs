//! Rejects requests whose credential scope names another region than the server's.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Response, StatusCode};

/// Returns the error response for a request that is signed for another region.
pub(crate) fn rejection(
    headers: &HeaderMap,
    query: &str,
    region: &str,
) -> Option<Response<s3s::Body>> {
    let signed_for = in_header(headers).or_else(|| in_query(query))?;
    if signed_for == region {
        return None;
    }
    let document = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AuthorizationHeaderMalformed</Code>\
         <Message>The authorization header is malformed; the region '{}' is wrong; expecting '{region}'</Message>\
         <Region>{region}</Region></Error>",
        escaped(&signed_for)
    );
    let mut response = Response::new(s3s::Body::from(document));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    let headers = response.headers_mut();
    let xml = HeaderValue::from_static("application/xml");
    headers.insert(http::header::CONTENT_TYPE, xml);
    if let Ok(region) = HeaderValue::from_str(region) {
        headers.insert("x-amz-bucket-region", region);
    }
    Some(response)
}

fn in_header(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let rest = value.strip_prefix("AWS4-HMAC-SHA256")?;
    let (_, scope) = rest.split_once("Credential=")?;
    region_of(scope.split([',', ' ']).next()?)
}

fn in_query(query: &str) -> Option<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = { pairs }.find(|(name, _)| *name == "X-Amz-Credential")?;
    let value = percent_encoding::percent_decode_str(value)
        .decode_utf8()
        .ok()?;
    region_of(&value)
}

/// Returns the region of a scope `KEY/DATE/REGION/SERVICE/aws4_request`; the key may contain slashes.
fn region_of(scope: &str) -> Option<String> {
    let mut from_end = scope.rsplit('/');
    let region = from_end.nth(2)?;
    from_end.next()?;
    Some(region.to_owned())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_rejected(authorization: &str, query: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, authorization.parse().unwrap());
        rejection(&headers, query, "eu-west-1").is_some()
    }

    #[test]
    fn a_signature_for_another_region_is_rejected() {
        let signed = |region: &str| {
            format!(
                "AWS4-HMAC-SHA256 Credential=k/20260101/{region}/s3/aws4_request, SignedHeaders=host, Signature=0"
            )
        };
        assert!(!is_rejected(&signed("eu-west-1"), ""));
        assert!(is_rejected(&signed("us-east-1"), ""));
        assert!(!is_rejected("Bearer x", ""));
        let link = |region: &str| {
            format!("X-Amz-Credential=k%2F20260101%2F{region}%2Fs3%2Faws4_request&a=b")
        };
        assert!(!is_rejected("", &link("eu-west-1")));
        assert!(is_rejected("", &link("us-east-1")));
    }
}
