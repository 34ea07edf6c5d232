//! Converts store errors to S3 error responses.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use s3_core::{Error, ErrorKind};
use s3s::{S3Error, S3ErrorCode};

/// A response header that carries an element of the error document, as `NAME=VALUE`, through the protocol layer. It is
/// removed before the response is sent.
pub(super) const DETAIL: HeaderName = HeaderName::from_static("x-error-detail");

/// Adds an element to the error document.
pub(super) fn with_detail(mut error: S3Error, name: &str, value: &str) -> S3Error {
    if let Ok(detail) = HeaderValue::from_str(&format!("{name}={value}")) {
        let mut headers = error.headers().cloned().unwrap_or_default();
        headers.append(DETAIL, detail);
        error.set_headers(headers);
    }
    error
}

/// Adds the name of the header whose condition failed.
pub(super) fn with_condition(error: S3Error, condition: &str) -> S3Error {
    with_detail(error, "Condition", condition)
}

/// Converts an error to an error response, with its S3 code if it has one, otherwise the code of its kind.
pub(super) fn s3_error(error: Error) -> S3Error {
    let (usual_code, usual_status) = of_kind(error.kind());
    let code = error.code().unwrap_or(usual_code);
    let code = S3ErrorCode::from_bytes(code.as_bytes()).unwrap_or(S3ErrorCode::InternalError);
    let status = match error.http_status() {
        Some(status) => StatusCode::from_u16(status).ok(),
        None => code.status_code(),
    };
    // Without the operation and the resource: the client adds those to its own error.
    let message = error
        .message()
        .unwrap_or(error.kind().describe())
        .to_owned();
    let mut s3_error = S3Error::with_message(code, message);
    s3_error.set_status_code(status.unwrap_or(usual_status));
    if let Some(id) = error.request_id() {
        s3_error.set_request_id(id);
    }
    if let Some(version) = error.delete_marker() {
        s3_error.set_headers(of_delete_marker(version, status));
    }
    s3_error.set_source(Box::new(error));
    s3_error
}

/// Returns the headers of the response to a read of a delete marker.
fn of_delete_marker(version: &str, status: Option<StatusCode>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("x-amz-delete-marker", HeaderValue::from_static("true"));
    if let Ok(version) = HeaderValue::from_str(version) {
        headers.insert("x-amz-version-id", version);
    }
    if status == Some(StatusCode::METHOD_NOT_ALLOWED) {
        headers.insert(http::header::ALLOW, HeaderValue::from_static("DELETE"));
    }
    headers
}

const fn of_kind(kind: ErrorKind) -> (&'static str, StatusCode) {
    match kind {
        ErrorKind::NotFound => ("NoSuchKey", StatusCode::NOT_FOUND),
        ErrorKind::NoSuchBucket => ("NoSuchBucket", StatusCode::NOT_FOUND),
        ErrorKind::NoSuchUpload => ("NoSuchUpload", StatusCode::NOT_FOUND),
        ErrorKind::AccessDenied => ("AccessDenied", StatusCode::FORBIDDEN),
        ErrorKind::InvalidRange => ("InvalidRange", StatusCode::RANGE_NOT_SATISFIABLE),
        ErrorKind::PreconditionFailed => ("PreconditionFailed", StatusCode::PRECONDITION_FAILED),
        ErrorKind::NotModified => ("NotModified", StatusCode::NOT_MODIFIED),
        ErrorKind::AlreadyExists => ("BucketAlreadyOwnedByYou", StatusCode::CONFLICT),
        ErrorKind::Conflict => ("ConditionalRequestConflict", StatusCode::CONFLICT),
        ErrorKind::Throttled => ("SlowDown", StatusCode::SERVICE_UNAVAILABLE),
        ErrorKind::Timeout => ("RequestTimeout", StatusCode::BAD_REQUEST),
        ErrorKind::Integrity => ("BadDigest", StatusCode::BAD_REQUEST),
        ErrorKind::InvalidInput => ("InvalidRequest", StatusCode::BAD_REQUEST),
        ErrorKind::Unsupported => ("NotImplemented", StatusCode::NOT_IMPLEMENTED),
        _ => ("InternalError", StatusCode::INTERNAL_SERVER_ERROR),
    }
}

#[cfg(test)]
mod tests {
    use s3_core::Operation;

    use super::*;

    #[test]
    fn a_known_code_wins_over_the_kind() {
        let known = s3_error(Error::from_response(
            Operation::Put,
            400,
            Some("EntityTooSmall"),
        ));
        assert_eq!(
            (known.code().as_str(), known.status_code()),
            ("EntityTooSmall", Some(StatusCode::BAD_REQUEST))
        );
        let by_kind = s3_error(Error::new(ErrorKind::NotFound, Operation::Get));
        assert_eq!(
            (by_kind.code().as_str(), by_kind.status_code()),
            ("NoSuchKey", Some(StatusCode::NOT_FOUND))
        );
        let unknown = s3_error(Error::from_response(Operation::Get, 418, Some("Odd")));
        assert_eq!(
            (unknown.code().as_str(), unknown.status_code()),
            ("Odd", Some(StatusCode::IM_A_TEAPOT))
        );
    }
}
