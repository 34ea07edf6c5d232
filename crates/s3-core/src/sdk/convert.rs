//! Converts header values: parses those of responses (ETag, version, ranges and others), writes `x-amz-copy-source`.

use std::ops::Range;
use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3_url::S3Url;
use s3_wire::timestamp;

use crate::{ByteRange, ETag, ErrorKind, RestoreStatus, VersionId};

/// Parses an ETag without its quotes and `W/`; `None` for an empty one, which some servers send for multipart objects.
pub(super) fn etag_of(text: &str) -> Option<ETag> {
    let tag = ETag::new(text.strip_prefix("W/").unwrap_or(text));
    (!tag.as_str().is_empty()).then_some(tag)
}

/// Parses a version id; `None` if it is empty. `null` is a valid id: that of an object that was written while
/// versioning was not enabled.
pub(super) fn version_of(text: &str) -> Option<VersionId> {
    (!text.is_empty()).then(|| VersionId::new(text))
}

/// Parses `x-amz-restore`, such as `ongoing-request="false", expiry-date="Fri, 21 Dec 2012 00:00:00 GMT"`.
pub(super) fn restore_of(text: &str) -> Option<RestoreStatus> {
    let value = |name: &str| {
        let (_, rest) = text.split_once(name)?;
        let rest = rest.trim_start().strip_prefix('=')?.trim_start();
        rest.strip_prefix('"')?.split('"').next()
    };
    match value("ongoing-request")? {
        "true" => Some(RestoreStatus::InProgress),
        "false" => Some(RestoreStatus::Restored {
            until: value("expiry-date").and_then(timestamp::parse),
        }),
        _ => None,
    }
}

/// Returns the encoding of the object without `aws-chunked`, a framing of the upload that some servers store and
/// return.
pub(super) fn content_encoding_of(text: &str) -> Option<Arc<str>> {
    if !text.to_ascii_lowercase().contains("aws-chunked") {
        return (!text.is_empty()).then(|| text.into());
    }
    let own: Vec<&str> = text
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("aws-chunked"))
        .collect();
    (!own.is_empty()).then(|| own.join(",").into())
}

/// Returns the range that a body contains and the size of the whole object, from `Content-Length` and `Content-Range`.
/// If the size is unknown (`*`), it is the end of the range, unless the range reaches the end of `requested`: that is
/// an error, because the object may be longer.
///
/// # Errors
///
/// `Protocol` for a missing or malformed header, `Integrity` for numbers that contradict each other.
pub(super) fn served(
    length: Option<u64>,
    content_range: Option<&str>,
    requested: Option<&ByteRange>,
) -> Result<(Range<u64>, u64), (ErrorKind, String)> {
    let misunderstood = |text: String| (ErrorKind::Protocol, text);
    let Some(header) = content_range else {
        let length =
            length.ok_or_else(|| misunderstood("the response has no Content-Length".to_owned()))?;
        return Ok((0..length, length));
    };
    let (range, size) = match header.trim().strip_suffix("/*") {
        // A range shorter than requested ends at the end of the object.
        Some(bounds) => {
            let open = self::content_range(&format!("{bounds}/{}", u64::MAX));
            let at_end = |range: &Range<u64>| match requested {
                Some(ByteRange::Bounded(asked)) => range.end < asked.end,
                _ => true,
            };
            match open {
                Some((range, _)) if !at_end(&range) => {
                    return Err(misunderstood(format!(
                        "the response does not say the object's size: {header}"
                    )));
                }
                open => open.map(|(range, _)| (range.clone(), range.end)),
            }
        }
        None => self::content_range(header),
    }
    .ok_or_else(|| {
        let kind = match range_numbers(header) {
            // For example, the end is after the end of the object: the header was corrupted in transit.
            Some(_) => ErrorKind::Integrity,
            None => ErrorKind::Protocol,
        };
        let text = format!("the response has a malformed Content-Range: {header:?}");
        (kind, text)
    })?;
    match length {
        Some(length) if length != range.end - range.start => Err((
            ErrorKind::Integrity,
            format!("the response has {length} bytes, but its Content-Range is {header}"),
        )),
        _ => Ok((range, size)),
    }
}

