//! Completes responses: adds request IDs to all of them, and a message and details to error documents.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::error_details::ErrorDetails;
use crate::errors::DETAIL;
use crate::target::Target;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Response, StatusCode};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");
const EXTENDED_ID: HeaderName = HeaderName::from_static("x-amz-id-2");

/// Returns a request ID of 16 hexadecimal digits, unique in this process.
pub(crate) fn request_id() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = since.map_or(0, |since| since.as_secs());
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{:08X}{:08X}", seconds & 0xffff_ffff, count & 0xffff_ffff)
}

/// Returns an error response with a code that the protocol layer does not know.
pub(crate) fn error_response(status: StatusCode, code: &str, message: &str) -> Response<s3s::Body> {
    let document = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    let mut response = Response::new(s3s::Body::from(document));
    *response.status_mut() = status;
    let xml = HeaderValue::from_static("application/xml");
    response.headers_mut().insert(CONTENT_TYPE, xml);
    response
}

/// Adds the request IDs, completes an error document, and sets the status of a range response.
pub(crate) fn complete(
    mut response: Response<s3s::Body>,
    id: &str,
    target: &Target,
) -> Response<s3s::Body> {
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    // The protocol layer omits the content type of an error response that has its own headers.
    let is_xml = match response.headers().get(CONTENT_TYPE) {
        Some(kind) => kind.as_bytes() == b"application/xml",
        None => is_error,
    };
    if is_error && is_xml {
        let details = ErrorDetails::of(response.headers(), id, target);
        response = response.map(|body| match body.bytes() {
            Some(document) => s3s::Body::from(details.added_to(&document)),
            None => body,
        });
        let xml = HeaderValue::from_static("application/xml");
        response.headers_mut().insert(CONTENT_TYPE, xml);
        // hyper sets the new length.
        response.headers_mut().remove(CONTENT_LENGTH);
    }
    response.headers_mut().remove(DETAIL);
    // The protocol layer has one status per operation.
    if let Some(&status) = response.extensions().get::<StatusCode>() {
        *response.status_mut() = status;
    }
    // The protocol layer sets status 206 for GetObject only.
    if response.status() == StatusCode::OK && response.headers().contains_key(CONTENT_RANGE) {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    if let Ok(value) = HeaderValue::from_str(id) {
        let headers = response.headers_mut();
        headers.entry(REQUEST_ID).or_insert(value.clone());
        headers.entry(EXTENDED_ID).or_insert(value);
        let server = HeaderValue::from_static("mfs3");
        headers.entry(http::header::SERVER).or_insert(server);
    }
    response
}

/// Removes the quotes of the ETag in a GetObjectAttributes response, the only document in which S3 sends none.
pub(crate) fn unquote_etag(response: Response<s3s::Body>) -> Response<s3s::Body> {
    let mut response = response.map(|body| match body.bytes() {
        Some(document) => {
            let text = String::from_utf8_lossy(&document);
            let text = text
                .replace("<ETag>\"", "<ETag>")
                .replace("\"</ETag>", "</ETag>");
            s3s::Body::from(text)
        }
        None => body,
    });
    response.headers_mut().remove(CONTENT_LENGTH);
    response
}

/// Escapes text for an XML element.
pub(crate) fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ() {
        assert_ne!(request_id(), request_id());
    }
}
