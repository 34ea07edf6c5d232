//! Reading an object or its description.

use super::blank_key::send_to_object;
use super::body;
use super::client::Resolved;
use super::convert::{self, object_meta, served};
use super::direct;
use super::errors::{self, from_sdk};
use crate::{
    ByteRange, ETag, Error, ErrorKind, GetRequest, GetResponse, HeadRequest, ObjectMeta, Operation,
    Result,
};

/// Sets the conditions of a read on a builder of the SDK.
macro_rules! with_conditions {
    ($builder:expr, $conditions:expr) => {{
        let conditions = &$conditions;
        $builder
            .set_if_match(conditions.if_match.as_ref().map(ETag::quoted))
            .set_if_none_match(conditions.if_none_match.as_ref().map(ETag::quoted))
            .set_if_modified_since(conditions.if_modified_since.map(convert::date))
            .set_if_unmodified_since(conditions.if_unmodified_since.map(convert::date))
    }};
}

pub(super) async fn get(resolved: &Resolved, request: GetRequest) -> Result<GetResponse> {
    let (url, range) = (request.url.clone(), request.range.clone());
    let outcome = match resolved.direct(url.bucket()) {
        // As a header it would be malformed, and servers ignore what is malformed.
        _ if range.as_ref().is_some_and(|range| !range.is_satisfiable()) => {
            Err(Error::new(ErrorKind::InvalidRange, Operation::Get))
        }
        Some((direct, target)) => direct::get(direct, &target, &request).await,
        None => generated_get(resolved, request).await,
    };
    outcome.map_err(|error| match &range {
        // What is missing is missing whole.
        Some(range) if error.kind() != ErrorKind::NotFound => {
            error.with_resource(&url).with_range(range)
        }
        _ => error.with_resource(&url),
    })
}

pub(super) async fn head(resolved: &Resolved, request: HeadRequest) -> Result<ObjectMeta> {
    let url = request.url.clone();
    let outcome = match resolved.direct(url.bucket()) {
        Some((direct, target)) => direct::head(direct, &target, &request).await,
        None => generated_head(resolved, request).await,
    };
    outcome.map_err(|error| error.with_resource(&url))
}

async fn generated_get(resolved: &Resolved, request: GetRequest) -> Result<GetResponse> {
    let GetRequest {
        url,
        range,
        conditions,
        version,
    } = request;
    let call = with_conditions!(resolved.client(url.bucket()).get_object(), conditions)
        .set_range(range.as_ref().map(ByteRange::header))
        .set_version_id(version.map(|version| version.as_str().to_owned()));
    let sent = send_to_object!(call, url);
    let mut output = sent.map_err(|error| unread(from_sdk(Operation::Get, &error)))?;
    let served = served(
        length(output.content_length),
        output.content_range.as_deref(),
        range.as_ref(),
    );
    let (served, size) = served.map_err(|text| match output.content_length {
        None if output.content_range.is_none() => errors::malformed(Operation::Get, &text),
        _ => errors::contradictory(Operation::Get, &text),
    })?;
    let bytes = std::mem::take(&mut output.body);
    let meta = object_meta!(output, url.clone(), size);
    Ok(GetResponse::new(
        meta,
        served,
        body::incoming(bytes, url.as_str().to_owned()),
    ))
}

async fn generated_head(resolved: &Resolved, request: HeadRequest) -> Result<ObjectMeta> {
    let HeadRequest {
        url,
        conditions,
        version,
    } = request;
    let call = with_conditions!(resolved.client(url.bucket()).head_object(), conditions)
        .set_version_id(version.map(|version| version.as_str().to_owned()));
    let sent = send_to_object!(call, url);
    let mut output = sent.map_err(|error| from_sdk(Operation::Head, &error))?;
    let size = length(output.content_length)
        .ok_or_else(|| errors::malformed(Operation::Head, "the answer has no Content-Length"))?;
    Ok(object_meta!(output, url, size))
}

/// A part that came and cannot be taken contradicts itself; the server has not failed.
fn unread(error: Error) -> Error {
    match error.http_status() {
        Some(206) => error.with_kind(ErrorKind::Integrity),
        _ => error,
    }
}

