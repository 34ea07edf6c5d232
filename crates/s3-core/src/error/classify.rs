//! Classification of error responses by S3 error code and HTTP status: one table for every backend.

use super::{ErrorKind, Operation, Retryability};

/// Returns kind and retryability of an error response, from S3's error code or else from the HTTP status.
///
/// A known code takes precedence, because servers disagree about statuses. If the code is unknown or missing, as in
/// responses to `HEAD`, the status decides. Permanent errors, including unknown 4xx, are not retried, unlike in
/// Metaflow.
///
/// # Examples
///
/// ```
/// use s3_core::{ErrorKind, Operation, Retryability, classify};
///
/// let slow_down = classify(Operation::Put, Some(503), Some("SlowDown"));
/// assert_eq!(slow_down, (ErrorKind::Throttled, Retryability::Throttled { after: None }));
/// let unknown = classify(Operation::Head, Some(404), None);
/// assert_eq!(unknown, (ErrorKind::NotFound, Retryability::No));
/// ```
#[must_use]
pub fn classify(
    operation: Operation,
    status: Option<u16>,
    code: Option<&str>,
) -> (ErrorKind, Retryability) {
    let kind = code
        .and_then(|code| kind_of_code(operation, code))
        .or_else(|| status.map(|status| kind_of_status(operation, status)))
        .unwrap_or(ErrorKind::Other);
    let retryability = match code {
        // Bytes were lost in transit to the server; the payload still has all of them.
        Some("IncompleteBody") => Retryability::Transient,
        // The upload is lost: S3 wants it to be created again, with all its parts.
        Some("ConditionalRequestConflict") if operation == Operation::CompleteUpload => {
            Retryability::No
        }
        // These are 4xx, although the same request succeeds a moment later.
        Some("OperationAborted" | "ConditionalRequestConflict") => Retryability::Transient,
        // Other conflicts do not resolve by themselves: the state of a bucket, a restore in progress.
        Some(_) if kind == ErrorKind::Conflict => Retryability::No,
        // A retry does not free a full disk.
        _ if kind == ErrorKind::Server && status == Some(507) => Retryability::No,
        _ => kind.usual_retryability(),
    };
    (kind, retryability)
}

fn kind_of_code(operation: Operation, code: &str) -> Option<ErrorKind> {
    Some(match code {
        "NoSuchKey" | "NoSuchVersion" => ErrorKind::NotFound,
        "NoSuchBucket" => ErrorKind::NoSuchBucket,
        "NoSuchUpload" => ErrorKind::NoSuchUpload,
        "AccessDenied"
        | "AllAccessDisabled"
        | "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "ExpiredToken"
        | "InvalidToken"
        | "TokenRefreshRequired"
        | "AccountProblem"
        | "InvalidSecurity"
        | "NotSignedUp"
        | "RequestTimeTooSkewed"
        | "RequestExpired"
        | "KMS.DisabledException"
        | "KMS.NotFoundException"
        | "UnauthorizedAccess"
        | "Forbidden" => ErrorKind::AccessDenied,
        // The object cannot be restored because it is not archived.
        "InvalidObjectState" if operation == Operation::Restore => ErrorKind::InvalidInput,
        // `ObjectNotInActiveTierError` is returned for copies of archived objects.
        "InvalidObjectState" | "ObjectNotInActiveTierError" => ErrorKind::Archived,
        "InvalidRange" => ErrorKind::InvalidRange,
        "PreconditionFailed" => ErrorKind::PreconditionFailed,
        "NotModified" => ErrorKind::NotModified,
        "BucketAlreadyExists" | "BucketAlreadyOwnedByYou" => ErrorKind::AlreadyExists,
        "BucketNotEmpty" => ErrorKind::InvalidInput,
        "OperationAborted" | "ConditionalRequestConflict" => ErrorKind::Conflict,
        "SlowDown"
        | "SlowDownRead"
        | "SlowDownWrite"
        | "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "RequestLimitExceeded"
        | "BandwidthLimitExceeded"
        | "LimitExceededException"
        | "TooManyRequests"
        | "TooManyRequestsException"
        | "ServiceUnavailable"
        | "Busy"
        | "TransactionInProgressException"
        | "PriorRequestNotComplete"
        | "EC2ThrottledException"
        | "ProvisionedThroughputExceededException" => ErrorKind::Throttled,
        "RequestTimeout" | "RequestTimeoutException" => ErrorKind::Timeout,
        "InternalError" | "InternalServerError" | "InternalFailure" => ErrorKind::Server,
        "BadDigest"
        | "XAmzContentSHA256Mismatch"
        | "XAmzContentChecksumMismatch"
        | "IncompleteBody"
        | "InvalidDigest" => ErrorKind::Integrity,
        "EntityTooLarge"
        | "EntityTooSmall"
        | "InvalidArgument"
        | "InvalidBucketName"
        | "InvalidPart"
        | "InvalidPartOrder"
        | "InvalidRequest"
        | "InvalidStorageClass"
        | "InvalidTag"
        | "InvalidURI"
        | "KeyTooLongError"
        | "MalformedXML"
        | "MetadataTooLarge"
        | "MissingContentLength"
        | "MissingRequestBodyError"
        | "TooManyBuckets"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException"
        | "InvalidEncryptionAlgorithmError" => ErrorKind::InvalidInput,
        "PermanentRedirect" | "TemporaryRedirect" | "Redirect" => ErrorKind::Config,
        "MethodNotAllowed" | "NotImplemented" => ErrorKind::Unsupported,
        _ => return None,
    })
}

