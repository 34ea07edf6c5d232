//! Fuzz entry points: parse arbitrary bytes as listings, error responses and timestamps, and compare the parsers.

use std::time::SystemTime;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use s3_url::S3Prefix;
use s3_wire::listing::Page;
use s3_wire::timestamp as times;

use super::collected_response::CollectedResponse;
use super::{errors, listing, response_headers};
use crate::{Operation, S3Url};

/// Parses a page of a listing with the scanner and with the XML parser.
///
/// # Panics
///
/// If their results differ, or if an object of the page is in another bucket.
pub fn list_response(bytes: &[u8]) {
    let prefix = S3Prefix::parse("s3://b/a/").expect("it is a prefix");
    if let Ok(document) = std::str::from_utf8(bytes) {
        readers_agree(document, &prefix);
    }
    for status in [200, 403] {
        let header = |_: &str| None;
        let collected = CollectedResponse {
            status,
            header: &header,
            body: bytes,
        };
        if let Ok(page) = listing::read(&prefix, &collected) {
            for object in &page.objects {
                assert_eq!(object.url.bucket(), "b", "an object of another bucket");
            }
        }
    }
}

/// Parses a document with the scanner and with the XML parser, and compares the results.
fn readers_agree(document: &str, prefix: &S3Prefix) {
    if let Some(scanned) = Page::scan(document) {
        let parsed = Page::parse_xml(document).expect("the scanner has read this document");
        let [scanned, parsed] =
            [scanned, parsed].map(|page| listing::list_page(&page, prefix, false));
        assert_eq!(scanned, parsed, "{document:?}");
    }
}

/// Parses an error document, in error responses and in a success.
///
/// # Panics
///
/// If the text of the error is empty.
pub fn error_response(bytes: &[u8]) {
    let (head, body) = bytes.split_at(bytes.len().min(8));
    let value = std::str::from_utf8(head).ok();
    let header = |name: &str| value.filter(|_| name != "x-amz-request-id");
    for status in [200, 301, 400, 404, 503] {
        let collected = CollectedResponse {
            status,
            header: &header,
            body,
        };
        let is_error = errors::holds_error(&collected);
        let error = errors::error_of(Operation::CompleteUpload, &collected);
        assert!(
            !(is_error && error.to_string().is_empty()),
            "the text of the error is empty"
        );
    }
}

/// Parses a time with our parser and with the SDK's.
///
/// # Panics
///
/// If the results differ.
pub fn timestamp(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(theirs) = DateTime::from_str(text, Format::DateTimeWithOffset) {
        let ours = times::parse(text);
        let theirs = SystemTime::try_from(theirs).ok();
        assert!(
            ours.is_none() || ours == theirs,
            "{text:?}: {ours:?} {theirs:?}"
        );
    }
    headers_are_read(text);
}

/// Parses the headers of a response to GetObject, one per line.
fn headers_are_read(text: &str) {
    let headers = text.lines().filter_map(|line| line.split_once(':'));
    let described = response_headers::read_headers(headers);
    let url = S3Url::parse("s3://b/k").expect("it is a URL");
    if let Ok((range, meta)) = described.part(206, url, None) {
        assert!(
            range.start <= range.end && range.end <= meta.size,
            "{range:?}"
        );
    }
}
