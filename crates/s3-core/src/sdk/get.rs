//! GetObject and HeadObject: sends the request, and checks length, range and checksum of the response.

use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use s3_wire::sign::{HeaderError, Headers};
use s3_wire::{Response, ResponseBody, WireError, WireErrorKind};

use super::body_verifier::Verifier;
use super::client::Resolved;
use super::errors;
use super::response_headers::read_headers;
use super::sender::invalid_header;
use super::transport_error;
use crate::{
    Body, BodySource, ByteCounter, ChecksumAlgorithm, Conditions, Error, ErrorKind, GetRequest,
    GetResponse, HeadRequest, ObjectMeta, Operation, Phase, Result, Retryability, S3Url, VersionId,
};

/// Maximum length of a body that is read completely before it is returned, because no header announces its length: 8
/// MiB, the usual part size of a download.
const MAX_UNKNOWN_LENGTH: usize = 8 << 20;

pub(super) async fn get(resolved: &Resolved, request: GetRequest) -> Result<GetResponse> {
    let outcome = match &request.range {
        // The header would be malformed, and servers ignore malformed headers.
        Some(range) if !range.is_satisfiable() => {
            Err(Error::new(ErrorKind::InvalidRange, Operation::Get))
        }
        _ => get_object(resolved, &request).await,
    };
    outcome.map_err(|error| match &request.range {
        Some(range) if !concerns_whole_object(error.kind()) => {
            error.with_resource(&request.url).with_range(range)
        }
        _ => error.with_resource(&request.url),
    })
}

/// Returns whether another range would have failed with the same error.
fn concerns_whole_object(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::NotFound
            | ErrorKind::NoSuchBucket
            | ErrorKind::AccessDenied
            | ErrorKind::Archived
            | ErrorKind::Config
    )
}

pub(super) async fn head(resolved: &Resolved, request: HeadRequest) -> Result<ObjectMeta> {
    let HeadRequest {
        url,
        conditions,
        version,
        checksum,
    } = request;
    let mut headers = Headers::new();
    let mut pushed = push_conditions(&mut headers, &READ, &conditions);
    if checksum {
        pushed = pushed.and_then(|()| headers.push("x-amz-checksum-mode", "ENABLED"));
    }
    pushed.map_err(|error| invalid_header(Operation::Head, &error).with_resource(&url))?;
    let sent = send(
        resolved,
        Operation::Head,
        "HEAD",
        &url,
        version.as_ref(),
        headers,
    )
    .await;
    let response = sent.map_err(|error| error.with_resource(&url))?;
    read_headers(response.head.iter()).object(url)
}

/// Reads an object and requests its checksum, unless the endpoint rejects that.
async fn get_object(resolved: &Resolved, request: &GetRequest) -> Result<GetResponse> {
    let with_checksum = resolved.requests_checksums();
    match get_with(resolved, request, with_checksum).await {
        Err(rejection) if with_checksum && rejects_checksum_mode(&rejection) => {
            let outcome = Box::pin(get_with(resolved, request, false)).await;
            match &outcome {
                Err(error) if rejects_checksum_mode(error) => {}
                _ => {
                    tracing::debug!(%rejection, "the endpoint rejects x-amz-checksum-mode; checksums are no longer requested");
                    resolved.remember_no_checksums();
                }
            }
            outcome
        }
        outcome => outcome,
    }
}

/// Returns whether an error response may be caused by the header that requests the checksum: S3 sends the name of a
/// header that it does not implement in an element, other servers in the message or not at all.
fn rejects_checksum_mode(error: &Error) -> bool {
    match error.http_status() {
        Some(501) => true,
        Some(400) => {
            let text = error.message().unwrap_or_default().to_ascii_lowercase();
            text.contains("checksum-mode")
        }
        _ => false,
    }
}

