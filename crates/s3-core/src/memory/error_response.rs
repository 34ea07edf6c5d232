//! Builds the errors of the in-memory store as S3 would send them: status, error code and resource.

use crate::{Error, Operation};

/// Returns the error for a response with this status and code, about `resource`.
///
/// Responses to `HEAD` and responses with status 304 have no body, so they have no code.
pub(super) fn error_response(
    operation: Operation,
    status: u16,
    code: &str,
    resource: &str,
) -> Error {
    let has_body = operation != Operation::Head && status != 304;
    Error::from_response(operation, status, has_body.then_some(code)).with_resource(resource)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn head_in_a_missing_bucket_fails_with_a_bare_404() {
        let error = error_response(Operation::Head, 404, "NoSuchBucket", "s3://b/k");
        assert_eq!((error.kind(), error.code()), (ErrorKind::NotFound, None));
        let error = error_response(Operation::Get, 404, "NoSuchBucket", "s3://b/k");
        assert_eq!(
            (error.kind(), error.code()),
            (ErrorKind::NoSuchBucket, Some("NoSuchBucket"))
        );
    }
}
