//! Errors that look like a server's.

use crate::{Error, Operation};

/// Returns the error that this answer of a server means, about `place`.
///
/// Answers to `HEAD` and answers 304 have no body, so they carry no code; their status speaks alone.
pub(super) fn refuse(operation: Operation, status: u16, code: &str, place: &str) -> Error {
    let has_body = operation != Operation::Head && status != 304;
    Error::from_response(operation, status, has_body.then_some(code)).with_resource(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn a_missing_bucket_is_a_bare_404_to_head() {
        let error = refuse(Operation::Head, 404, "NoSuchBucket", "s3://b/k");
        assert_eq!((error.kind(), error.code()), (ErrorKind::NotFound, None));
        let error = refuse(Operation::Get, 404, "NoSuchBucket", "s3://b/k");
        assert_eq!(
            (error.kind(), error.code()),
            (ErrorKind::NoSuchBucket, Some("NoSuchBucket"))
        );
    }
}