async fn get_with(
    resolved: &Resolved,
    request: &GetRequest,
    with_checksum: bool,
) -> Result<GetResponse> {
    let GetRequest {
        url,
        range,
        conditions,
        version,
        byte_counter,
    } = request;
    let mut headers = Headers::new();
    let mut pushed = push_conditions(&mut headers, &READ, conditions);
    if let Some(range) = range {
        pushed = pushed.and_then(|()| headers.push_formatted("range", format_args!("{range}")));
    }
    if with_checksum {
        pushed = pushed.and_then(|()| headers.push("x-amz-checksum-mode", "ENABLED"));
    }
    pushed.map_err(|error| invalid_header(Operation::Get, &error))?;
    let mut response = send(
        resolved,
        Operation::Get,
        "GET",
        url,
        version.as_ref(),
        headers,
    )
    .await?;
    let mut described = read_headers(response.head.iter());
    let mut whole = None;
    // Without Content-Length, the body ends with its last chunk or with its connection.
    let is_announced = described.content_length.is_some();
    let encoding = response.head.get("transfer-encoding").unwrap_or_default();
    let is_chunked = encoding.trim().eq_ignore_ascii_case("chunked");
    if is_chunked && described.content_range.is_some() {
        // The chunks define where the body ends, whatever Content-Length says.
        described.content_length = None;
    } else if is_chunked && described.content_length.is_none() && response.status == 200 {
        // S3 sends an ETag and a time with every object. White space before an error, or the page of a proxy, has
        // neither.
        if !described.names_an_object() {
            let text = "the response has no length, no ETag and no time: it is not an object";
            return Err(errors::malformed(Operation::Get, text));
        }
        // The last chunk marks the end of the body. Without chunks, a truncated body could not be detected.
        let bytes = collect_unknown_length(&mut response.body, byte_counter.as_ref()).await?;
        described.content_length = Some(bytes.len() as u64);
        whole = Some(bytes);
    }
    let (range, meta) = described.part(response.status, url.clone(), range.as_ref())?;
    let announced = range.end - range.start;
    // The checksum in a response to a range request covers the whole object.
    let checksum = meta.checksum.as_ref();
    let checksum = checksum.filter(|_| with_checksum && range == (0..meta.size));
    let verifier = checksum.and_then(Verifier::new);
    let verified = verifier.as_ref().map(Verifier::algorithm);
    let ends_by_itself = is_chunked || !is_announced;
    let mut arriving = ArrivingBody {
        verifier,
        response: response.body,
        left: (ends_by_itself && whole.is_none()).then_some(announced),
        is_chunked,
        announced,
        url: url.clone(),
    };
    let body = match whole.or_else(|| arriving.response.take_whole()) {
        Some(bytes) => {
            arriving.update(&bytes);
            arriving.verify()?;
            let body = Body::from_bytes(bytes);
            match verified {
                Some(algorithm) => body.with_verified(algorithm),
                None => body,
            }
        }
        None => Body::from_source(arriving),
    };
    Ok(GetResponse::new(meta, range, body))
}

/// Reads a body of unknown length completely. `counter` counts the bytes.
async fn collect_unknown_length(
    body: &mut ResponseBody,
    counter: Option<&ByteCounter>,
) -> Result<Bytes> {
    let counter = counter.map(ByteCounter::as_atomic);
    let collected = body.collect_counted(MAX_UNKNOWN_LENGTH, counter).await;
    collected.map_err(|error| {
        if error.kind() != WireErrorKind::TooLarge {
            return transport_error::in_body(Operation::Get, &error);
        }
        let text = "the response has no length, and the body exceeds 8 MiB";
        let error = errors::malformed(Operation::Get, text);
        error.with_retryability(Retryability::No)
    })
}

async fn send(
    resolved: &Resolved,
    operation: Operation,
    method: &'static str,
    url: &S3Url,
    version: Option<&VersionId>,
    headers: Headers,
) -> Result<Response> {
    let route = resolved.route(url.bucket());
    let mut request = route.request(method, url.key());
    request.headers = headers;
    if let Some(version) = version {
        request.query.push("versionId", version.as_str());
    }
    route.send(operation, &mut request, None).await
}

/// Header names of the conditions of a read.
const READ: [&str; 4] = [
    "if-match",
    "if-none-match",
    "if-modified-since",
    "if-unmodified-since",
];