const fn kind_of_status(operation: Operation, status: u16) -> ErrorKind {
    match status {
        // 511: the network requires a login.
        301 | 302 | 307 | 308 | 511 => ErrorKind::Config,
        304 => ErrorKind::NotModified,
        401 | 403 => ErrorKind::AccessDenied,
        404 => match operation {
            Operation::List
            | Operation::ListUploads
            | Operation::ListVersions
            | Operation::Versioning
            | Operation::SetVersioning
            | Operation::CreateBucket
            | Operation::DeleteBucket => ErrorKind::NoSuchBucket,
            Operation::UploadPart
            | Operation::CompleteUpload
            | Operation::AbortUpload
            | Operation::ListParts => ErrorKind::NoSuchUpload,
            _ => ErrorKind::NotFound,
        },
        405 | 501 | 505 => ErrorKind::Unsupported,
        408 => ErrorKind::Timeout,
        409 => ErrorKind::Conflict,
        412 => ErrorKind::PreconditionFailed,
        416 => ErrorKind::InvalidRange,
        429 | 503 => ErrorKind::Throttled,
        500..=599 => ErrorKind::Server,
        400..=499 => ErrorKind::InvalidInput,
        _ => ErrorKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THROTTLED: Retryability = Retryability::Throttled { after: None };

    /// Table of S3's error responses: status, code, expected kind and retryability, grouped by what a client should do.
    const TABLE: &[(u16, &str, ErrorKind, Retryability)] = &[
        (404, "NoSuchKey", ErrorKind::NotFound, Retryability::No),
        (404, "NoSuchVersion", ErrorKind::NotFound, Retryability::No),
        (
            404,
            "NoSuchBucket",
            ErrorKind::NoSuchBucket,
            Retryability::No,
        ),
        (
            404,
            "NoSuchUpload",
            ErrorKind::NoSuchUpload,
            Retryability::No,
        ),
        (
            403,
            "AccessDenied",
            ErrorKind::AccessDenied,
            Retryability::No,
        ),
        (
            403,
            "AllAccessDisabled",
            ErrorKind::AccessDenied,
            Retryability::No,
        ),
        (
            403,
            "InvalidAccessKeyId",
            ErrorKind::AccessDenied,
            Retryability::No,
        ),
        (
            403,
            "SignatureDoesNotMatch",
            ErrorKind::AccessDenied,
            Retryability::No,
        ),
        (
            400,
            "ExpiredToken",
            ErrorKind::AccessDenied,
            Retryability::No,
        ),
        (
            403,
            "RequestTimeTooSkewed",
            ErrorKind::AccessDenied,
            Retryability::No,
        ),
        (
            403,
            "InvalidObjectState",
            ErrorKind::Archived,
            Retryability::No,
        ),
        (
            400,
            "KMS.DisabledException",
            ErrorKind::AccessDenied,
            Retryability::No,
        ),
        (
            416,
            "InvalidRange",
            ErrorKind::InvalidRange,
            Retryability::No,
        ),
        (304, "NotModified", ErrorKind::NotModified, Retryability::No),
        (
            412,
            "PreconditionFailed",
            ErrorKind::PreconditionFailed,
            Retryability::No,
        ),
        (
            409,
            "BucketAlreadyExists",
            ErrorKind::AlreadyExists,
            Retryability::No,
        ),
        (
            409,
            "BucketAlreadyOwnedByYou",
            ErrorKind::AlreadyExists,
            Retryability::No,
        ),
        (
            409,
            "BucketNotEmpty",
            ErrorKind::InvalidInput,
            Retryability::No,
        ),
        (
            409,
            "OperationAborted",
            ErrorKind::Conflict,
            Retryability::Transient,
        ),
        (
            409,
            "ConditionalRequestConflict",
            ErrorKind::Conflict,
            Retryability::Transient,
        ),
        (503, "SlowDown", ErrorKind::Throttled, THROTTLED),
        (503, "ServiceUnavailable", ErrorKind::Throttled, THROTTLED),
        (400, "ThrottlingException", ErrorKind::Throttled, THROTTLED),
        (429, "TooManyRequests", ErrorKind::Throttled, THROTTLED),
        (
            400,
            "RequestTimeout",
            ErrorKind::Timeout,
            Retryability::Transient,
        ),
        (
            500,
            "InternalError",
            ErrorKind::Server,
            Retryability::Transient,
        ),
        (400, "BadDigest", ErrorKind::Integrity, Retryability::No),
        (
            400,
            "IncompleteBody",
            ErrorKind::Integrity,
            Retryability::Transient,
        ),
        (
            400,
            "EntityTooSmall",
            ErrorKind::InvalidInput,
            Retryability::No,
        ),
        (
            400,
            "EntityTooLarge",
            ErrorKind::InvalidInput,
            Retryability::No,
        ),
        (
            400,
            "InvalidPart",
            ErrorKind::InvalidInput,
            Retryability::No,
        ),
        (
            400,
            "InvalidPartOrder",
            ErrorKind::InvalidInput,
            Retryability::No,
        ),
        (
            400,
            "InvalidBucketName",
            ErrorKind::InvalidInput,
            Retryability::No,
        ),
        (
            400,
            "KeyTooLongError",
            ErrorKind::InvalidInput,
            Retryability::No,
        ),
        (
            400,
            "AuthorizationHeaderMalformed",
            ErrorKind::InvalidInput,
            Retryability::No,
        ),
        (
            301,
            "PermanentRedirect",
            ErrorKind::Config,
            Retryability::No,
        ),
        (
            501,
            "NotImplemented",
            ErrorKind::Unsupported,
            Retryability::No,
        ),
        (
            405,
            "MethodNotAllowed",
            ErrorKind::Unsupported,
            Retryability::No,
        ),
    ];

    #[test]
    fn a_known_code_decides_whatever_the_status() {
        for &(status, code, kind, retryability) in TABLE {
            // An error of one key in a DeleteObjects response has a code and no status.
            for status in [Some(status), None] {
                let got = classify(Operation::Get, status, Some(code));
                assert_eq!(got, (kind, retryability), "{status:?} {code}");
            }
        }
    }

    #[test]
    fn a_completion_that_met_another_write_is_not_sent_again() {
        for (code, retryability) in [
            ("ConditionalRequestConflict", Retryability::No),
            ("OperationAborted", Retryability::Transient),
        ] {
            let got = classify(Operation::CompleteUpload, Some(409), Some(code));
            assert_eq!(got, (ErrorKind::Conflict, retryability), "{code}");
        }
    }

    #[test]
    fn a_response_without_a_code_is_classified_by_its_status() {
        for (status, kind, retryability) in [
            (200, ErrorKind::Other, Retryability::No),
            (301, ErrorKind::Config, Retryability::No),
            (304, ErrorKind::NotModified, Retryability::No),
            (307, ErrorKind::Config, Retryability::No),
            (400, ErrorKind::InvalidInput, Retryability::No),
            (401, ErrorKind::AccessDenied, Retryability::No),
            (403, ErrorKind::AccessDenied, Retryability::No),
            (404, ErrorKind::NotFound, Retryability::No),
            (405, ErrorKind::Unsupported, Retryability::No),
            (408, ErrorKind::Timeout, Retryability::Transient),
            (409, ErrorKind::Conflict, Retryability::Transient),
            (412, ErrorKind::PreconditionFailed, Retryability::No),
            (416, ErrorKind::InvalidRange, Retryability::No),
            (429, ErrorKind::Throttled, THROTTLED),
            (500, ErrorKind::Server, Retryability::Transient),
            (501, ErrorKind::Unsupported, Retryability::No),
            (502, ErrorKind::Server, Retryability::Transient),
            (503, ErrorKind::Throttled, THROTTLED),
            (505, ErrorKind::Unsupported, Retryability::No),
            (507, ErrorKind::Server, Retryability::No),
            (511, ErrorKind::Config, Retryability::No),
        ] {
            assert_eq!(
                classify(Operation::Head, Some(status), None),
                (kind, retryability),
                "{status}"
            );
        }
    }

    #[test]
    fn the_kind_of_a_bare_404_depends_on_the_operation() {
        use Operation as O;
        for (operations, kind) in [
            (vec![O::Get, O::Head, O::Copy, O::Put], ErrorKind::NotFound),
            (
                vec![O::List, O::ListUploads, O::CreateBucket, O::DeleteBucket],
                ErrorKind::NoSuchBucket,
            ),
            (
                vec![
                    O::UploadPart,
                    O::CompleteUpload,
                    O::AbortUpload,
                    O::ListParts,
                ],
                ErrorKind::NoSuchUpload,
            ),
        ] {
            for operation in operations {
                let got = classify(operation, Some(404), None);
                assert_eq!(got, (kind, Retryability::No), "{operation:?}");
            }
        }
    }

    #[test]
    fn an_unknown_4xx_is_permanent_and_an_unknown_5xx_is_not() {
        assert_eq!(
            classify(Operation::Get, Some(400), Some("SomethingOdd")),
            (ErrorKind::InvalidInput, Retryability::No)
        );
        assert_eq!(
            classify(Operation::Get, Some(599), Some("SomethingOdd")),
            (ErrorKind::Server, Retryability::Transient)
        );
        // Unlike the known conflicts, these do not resolve by themselves.
        for code in ["InvalidBucketState", "RestoreAlreadyInProgress"] {
            assert_eq!(
                classify(Operation::Get, Some(409), Some(code)),
                (ErrorKind::Conflict, Retryability::No)
            );
        }
    }
}