fn length(header: Option<i64>) -> Option<u64> {
    u64::try_from(header?).ok()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use aws_smithy_types::body::SdkBody;

    use super::super::replay::{Replay, answer};
    use super::*;
    use crate::{Encryption, Retryability, S3Url, Store, VersionId};

    fn url() -> S3Url {
        S3Url::parse("s3://bucket/a//b é+").unwrap()
    }

    #[tokio::test]
    async fn the_request_names_range_version_and_conditions() {
        let replay = Replay::new([answer(206, &[("content-range", "bytes 2-3/10")], "cd")]);
        let mut request = GetRequest::new(url())
            .with_range(2..4)
            .with_if_match(ETag::new("abc"));
        request.version = Some(VersionId::new("v1"));
        request.conditions.if_modified_since = Some(UNIX_EPOCH + Duration::from_millis(1_500));
        let answer = replay.store().get(request).await.unwrap();
        assert_eq!((answer.range, answer.meta.size), (2..4, 10));
        assert_eq!(answer.body.collect().await.unwrap(), "cd");

        let sent = replay.only();
        let path = "http://127.0.0.1:9/bucket/a//b%20%C3%A9%2B";
        assert_eq!(
            sent.line(),
            format!("GET {path}?x-id=GetObject&versionId=v1")
        );
        assert_eq!(sent.header("range"), Some("bytes=2-3"));
        assert_eq!(sent.header("if-match"), Some("\"abc\""));
        assert_eq!(
            sent.header("if-modified-since"),
            Some("Thu, 01 Jan 1970 00:00:01 GMT")
        );
        assert_eq!(sent.header("x-amz-checksum-mode"), None);
        assert!(
            sent.header("authorization")
                .unwrap()
                .contains("/eu-west-1/s3/aws4_request")
        );
    }

    #[tokio::test]
    async fn an_answer_is_read_field_by_field() {
        let headers = [
            ("content-length", "3"),
            ("content-type", "text/plain"),
            ("content-encoding", "aws-chunked,gzip"),
            ("cache-control", "no-store"),
            ("etag", "\"0123\""),
            ("last-modified", "Wed, 21 Oct 2015 07:28:00 GMT"),
            ("x-amz-server-side-encryption", "aws:odd"),
            ("x-amz-version-id", "v7"),
            ("x-amz-meta-Mixed", "Value"),
            ("x-amz-checksum-crc32", "NSRBwg=="),
        ];
        let answer = Replay::new([answer(200, &headers, "abc")]).store();
        let answer = answer.get(GetRequest::new(url())).await.unwrap();
        assert_eq!(answer.range, 0..3);
        let meta = answer.meta;
        assert_eq!((meta.size, meta.etag), (3, Some(ETag::new("0123"))));
        assert_eq!(
            meta.last_modified,
            Some(UNIX_EPOCH + Duration::from_secs(1_445_412_480))
        );
        assert_eq!(meta.version, Some(VersionId::new("v7")));
        assert_eq!(meta.checksum.unwrap().value.as_ref(), "NSRBwg==");
        let attributes = meta.attributes;
        assert_eq!(attributes.content_type.as_deref(), Some("text/plain"));
        assert_eq!(attributes.content_encoding.as_deref(), Some("gzip"));
        assert_eq!(attributes.cache_control.as_deref(), Some("no-store"));
        assert_eq!(attributes.encryption, Some(Encryption::new("aws:odd")));
        assert_eq!(attributes.user["mixed"], "Value");
    }

    #[tokio::test]
    async fn a_head_without_headers_has_no_attributes() {
        let store =
            Replay::new([answer(200, &[("content-length", "0"), ("etag", "")], "")]).store();
        let meta = store.head(HeadRequest::new(url())).await.unwrap();
        assert_eq!(meta, ObjectMeta::new(url(), 0));
    }

    #[tokio::test]
    async fn an_answer_that_contradicts_itself_is_an_integrity_error_and_worth_another_try() {
        for headers in [
            vec![],
            vec![("content-range", "bytes 2-3/*")],
            vec![("content-range", "bytes 2-3/10"), ("content-length", "5")],
        ] {
            let store = Replay::new([answer(206, &headers, "cd")]).store();
            let error = store
                .get(GetRequest::new(url()).with_range(2..4))
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Integrity, "{error}");
            assert_eq!(error.retryability(), Retryability::Transient);
        }
    }

    #[tokio::test]
    async fn a_range_that_names_no_byte_is_not_sent() {
        let store = Replay::new([]).store();
        let error = store
            .get(GetRequest::new(url()).with_range(5..5))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRange);
    }

    /// A body that fails after three bytes.
    struct Torn(bool, std::io::ErrorKind);

    impl http_body::Body for Torn {
        type Data = bytes::Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<std::io::Result<http_body::Frame<bytes::Bytes>>>> {
            let frame = if self.0 {
                Err(self.1.into())
            } else {
                Ok(http_body::Frame::data("abc".into()))
            };
            self.0 = true;
            std::task::Poll::Ready(Some(frame))
        }
    }

    #[tokio::test]
    async fn a_body_that_breaks_is_a_transient_error_and_then_over() {
        for (broken, kind) in [
            (std::io::ErrorKind::ConnectionReset, ErrorKind::Network),
            (std::io::ErrorKind::TimedOut, ErrorKind::Timeout),
        ] {
            let body = SdkBody::from_body_1_x(Torn(false, broken));
            let store = Replay::new([answer(200, &[("content-length", "9")], body)]).store();
            let mut body = store.get(GetRequest::new(url())).await.unwrap().body;
            assert_eq!(body.next().await.unwrap().unwrap(), "abc");
            let error = body.next().await.unwrap().unwrap_err();
            assert_eq!(
                (error.kind(), error.retryability()),
                (kind, Retryability::Transient)
            );
            assert_eq!(error.resource(), Some(url().as_str()));
            assert!(body.next().await.is_none());
        }
    }

    #[tokio::test]
    async fn a_checksum_that_does_not_match_is_an_integrity_error() {
        let headers = [
            ("content-length", "3"),
            ("x-amz-checksum-crc32", "AAAAAA=="),
        ];
        let replay = Replay::new([answer(200, &headers, "abc")]);
        let store = replay
            .builder()
            .integrity(crate::Integrity::WhenSupported)
            .build();
        let answer = store.get(GetRequest::new(url())).await.unwrap();
        let error = answer.body.collect().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.retryability()),
            (ErrorKind::Integrity, Retryability::Transient)
        );
        assert_eq!(replay.only().header("x-amz-checksum-mode"), Some("ENABLED"));
    }
}