/// Adds conditions with these header names, which are in the order of the fields of `Conditions`.
pub(super) fn push_conditions(
    headers: &mut Headers,
    [
        if_match,
        if_none_match,
        if_modified_since,
        if_unmodified_since,
    ]: &[&'static str; 4],
    conditions: &Conditions,
) -> Result<(), HeaderError> {
    if let Some(etag) = &conditions.if_match {
        headers.push_formatted(if_match, format_args!("\"{etag}\""))?;
    }
    if let Some(etag) = &conditions.if_none_match {
        headers.push_formatted(if_none_match, format_args!("\"{etag}\""))?;
    }
    if let Some(time) = conditions.if_modified_since {
        headers.push(if_modified_since, &httpdate::fmt_http_date(time))?;
    }
    if let Some(time) = conditions.if_unmodified_since {
        headers.push(if_unmodified_since, &httpdate::fmt_http_date(time))?;
    }
    Ok(())
}

/// The body of a response. Its errors name the object.
struct ArrivingBody {
    response: ResponseBody,
    /// How many of the `announced` bytes are left, if the body ends with its last chunk or with its connection.
    left: Option<u64>,
    is_chunked: bool,
    announced: u64,
    /// Verifies the received bytes; `None` once they have been verified.
    verifier: Option<Verifier>,
    url: S3Url,
}

impl ArrivingBody {
    fn update(&mut self, bytes: &[u8]) {
        if let Some(verifier) = &mut self.verifier {
            verifier.update(bytes);
        }
    }

    /// Fails if a body that is chunked or has no Content-Length has another number of bytes than the headers have
    /// announced.
    fn count(&mut self, filled: usize) -> Result<()> {
        let Some(left) = &mut self.left else {
            return Ok(());
        };
        let received = self.announced - *left + filled as u64;
        let held = match self.is_chunked {
            true => "chunks have",
            false => "body has",
        };
        let text = match left.checked_sub(filled as u64) {
            Some(rest) if filled > 0 || rest == 0 => {
                *left = rest;
                return Ok(());
            }
            Some(rest) if !self.is_chunked => {
                // A closed connection and an interrupted one can only be distinguished by the number of bytes.
                let text =
                    format!("the connection was closed {rest} bytes before the end of the body");
                let error = Error::new(ErrorKind::Network, Operation::Get).with_message(text);
                return Err(error.with_phase(Phase::Body).with_resource(&self.url));
            }
            Some(_) => format!("{received} bytes"),
            None => format!("at least {received} bytes"),
        };
        let text = format!("the {held} {text}, but {} were announced", self.announced);
        Err(errors::malformed(Operation::Get, &text).with_resource(&self.url))
    }

    /// Returns the number of received bytes, or the error of an incomplete body.
    fn filled(&self, filled: Result<usize, WireError>) -> Result<usize> {
        let lost = match filled {
            Ok(filled) => return Ok(filled),
            Err(lost) => lost,
        };
        // The SDK's client compares the length with Content-Length at the end.
        let compared = lost.io_error().map(ToString::to_string);
        let compared = compared.filter(|text| text.contains("Content-Length"));
        let error = match (self.left.filter(|_| self.is_chunked), compared) {
            (Some(0), Some(_)) => return Ok(0),
            (Some(_), Some(text)) => {
                let text = format!("the chunks do not have the announced number of bytes: {text}");
                errors::malformed(Operation::Get, &text)
            }
            _ => transport_error::in_body(Operation::Get, &lost),
        };
        Err(error.with_resource(&self.url))
    }

    fn verify(&mut self) -> Result<()> {
        if self.verifier.take().is_none_or(Verifier::agrees) {
            return Ok(());
        }
        let text = "the body does not match the checksum of the response";
        Err(errors::contradictory(Operation::Get, text).with_resource(&self.url))
    }
}

impl BodySource for ArrivingBody {
    fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut BytesMut,
        at_most: usize,
    ) -> Poll<Result<usize>> {
        let held = into.len();
        let filled = ready!(self.response.poll_fill(cx, into, at_most));
        let filled = self.filled(filled)?;
        self.count(filled)?;
        self.update(&into[held..]);
        if filled == 0 {
            self.verify()?;
        }
        Poll::Ready(Ok(filled))
    }

    fn verified_by_store(&self) -> Option<ChecksumAlgorithm> {
        self.verifier.as_ref().map(Verifier::algorithm)
    }

    fn skip_verification(&mut self) {
        self.verifier = None;
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use aws_smithy_types::body::SdkBody;

    use super::super::replay::{Replay, response};
    use super::*;
    use crate::{ETag, Encryption, Retryability, Store};

    fn url() -> S3Url {
        S3Url::parse("s3://bucket/a//b é+").unwrap()
    }

    #[tokio::test]
    async fn the_request_names_range_version_and_conditions() {
        let replay = Replay::new([response(206, &[("content-range", "bytes 2-3/10")], "cd")]);
        let mut request = GetRequest::new(url())
            .with_range(2..4)
            .with_if_match(ETag::new("abc"));
        request.version = Some(VersionId::new("v1"));
        request.conditions.if_modified_since = Some(UNIX_EPOCH + Duration::from_millis(1_500));
        let response = replay.store().get(request).await.unwrap();
        assert_eq!((response.range, response.meta.size), (2..4, 10));
        assert_eq!(response.body.collect().await.unwrap(), "cd");

        let sent = replay.only();
        let path = "http://127.0.0.1:9/bucket/a//b%20%C3%A9%2B";
        assert_eq!(sent.line(), format!("GET {path}?versionId=v1"));
        assert_eq!(sent.header("range"), Some("bytes=2-3"));
        assert_eq!(sent.header("if-match"), Some("\"abc\""));
        assert_eq!(
            sent.header("if-modified-since"),
            Some("Thu, 01 Jan 1970 00:00:01 GMT")
        );
        assert_eq!(sent.header("x-amz-checksum-mode"), Some("ENABLED"));
        assert!(
            sent.header("authorization")
                .unwrap()
                .contains("/eu-west-1/s3/aws4_request")
        );
    }

    #[tokio::test]
    async fn a_response_is_read_field_by_field() {
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
        let response = Replay::new([response(200, &headers, "abc")]).store();
        let response = response.get(GetRequest::new(url())).await.unwrap();
        assert_eq!(response.range, 0..3);
        let meta = response.meta;
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
            Replay::new([response(200, &[("content-length", "0"), ("etag", "")], "")]).store();
        let meta = store.head(HeadRequest::new(url())).await.unwrap();
        assert_eq!(meta, ObjectMeta::new(url(), 0));
    }

    #[tokio::test]
    async fn a_response_that_contradicts_itself_is_a_transient_integrity_error() {
        for headers in [
            vec![("content-range", "bytes 2-3/10"), ("content-length", "5")],
            vec![("content-range", "bytes 3-10/10")],
        ] {
            let store = Replay::new([response(206, &headers, "cd")]).store();
            let error = store
                .get(GetRequest::new(url()).with_range(2..4))
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Integrity, "{error}");
            assert_eq!(error.retryability(), Retryability::Transient);
        }
    }

    #[tokio::test]
    async fn a_content_range_that_cannot_be_understood_is_a_protocol_error() {
        for range in ["bytes 2-3/*", "bytes 2-3", "2-3/10", "items 2-3/10"] {
            let store = Replay::new([response(206, &[("content-range", range)], "cd")]).store();
            let get = store.get(GetRequest::new(url()).with_range(2..4));
            let error = get.await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
            assert!(error.to_string().contains(range), "{error}");
        }
    }

    #[tokio::test]
    async fn a_range_without_bytes_is_not_sent() {
        let store = Replay::new([]).store();
        let error = store
            .get(GetRequest::new(url()).with_range(5..5))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRange);
    }

    /// A body that fails after three bytes.
    struct Interrupted(bool, std::io::ErrorKind);

    impl http_body::Body for Interrupted {
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
    async fn an_interrupted_body_is_a_transient_error_and_ends() {
        for (broken, kind) in [
            (std::io::ErrorKind::ConnectionReset, ErrorKind::Network),
            (std::io::ErrorKind::TimedOut, ErrorKind::Timeout),
        ] {
            let body = SdkBody::from_body_1_x(Interrupted(false, broken));
            let store = Replay::new([response(200, &[("content-length", "9")], body)]).store();
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
    async fn chunks_that_hold_another_number_of_bytes_than_announced_are_a_protocol_error() {
        let chunked = ("transfer-encoding", "chunked");
        for (status, length, range, right) in [
            (200, "3", None, true),
            (200, "2", None, false),
            (200, "9", None, false),
            (206, "3", Some("bytes 2-4/10"), true),
            // The range contains it too.
            (206, "9", Some("bytes 2-4/10"), true),
            (206, "3", Some("bytes 2-3/10"), false),
            (206, "3", Some("bytes 2-9/10"), false),
        ] {
            let mut headers = vec![chunked, ("content-length", length)];
            headers.extend(range.map(|range| ("content-range", range)));
            let store = Replay::new([response(status, &headers, "abc")]).store();
            let mut request = GetRequest::new(url());
            request.range = range.map(|_| (2..5).into());
            let body = store.get(request).await.unwrap().body;
            match body.collect().await {
                Ok(bytes) => assert!(right && bytes == "abc", "{headers:?}"),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
                    assert!(!right && error.to_string().contains("chunks"), "{error}");
                }
            }
        }
    }

    #[tokio::test]
    async fn a_checksum_that_does_not_match_is_an_integrity_error() {
        let headers = [
            ("content-length", "3"),
            ("x-amz-checksum-crc32", "AAAAAA=="),
        ];
        let replay = Replay::new([response(200, &headers, "abc")]);
        let response = replay.store().get(GetRequest::new(url())).await.unwrap();
        let error = response.body.collect().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.retryability()),
            (ErrorKind::Integrity, Retryability::Transient)
        );
        assert_eq!(replay.only().header("x-amz-checksum-mode"), Some("ENABLED"));
    }

    #[tokio::test]
    async fn a_missing_key_is_described_once_and_without_the_range() {
        let document = "<Error><Code>NoSuchKey</Code><Message>Object not found.</Message></Error>";
        for (body, text) in [
            (document, "object not found (404 NoSuchKey)"),
            ("Object not found", "object not found (status 404)"),
        ] {
            let store = Replay::new([response(404, &[], body)]).store();
            let request = GetRequest::new(url()).with_range(0..8 << 20);
            let error = store.get(request).await.unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("get s3://bucket/a//b é+: {text}")
            );
        }
    }

    #[tokio::test]
    async fn a_partial_response_without_a_range_is_not_taken_for_a_whole_object() {
        let replay = Replay::new([response(206, &[("content-length", "4")], "part")]);
        let request = GetRequest::new(url()).with_range(0..4);
        let error = replay.store().get(request).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.retryability()),
            (ErrorKind::Protocol, Retryability::Transient),
            "{error}"
        );
        assert!(error.to_string().contains("Content-Range"), "{error}");
    }
}
