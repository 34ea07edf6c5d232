//! Responses in the form that the generated client reads.
//!
//! The generated client fails a call for a date or a boolean that is written in another way than S3 writes it, though
//! nobody may need it. Such values are rewritten before it reads them, as the direct path reads them.

use std::time::SystemTime;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use s3_wire::timestamp::{parse_any, parse_http_date, parse_rfc3339};

const DATES: [&str; 4] = [
    "LastModified",
    "CreationDate",
    "Initiated",
    "RestoreExpiryDate",
];
const WORDS: [&str; 1] = ["IsTruncated"];
const NUMBERS: [&str; 8] = [
    "Size",
    "KeyCount",
    "MaxKeys",
    "MaxUploads",
    "MaxParts",
    "PartNumber",
    "PartNumberMarker",
    "NextPartNumberMarker",
];

/// Rewrites the header `Last-Modified`, or removes one that is no date.
pub(super) fn correct_headers(response: &mut HttpResponse) {
    const NAME: &str = "last-modified";
    let Some(text) = response.headers().get(NAME) else {
        return;
    };
    if parse_http_date(text).is_some() {
        return;
    }
    let date = parse_any(text).map(httpdate::fmt_http_date);
    response.headers_mut().remove(NAME);
    if let Some(date) = date {
        response.headers_mut().insert(NAME, date);
    }
}

/// Returns the document with dates, booleans and numbers in S3's form; `None` if they are.
pub(super) fn corrected(document: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(document).ok()?;
    let mut corrected = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(open) = text[at..].find('<').map(|open| at + open) {
        let Some(name_end) = text[open..].find('>').map(|end| open + end) else {
            break;
        };
        let name = &text[open + 1..name_end];
        at = name_end + 1;
        let is = |names: &[&str]| names.contains(&name);
        if !is(&DATES) && !is(&WORDS) && !is(&NUMBERS) {
            continue;
        }
        let Some(close) = text[at..].find('<').map(|close| at + close) else {
            break;
        };
        let value = &text[at..close];
        let Some(end) = text[close..]
            .strip_prefix("</")
            .and_then(|rest| rest.strip_prefix(name))
            .and_then(|rest| rest.strip_prefix('>'))
            .map(|rest| text.len() - rest.len())
        else {
            continue;
        };
        let better = match () {
            () if is(&DATES) => date(value),
            () if is(&WORDS) => Some(value.trim().to_ascii_lowercase()),
            () => Some(value.trim().to_owned()),
        };
        if better.as_deref() != Some(value) {
            corrected.push_str(&text[copied..open]);
            if let Some(better) = better {
                corrected += &format!("<{name}>{better}</{name}>");
            }
            copied = end;
        }
        at = end;
    }
    (copied > 0).then(|| corrected + &text[copied..])
}

/// Returns a date in the form of RFC 3339; `None` if it is none.
fn date(value: &str) -> Option<String> {
    let read = parse_rfc3339(value);
    if read.is_some() && value.len() == value.trim().len() && !value.contains(' ') {
        return Some(value.to_owned());
    }
    let time: SystemTime = read.or_else(|| parse_any(value))?;
    DateTime::from(time).fmt(Format::DateTime).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_values_that_differ_from_s3s_are_rewritten() {
        let good = "<R><IsTruncated>false</IsTruncated><Contents><Key> IsTruncated </Key><Size>1</Size>\
            <LastModified>2015-10-21T07:28:00.000Z</LastModified></Contents></R>";
        assert_eq!(corrected(good.as_bytes()), None);
        for (odd, want) in [
            (
                "<IsTruncated>\n True </IsTruncated>",
                "<IsTruncated>true</IsTruncated>",
            ),
            ("<Size> 7\n</Size>", "<Size>7</Size>"),
            (
                "<CreationDate>2022-03-04T06:15:41</CreationDate>",
                "<CreationDate>2022-03-04T06:15:41Z</CreationDate>",
            ),
            (
                "<Initiated>Tue, 13 Mar 2018 17:25:04 GMT</Initiated>",
                "<Initiated>2018-03-13T17:25:04Z</Initiated>",
            ),
            ("<LastModified>today</LastModified>", ""),
            ("<LastModified></LastModified>", ""),
        ] {
            let document = format!("<R><Key> a </Key>{odd}<Name>b</Name></R>");
            let want = format!("<R><Key> a </Key>{want}<Name>b</Name></R>");
            assert_eq!(corrected(document.as_bytes()), Some(want), "{odd}");
        }
    }

    #[test]
    fn what_is_cut_or_strange_is_left_as_it_is() {
        for text in [
            "",
            "<",
            "<Size",
            "<Size>",
            "<Size> 1",
            "<Size> 1</Siz",
            "<Size><b/></Size>",
            "text",
        ] {
            assert_eq!(corrected(text.as_bytes()), None, "{text}");
        }
        assert_eq!(corrected(b"\xff<Size> 1</Size>"), None);
    }
}