/// Parses `Content-Range`: the range of the body, and the size of the whole object.
pub(super) fn content_range(text: &str) -> Option<(Range<u64>, u64)> {
    let (first, last, size) = range_numbers(text)?;
    let end = last.checked_add(1)?;
    (first < end && end <= size).then_some((first..end, size))
}

/// Returns the first byte, the last byte and the size in a `Content-Range`.
fn range_numbers(text: &str) -> Option<(u64, u64, u64)> {
    // Some servers write `bytes=`, as in a request.
    let (unit, rest) = text.trim().split_once([' ', '='])?;
    let (bounds, size) = rest.trim().split_once('/')?;
    let (first, last) = bounds.split_once('-')?;
    let numbers = (number(first)?, number(last)?, number(size)?);
    unit.eq_ignore_ascii_case("bytes").then_some(numbers)
}

/// Parses decimal digits only; `u64::from_str` also accepts a sign.
pub(super) fn number(text: &str) -> Option<u64> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}

/// Returns the value of `x-amz-copy-source`.
pub(super) fn copy_source(url: &S3Url, version: Option<&VersionId>) -> String {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~')
        .remove(b'/');
    let mut key = utf8_percent_encode(url.key(), KEPT).to_string();
    if let Some(version) = version {
        let version = utf8_percent_encode(version.as_str(), KEPT);
        key.push_str(&format!("?versionId={version}"));
    }
    if url.bucket().starts_with("arn:") {
        return format!("{}/object/{key}", url.bucket());
    }
    format!("{}/{key}", url.bucket())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aws_chunked_is_removed_from_the_content_encoding() {
        for (header, own) in [
            (None, None),
            (Some(""), None),
            (Some("gzip"), Some("gzip")),
            (Some("aws-chunked"), None),
            (Some("AWS-Chunked, gzip"), Some("gzip")),
            (Some("gzip,aws-chunked,br"), Some("gzip,br")),
        ] {
            assert_eq!(
                header.and_then(content_encoding_of).as_deref(),
                own,
                "{header:?}"
            );
        }
    }

    #[test]
    fn the_state_of_a_restoration_is_read() {
        let until = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_356_048_000);
        for (text, expected) in [
            ("ongoing-request=\"true\"", Some(RestoreStatus::InProgress)),
            (
                "ongoing-request=\"false\", expiry-date=\"Fri, 21 Dec 2012 00:00:00 GMT\"",
                Some(RestoreStatus::Restored { until: Some(until) }),
            ),
            (
                "ongoing-request = \"false\"",
                Some(RestoreStatus::Restored { until: None }),
            ),
            ("ongoing-request=\"maybe\"", None),
            ("", None),
        ] {
            assert_eq!(restore_of(text), expected, "{text}");
        }
    }

    #[test]
    fn a_content_range_is_read_or_rejected() {
        assert_eq!(content_range("bytes 0-0/1"), Some((0..1, 1)));
        assert_eq!(content_range("bytes 5-9/100"), Some((5..10, 100)));
        assert_eq!(content_range("bytes=5-9/100"), Some((5..10, 100)));
        for wrong in [
            "",
            "bytes",
            "bytes */9",
            "bytes 5-9/*",
            "bytes 9-5/10",
            "bytes 0-9/5",
            "bytes +1-2/9",
        ] {
            assert_eq!(content_range(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn quotes_and_weak_marks_are_removed_from_etags_and_an_empty_etag_is_none() {
        let etag = etag_of;
        assert_eq!(etag("\"abc-2\""), Some(ETag::new("abc-2")));
        assert_eq!(etag("W/\"abc\""), Some(ETag::new("abc")));
        assert_eq!((etag(""), etag("\"\"")), (None, None));
    }

    #[test]
    fn a_copy_source_is_encoded_except_for_slashes() {
        let url = S3Url::parse("s3://bucket/a b/é+%~.txt").unwrap();
        assert_eq!(copy_source(&url, None), "bucket/a%20b/%C3%A9%2B%25~.txt");
    }
}
