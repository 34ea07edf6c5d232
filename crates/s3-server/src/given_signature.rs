//! [`GivenSignature`]: access key, signature and dates of a request, from its headers or query, for error documents.

use std::collections::HashMap;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use time::format_description::well_known::{Iso8601, Rfc3339};
use time::{Duration, OffsetDateTime};

/// The signature of a request, version 2 or 4, from the `Authorization` header or the query.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct GivenSignature {
    pub(crate) access_key: Option<String>,
    pub(crate) value: Option<String>,
    /// The time when the request was signed.
    pub(crate) date: Option<String>,
    /// The time when a presigned URL expires.
    pub(crate) end: Option<String>,
}

impl GivenSignature {
    pub(crate) fn of(headers: &HeaderMap, query: &HashMap<String, String>) -> Self {
        let header = |name: &str| Some(headers.get(name)?.to_str().ok()?.to_owned());
        let asked = |name: &str| query.get(name).cloned();
        let authorization = header(AUTHORIZATION.as_str()).unwrap_or_default();
        let field = |name: &str| {
            let (_, rest) = authorization.split_once(name)?;
            Some(rest.split([',', ' ']).next()?.to_owned())
        };
        let of_scope = |scope: String| scope.split('/').next().map(str::to_owned);
        let version_2 = { authorization.strip_prefix("AWS ") }.and_then(|it| it.split_once(':'));
        let (key_2, value_2) = version_2.unzip();
        let date = asked("X-Amz-Date").or_else(|| header("x-amz-date"));
        let end = match asked("X-Amz-Expires") {
            Some(seconds) => end_of(date.as_deref(), &seconds),
            None => asked("Expires").and_then(|end| {
                let end = OffsetDateTime::from_unix_timestamp(end.parse().ok()?);
                end.ok()?.format(&Rfc3339).ok()
            }),
        };
        Self {
            access_key: { asked("X-Amz-Credential").or_else(|| field("Credential=")) }
                .and_then(of_scope)
                .or_else(|| asked("AWSAccessKeyId"))
                .or_else(|| key_2.map(str::to_owned)),
            value: asked("X-Amz-Signature")
                .or_else(|| asked("Signature"))
                .or_else(|| field("Signature="))
                .or_else(|| value_2.map(str::to_owned)),
            date: date.or_else(|| header("date")),
            end,
        }
    }
}

/// Returns the expiry time of a presigned URL of version 4.
fn end_of(date: Option<&str>, seconds: &str) -> Option<String> {
    let begin = OffsetDateTime::parse(date?, &Iso8601::DEFAULT).ok()?;
    let end = begin.checked_add(Duration::seconds(seconds.parse().ok()?))?;
    end.format(&Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(authorization: &str, query: &[(&str, &str)]) -> GivenSignature {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, authorization.parse().unwrap());
        headers.insert("x-amz-date", "20260101T000000Z".parse().unwrap());
        let query = query
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()));
        GivenSignature::of(&headers, &query.collect())
    }

    #[test]
    fn both_versions_are_read_in_both_places() {
        let version_4 = "AWS4-HMAC-SHA256 Credential=k/20260101/r/s3/aws4_request, SignedHeaders=host, Signature=s";
        let presigned = [
            ("X-Amz-Credential", "k/20260101/r/s3/aws4_request"),
            ("X-Amz-Date", "20260101T000000Z"),
            ("X-Amz-Expires", "60"),
            ("X-Amz-Signature", "s"),
        ];
        let version_2 = [
            ("AWSAccessKeyId", "k"),
            ("Signature", "s"),
            ("Expires", "60"),
        ];
        for (authorization, query, end) in [
            (version_4, &[][..], None),
            ("AWS k:s", &[], None),
            ("", &presigned, Some("2026-01-01T00:01:00Z")),
            ("", &version_2, Some("1970-01-01T00:01:00Z")),
        ] {
            let expected = GivenSignature {
                access_key: Some("k".to_owned()),
                value: Some("s".to_owned()),
                date: Some("20260101T000000Z".to_owned()),
                end: end.map(str::to_owned),
            };
            assert_eq!(given(authorization, query), expected);
        }
        assert_eq!(given("Bearer x", &[]).access_key, None);
    }
}
