//! Conditions of reads and writes, judged as S3 judges them.

use super::clock::to_second;
use super::object::Object;
use super::refusal::refuse;
use crate::{Conditions, ETag, Operation, PutMode, Result};

/// Says whether `object` may be read.
///
/// A tag beats a time: `if_match` that holds makes `if_unmodified_since` irrelevant, and `if_none_match`
/// makes `if_modified_since` irrelevant. Times count in whole seconds, as in HTTP.
pub(super) fn check_read(
    conditions: &Conditions,
    object: &Object,
    operation: Operation,
) -> Result<()> {
    let place = object.url.as_str();
    let changed_after = |time| object.last_modified > to_second(time);
    let fails = match (&conditions.if_match, conditions.if_unmodified_since) {
        (Some(tag), _) => *tag != object.etag,
        (None, Some(time)) => changed_after(time),
        (None, None) => false,
    };
    if fails {
        return Err(refuse(operation, 412, "PreconditionFailed", place));
    }
    let unchanged = match (&conditions.if_none_match, conditions.if_modified_since) {
        (Some(tag), _) => *tag == object.etag,
        (None, Some(time)) => !changed_after(time),
        (None, None) => false,
    };
    if unchanged {
        return Err(refuse(operation, 304, "NotModified", place));
    }
    Ok(())
}

/// Says whether the object at `place` may be written, where `existing` is now.
pub(super) fn check_write(
    mode: &PutMode,
    existing: Option<&Object>,
    operation: Operation,
    place: &str,
) -> Result<()> {
    match (mode, existing) {
        (PutMode::Overwrite, _) | (PutMode::IfAbsent, None) => Ok(()),
        (PutMode::IfMatch(_), None) => Err(refuse(operation, 404, "NoSuchKey", place)),
        (PutMode::IfMatch(tag), Some(object)) if *tag == object.etag => Ok(()),
        (PutMode::IfAbsent | PutMode::IfMatch(_), Some(_)) => {
            Err(refuse(operation, 412, "PreconditionFailed", place))
        }
    }
}

/// Says whether `source` is the object that the caller means to copy.
pub(super) fn check_source(
    wanted: Option<&ETag>,
    source: &Object,
    operation: Operation,
) -> Result<()> {
    match wanted {
        Some(tag) if *tag != source.etag => {
            let error = refuse(operation, 412, "PreconditionFailed", source.url.as_str());
            Err(error.with_message("the source of the copy has another tag"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::{Attributes, ErrorKind, Limits, Payload, S3Url};

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
    fn a_tag_beats_a_time() {
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
