//! CORS: responds to preflight requests and adds the `Access-Control-*` headers, by the CORS rules of the bucket.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use s3s::dto::CORSRule;

use crate::response_completion::error_response;

/// Responds to a preflight (OPTIONS) request.
pub(crate) fn preflight(rules: &[CORSRule], headers: &HeaderMap) -> Response<s3s::Body> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let (origin, method) = (text(ORIGIN), text(ACCESS_CONTROL_REQUEST_METHOD));
    let (Some(origin), Some(method)) = (origin, method) else {
        let message =
            "Insufficient information. Origin and Access-Control-Request-Method are needed.";
        return error_response(StatusCode::BAD_REQUEST, "BadRequest", message);
    };
    let wanted = text(ACCESS_CONTROL_REQUEST_HEADERS).unwrap_or_default();
    let names: Vec<_> = { wanted.split(',') }
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    let allows = |rule: &&CORSRule| {
        let allowed = rule.allowed_headers.as_deref().unwrap_or_default();
        names.iter().all(|name| {
            let name = name.to_ascii_lowercase();
            allowed
                .iter()
                .any(|pattern| matches(&pattern.to_ascii_lowercase(), &name))
        })
    };
    let rule = { rules.iter() }
        .filter(|rule| is_for(rule, origin, method))
        .find(allows);
    let Some(rule) = rule else {
        let message = "CORSResponse: This CORS request is not allowed.";
        return error_response(StatusCode::FORBIDDEN, "AccessForbidden", message);
    };
    let mut response = Response::new(s3s::Body::empty());
    add(rule, origin, response.headers_mut());
    if !names.is_empty() {
        set(response.headers_mut(), ACCESS_CONTROL_ALLOW_HEADERS, wanted);
    }
    if let Some(age) = rule.max_age_seconds {
        let age = HeaderValue::from(age);
        response.headers_mut().insert(ACCESS_CONTROL_MAX_AGE, age);
    }
    response
}

/// Adds the CORS headers of the first rule that allows the request, if there is one.
pub(crate) fn allow(rules: &[CORSRule], origin: &str, method: &str, headers: &mut HeaderMap) {
    if let Some(rule) = rules.iter().find(|rule| is_for(rule, origin, method)) {
        add(rule, origin, headers);
    }
}

fn is_for(rule: &CORSRule, origin: &str, method: &str) -> bool {
    let mut origins = rule.allowed_origins.iter();
    origins.any(|pattern| matches(pattern, origin))
        && rule.allowed_methods.iter().any(|allowed| allowed == method)
}

/// Returns whether a text matches a pattern, which may have one `*`.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, end)) => {
            text.len() >= start.len() + end.len() && text.starts_with(start) && text.ends_with(end)
        }
    }
}

fn add(rule: &CORSRule, origin: &str, headers: &mut HeaderMap) {
    let is_any = rule.allowed_origins.iter().any(|pattern| pattern == "*");
    set(
        headers,
        ACCESS_CONTROL_ALLOW_ORIGIN,
        if is_any { "*" } else { origin },
    );
    if !is_any {
        set(headers, ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    }
    set(
        headers,
        ACCESS_CONTROL_ALLOW_METHODS,
        &rule.allowed_methods.join(", "),
    );
    if let Some(exposed) = rule.expose_headers.as_ref().filter(|all| !all.is_empty()) {
        set(headers, ACCESS_CONTROL_EXPOSE_HEADERS, &exposed.join(", "));
    }
    set(
        headers,
        VARY,
        "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
    );
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Vec<CORSRule> {
        let owned = |all: &[&str]| all.iter().map(|&one| one.to_owned()).collect::<Vec<_>>();
        vec![CORSRule {
            allowed_headers: Some(owned(&["x-amz-*"])),
            allowed_methods: owned(&["GET", "PUT"]),
            allowed_origins: owned(&["https://*.example"]),
            expose_headers: Some(owned(&["ETag"])),
            id: None,
            max_age_seconds: Some(9),
        }]
    }

    fn asked(origin: &str, method: &str, headers: &str) -> (StatusCode, HeaderMap) {
        let mut map = HeaderMap::new();
        for (name, value) in [
            (ORIGIN, origin),
            (ACCESS_CONTROL_REQUEST_METHOD, method),
            (ACCESS_CONTROL_REQUEST_HEADERS, headers),
        ] {
            set(&mut map, name, value);
        }
        let response = preflight(&rules(), &map);
        (response.status(), response.headers().clone())
    }

    #[test]
    fn the_rule_that_allows_a_preflight_responds_to_it() {
        let (status, headers) = asked("https://a.example", "PUT", "X-Amz-Date");
        assert_eq!(status, StatusCode::OK);
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_ORIGIN], "https://a.example");
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_METHODS], "GET, PUT");
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_HEADERS], "X-Amz-Date");
        assert_eq!(headers[ACCESS_CONTROL_MAX_AGE], "9");
        for (origin, method, names) in [
            ("http://a.example", "PUT", ""),
            ("https://a.example", "DELETE", ""),
            ("https://a.example", "PUT", "content-type"),
        ] {
            assert_eq!(asked(origin, method, names).0, StatusCode::FORBIDDEN);
        }
        let bare = preflight(&rules(), &HeaderMap::new());
        assert_eq!(bare.status(), StatusCode::BAD_REQUEST);
    }

    #[test]
    fn a_response_to_an_allowed_origin_says_so() {
        let mut headers = HeaderMap::new();
        allow(&rules(), "https://a.example", "GET", &mut headers);
        assert_eq!(headers[ACCESS_CONTROL_EXPOSE_HEADERS], "ETag");
        let mut headers = HeaderMap::new();
        allow(&rules(), "https://other.test", "GET", &mut headers);
        assert!(headers.is_empty());
    }
}
