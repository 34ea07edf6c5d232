//! The `Range` header as S3 parses it: a single byte range, otherwise ignored.

use http::header::{AUTHORIZATION, RANGE};
use http::{HeaderMap, Request};
use s3s::dto::Range;

/// Removes a `Range` header that is not a single byte range; AWS ignores it.
///
/// A signed header stays: the signature depends on it.
pub(super) fn ignore_malformed<B>(request: &mut Request<B>) {
    let Some(range) = request.headers().get(RANGE) else {
        return;
    };
    let well_formed = range
        .to_str()
        .is_ok_and(|range| Range::parse(range).is_ok());
    if !well_formed && !is_signed(request.headers(), request.uri().query().unwrap_or_default()) {
        request.headers_mut().remove(RANGE);
    }
}

fn is_signed(headers: &HeaderMap, query: &str) -> bool {
    let in_header = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.split_once("SignedHeaders="))
        .is_some_and(|(_, rest)| names_range(rest.split(',').next().unwrap_or_default()));
    let in_query = query
        .split('&')
        .filter_map(|pair| pair.strip_prefix("X-Amz-SignedHeaders="))
        .any(|names| names_range(&names.replace("%3B", ";").replace("%3b", ";")));
    in_header || in_query
}

fn names_range(names: &str) -> bool {
    names.split(';').any(|name| name.trim() == "range")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(range: &str, authorization: &str) -> bool {
        let mut request = Request::get("/b/k")
            .header(RANGE, range)
            .header(AUTHORIZATION, authorization)
            .body(())
            .unwrap();
        ignore_malformed(&mut request);
        request.headers().contains_key(RANGE)
    }

    #[test]
    fn what_is_no_single_range_is_as_if_it_were_not_there() {
        for (range, stays) in [
            ("bytes=0-9", true),
            ("bytes=5-", true),
            ("bytes=-5", true),
            ("bytes=0-1,3-4", false),
            ("bytes=9-0", false),
            ("items=0-9", false),
            ("malformed", false),
        ] {
            assert_eq!(kept(range, ""), stays, "{range}");
        }
    }

    #[test]
    fn a_signed_header_stays() {
        let signed = "AWS4-HMAC-SHA256 Credential=k/d/r/s3/aws4_request, SignedHeaders=host;range;x-amz-date, Signature=0";
        assert!(kept("malformed", signed));
    }
}
