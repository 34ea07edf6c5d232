//! Rejects requests with a malformed `Authorization` header, presigned URL or `x-amz-content-sha256`, before the
//! signature is verified.

use http::header::AUTHORIZATION;
use http::{HeaderMap, Response, StatusCode};

use crate::response_completion::error_response;
use crate::target::Target;

/// The query parameters that a presigned URL of Signature Version 4 must have.
const PARAMETERS: [&str; 6] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Signature",
    "X-Amz-Date",
    "X-Amz-SignedHeaders",
    "X-Amz-Expires",
];

/// Maximum lifetime of a presigned URL in seconds: one week.
const LONGEST: i64 = 604_800;

/// The error code and the message of a rejection.
type Rejected = (&'static str, &'static str);

/// Returns the `400` error response for a request with malformed authorization.
pub(crate) fn rejection(headers: &HeaderMap, target: &Target) -> Option<Response<s3s::Body>> {
    let (code, message) = of_header(headers)
        .or_else(|| of_query(target))
        .or_else(|| of_payload(headers))?;
    Some(error_response(StatusCode::BAD_REQUEST, code, message))
}

fn of_header(headers: &HeaderMap) -> Option<Rejected> {
    let value = headers.get(AUTHORIZATION)?.to_str().unwrap_or_default();
    let fields = ["Credential=", "SignedHeaders=", "Signature="];
    let is_known = ["AWS ", "AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"]
        .iter()
        .any(|kind| value.starts_with(kind));
    if !is_known {
        return Some(("InvalidArgument", "Unsupported Authorization Type"));
    }
    if value.starts_with("AWS4-HMAC-SHA256") && !fields.iter().all(|name| value.contains(name)) {
        return Some((
            "AuthorizationHeaderMalformed",
            "The authorization header is malformed; it must have Credential, SignedHeaders and Signature.",
        ));
    }
    None
}

fn of_query(target: &Target) -> Option<Rejected> {
    let has = |name: &&str| target.query.contains_key(*name);
    if !PARAMETERS[..3].iter().any(has) {
        return None;
    }
    let message = if !PARAMETERS.iter().all(has) {
        "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, \
         X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
    } else {
        match target.query["X-Amz-Expires"].parse::<i64>() {
            Err(_) => "X-Amz-Expires should be a number",
            Ok(..0) => "X-Amz-Expires must be non-negative",
            Ok(0..=LONGEST) => return None,
            Ok(_) => {
                "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less \
                 than 604800 seconds"
            }
        }
    };
    Some(("AuthorizationQueryParametersError", message))
}

fn of_payload(headers: &HeaderMap) -> Option<Rejected> {
    let value = headers.get("x-amz-content-sha256")?.as_bytes();
    let is_hash = value.len() == 64 && value.iter().all(u8::is_ascii_hexdigit);
    if is_hash || value == b"UNSIGNED-PAYLOAD" || value.starts_with(b"STREAMING-") {
        return None;
    }
    Some((
        "InvalidArgument",
        "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, \
         STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
    ))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::Domains;

    fn code(header: (&'static str, &str), query: &str) -> Option<&'static str> {
        let request = Request::get(format!("/b/k?{query}"))
            .header(header.0, header.1)
            .body(())
            .unwrap();
        let target = Target::of(&request, &Domains::new(["s3.localhost"]));
        let headers = request.headers();
        let rejected = of_header(headers).or_else(|| of_query(&target));
        Some(rejected.or_else(|| of_payload(headers))?.0)
    }

    #[test]
    fn a_malformed_authorization_has_a_code() {
        let hash = "0".repeat(64);
        let signed =
            "AWS4-HMAC-SHA256 Credential=k/d/r/s3/aws4_request, SignedHeaders=host, Signature=0";
        for (header, expected) in [
            (("authorization", signed), None),
            (("authorization", "AWS k:s"), None),
            (("authorization", "Bearer x"), Some("InvalidArgument")),
            (
                ("authorization", "AWS4-HMAC-SHA256 malformed"),
                Some("AuthorizationHeaderMalformed"),
            ),
            (("x-amz-content-sha256", &hash), None),
            (("x-amz-content-sha256", "UNSIGNED-PAYLOAD"), None),
            (
                ("x-amz-content-sha256", "malformed"),
                Some("InvalidArgument"),
            ),
        ] {
            assert_eq!(code(header, ""), expected, "{header:?}");
        }
    }

    #[test]
    fn a_presigned_url_has_all_parameters_and_at_most_a_week() {
        let all = "X-Amz-Algorithm=a&X-Amz-Credential=c&X-Amz-Signature=s&X-Amz-Date=d&X-Amz-SignedHeaders=h";
        let malformed = Some("AuthorizationQueryParametersError");
        for (expires, expected) in [
            ("", malformed),
            ("&X-Amz-Expires=604800", None),
            ("&X-Amz-Expires=604801", malformed),
            ("&X-Amz-Expires=-1", malformed),
            ("&X-Amz-Expires=soon", malformed),
        ] {
            assert_eq!(
                code(("x", "y"), &format!("{all}{expires}")),
                expected,
                "{expires}"
            );
        }
        assert_eq!(code(("x", "y"), "X-Amz-Date=1"), None);
    }
}
