//! Checks `If-Match` and the other conditions of reads, writes and copies in the in-memory store, as S3 does.

use super::clock::to_second;
use super::error_response::error_response;
use super::object::Object;
use crate::{Conditions, Operation, PutMode, Result};

/// Checks the conditions of a read of `object`.
///
/// An ETag takes precedence over a time: with `if_match`, `if_unmodified_since` is ignored, and with `if_none_match`,
/// `if_modified_since` is. Times are compared in whole seconds, as in HTTP.
pub(super) fn check_read(
    conditions: &Conditions,
    object: &Object,
    operation: Operation,
) -> Result<()> {
    let resource = object.url.as_str();
    let changed_after = |time| object.last_modified > to_second(time);
    let fails = match (&conditions.if_match, conditions.if_unmodified_since) {
        (Some(tag), _) => *tag != object.etag,
        (None, Some(time)) => changed_after(time),
        (None, None) => false,
    };
    if fails {
        return Err(error_response(
            operation,
            412,
            "PreconditionFailed",
            resource,
        ));
    }
    let unchanged = match (&conditions.if_none_match, conditions.if_modified_since) {
        (Some(tag), _) => *tag == object.etag,
        (None, Some(time)) => !changed_after(time),
        (None, None) => false,
    };
    if unchanged {
        return Err(error_response(operation, 304, "NotModified", resource));
    }
    Ok(())
}

/// Checks the `mode` of a write to `resource`, which currently holds `existing`.
pub(super) fn check_write(
    mode: &PutMode,
    existing: Option<&Object>,
    operation: Operation,
    resource: &str,
) -> Result<()> {
    match (mode, existing) {
        (PutMode::Overwrite, _) | (PutMode::IfAbsent, None) => Ok(()),
        (PutMode::IfMatch(_), None) => Err(error_response(operation, 404, "NoSuchKey", resource)),
        (PutMode::IfMatch(tag), Some(object)) if *tag == object.etag => Ok(()),
        (PutMode::IfAbsent | PutMode::IfMatch(_), Some(_)) => Err(error_response(
            operation,
            412,
            "PreconditionFailed",
            resource,
        )),
    }
}

/// Checks the conditions on the source of a copy; a condition that does not hold is status 412.
pub(super) fn check_source(
    conditions: &Conditions,
    source: &Object,
    operation: Operation,
) -> Result<()> {
    check_read(conditions, source, operation).map_err(|_| {
        let error = error_response(operation, 412, "PreconditionFailed", source.url.as_str());
        error.with_message("the copy source does not meet the condition")
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::{Attributes, ETag, ErrorKind, Limits, Payload, S3Url};

    fn object(written: SystemTime) -> Object {
        let url = S3Url::parse("s3://b/k").unwrap();
        let (payload, limits) = (Payload::from("x"), Limits::default());
        Object::from_payload(
            url,
            &payload,
            Attributes::default(),
            &limits,
            written,
            Operation::Put,
        )
        .unwrap()
    }

    /// The four combinations of RFC 9110, section 13.2.2, that S3 documents for its reads.
    #[test]
    fn an_etag_takes_precedence_over_a_time() {
        let written = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        let object = object(written);
        let before = written - Duration::from_secs(1);
        let (same, other) = (object.etag.clone(), ETag::new("other"));
        for (if_match, if_none_match, unmodified, modified, expected) in [
            (Some(&same), None, Some(before), None, None),
            (
                Some(&other),
                None,
                Some(written),
                None,
                Some(ErrorKind::PreconditionFailed),
            ),
            (
                None,
                Some(&same),
                None,
                Some(before),
                Some(ErrorKind::NotModified),
            ),
            (None, Some(&other), None, Some(written), None),
            (
                None,
                None,
                Some(before),
                None,
                Some(ErrorKind::PreconditionFailed),
            ),
            (None, None, Some(written), None, None),
            (
                None,
                None,
                None,
                Some(written),
                Some(ErrorKind::NotModified),
            ),
            (None, None, None, Some(before), None),
        ] {
            let conditions = Conditions {
                if_match: if_match.cloned(),
                if_none_match: if_none_match.cloned(),
                if_modified_since: modified,
                if_unmodified_since: unmodified,
            };
            let outcome = check_read(&conditions, &object, Operation::Get)
                .err()
                .map(|error| error.kind());
            assert_eq!(outcome, expected, "{conditions:?}");
        }
    }
}
