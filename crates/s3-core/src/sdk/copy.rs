//! CopyObject and UploadPartCopy: sends the request (source, conditions, attributes) and parses the result.

use s3_wire::sign::{HeaderError, Headers};
use s3_wire::{Element, NotXml};

use super::client::Resolved;
use super::convert;
use super::document::{checksum, written};
use super::errors;
use super::get::push_conditions;
use super::put::{push_attributes, push_condition};
use super::sender::invalid_header;
use crate::{
    ByteRange, Conditions, CopyRequest, Operation, PartTag, PutMode, PutResponse, Result, S3Url,
    UploadPartCopy, VersionId,
};

pub(super) async fn copy(resolved: &Resolved, request: CopyRequest) -> Result<PutResponse> {
    let copied = copy_object(resolved, &request).await;
    copied.map_err(|error| error.with_resource(&request.to))
}

async fn copy_object(resolved: &Resolved, copy: &CopyRequest) -> Result<PutResponse> {
    let operation = Operation::Copy;
    let route = resolved.route(copy.to.bucket());
    let mut request = route.request("PUT", copy.to.key());
    request.idempotent = copy.mode == PutMode::Overwrite;
    push_copy_headers(&mut request.headers, copy)
        .map_err(|error| invalid_header(operation, &error))?;
    let parse = |text: &str| parse_result(text, "CopyObjectResult");
    let (head, result) = route
        .exchange_documents(operation, request, None, parse)
        .await?;
    Ok(written(&head, &result))
}

fn push_copy_headers(headers: &mut Headers, copy: &CopyRequest) -> Result<(), HeaderError> {
    push_condition(headers, &copy.mode)?;
    let version = copy.source_version.as_ref();
    push_source(headers, &copy.from, version, &copy.source_conditions)?;
    if copy.tags.is_some()
        || copy
            .attributes
            .as_ref()
            .is_some_and(|new| !new.tags.is_empty())
    {
        headers.push("x-amz-tagging-directive", "REPLACE")?;
    }
    if copy.attributes.is_some() {
        headers.push("x-amz-metadata-directive", "REPLACE")?;
    }
    let mut attributes = copy.attributes.clone().unwrap_or_default();
    if let Some(algorithm) = copy.checksum_algorithm.or(attributes.checksum_algorithm) {
        headers.push("x-amz-checksum-algorithm", algorithm.as_str())?;
    }
    if let Some(encoding) = &attributes.content_encoding {
        headers.push("content-encoding", encoding)?;
    }
    attributes.encryption = copy.encryption.clone().or(attributes.encryption);
    attributes.tags = copy.tags.clone().unwrap_or(attributes.tags);
    push_attributes(headers, &attributes)
}

/// The headers of the conditions on the source of a copy.
const SOURCE: [&str; 4] = [
    "x-amz-copy-source-if-match",
    "x-amz-copy-source-if-none-match",
    "x-amz-copy-source-if-modified-since",
    "x-amz-copy-source-if-unmodified-since",
];

fn push_source(
    headers: &mut Headers,
    from: &S3Url,
    version: Option<&VersionId>,
    conditions: &Conditions,
) -> Result<(), HeaderError> {
    headers.push("x-amz-copy-source", &convert::copy_source(from, version))?;
    push_conditions(headers, &SOURCE, conditions)
}

pub(super) async fn part(resolved: &Resolved, request: UploadPartCopy) -> Result<PartTag> {
    let copied = copy_part(resolved, &request).await;
    copied.map_err(|error| error.with_resource(&request.url))
}

async fn copy_part(resolved: &Resolved, copy: &UploadPartCopy) -> Result<PartTag> {
    let operation = Operation::UploadPartCopy;
    if copy.range.as_ref().is_some_and(|range| !is_bounded(range)) {
        let text = "a part can be copied from a bounded range only";
        return Err(errors::invalid_input(operation, text));
    }
    let route = resolved.route(copy.url.bucket());
    let mut request = route.request("PUT", copy.url.key());
    request.query.push("partNumber", &copy.number.to_string());
    request.query.push("uploadId", copy.upload.as_str());
    let headers = &mut request.headers;
    let version = copy.source_version.as_ref();
    let mut conditions = Conditions::default();
    conditions.if_match.clone_from(&copy.source_if_match);
    let mut pushed = push_source(headers, &copy.from, version, &conditions);
    if let Some(range) = &copy.range {
        pushed = pushed.and_then(|()| headers.push("x-amz-copy-source-range", &range.header()));
    }
    pushed.map_err(|error| invalid_header(operation, &error))?;
    let parse = |text: &str| parse_result(text, "CopyPartResult");
    let (_, result) = route
        .exchange_documents(operation, request, None, parse)
        .await?;
    match result.scalar("ETag").and_then(convert::etag_of) {
        Some(etag) => {
            let mut tag = PartTag::new(copy.number, etag);
            tag.checksum = checksum(&result);
            Ok(tag)
        }
        None => Err(errors::malformed(operation, "the response has no ETag")),
    }
}

/// Parses the result of a copy. An empty body is a success, as old servers send it; an error would be a document.
fn parse_result(document: &str, root: &str) -> std::result::Result<Element, NotXml> {
    match document.is_empty() {
        true => Ok(Element::default()),
        false => Element::parse(document, root),
    }
}

fn is_bounded(range: &ByteRange) -> bool {
    matches!(range, ByteRange::Bounded(_)) && range.is_satisfiable()
}

#[cfg(test)]
mod tests {
    use super::super::replay::{Replay, response};
    use super::*;
    use crate::{Attributes, ETag, ErrorKind, Retryability, S3Url, Store, UploadId};

    fn request() -> CopyRequest {
        let url = |text| S3Url::parse(text).unwrap();
        CopyRequest::new(url("s3://from/a b/é"), url("s3://to/key"))
    }

    const COPIED: &str = "<CopyObjectResult><ETag>&quot;e2&quot;</ETag></CopyObjectResult>";

    #[tokio::test]
    async fn a_copy_names_its_source_and_keeps_the_attributes() {
        let replay = Replay::new([response(200, &[("x-amz-version-id", "v2")], COPIED)]);
        let response = replay.store().copy(request()).await.unwrap();
        assert_eq!(response.etag, Some(ETag::new("e2")));
        assert_eq!(response.version.unwrap().as_str(), "v2");
        let sent = replay.only();
        assert_eq!(sent.line(), "PUT http://127.0.0.1:9/to/key");
        assert_eq!(sent.header("x-amz-copy-source"), Some("from/a%20b/%C3%A9"));
        assert_eq!(sent.header("x-amz-metadata-directive"), None);
    }

    #[tokio::test]
    async fn encryption_alone_keeps_the_attributes() {
        let replay = Replay::new([response(200, &[], COPIED)]);
        let mut copy = request();
        copy.encryption = Some(crate::Encryption::new("aws:kms"));
        replay.store().copy(copy).await.unwrap();
        let sent = replay.only();
        let header = "x-amz-server-side-encryption";
        assert_eq!(sent.header(header), Some("aws:kms"));
        assert_eq!(sent.header("x-amz-metadata-directive"), None);
    }

    #[tokio::test]
    async fn new_attributes_and_conditions_are_sent() {
        let replay = Replay::new([response(200, &[], COPIED)]);
        let mut copy = request();
        copy.mode = PutMode::IfAbsent;
        copy.attributes = Some(Attributes::default());
        copy.source_conditions.if_match = Some(ETag::new("e1"));
        replay.store().copy(copy).await.unwrap();
        let sent = replay.only();
        assert_eq!(sent.header("x-amz-metadata-directive"), Some("REPLACE"));
        assert_eq!(sent.header("if-none-match"), Some("*"));
        assert_eq!(sent.header("x-amz-copy-source-if-match"), Some("\"e1\""));
    }

    #[tokio::test]
    async fn a_success_without_a_body_is_a_copy_without_an_etag() {
        let replay = Replay::new([response(200, &[], "")]);
        let copied = replay.store().copy(request()).await.unwrap();
        assert_eq!(copied.etag, None);
        // A part without an ETag cannot be listed in CompleteMultipartUpload.
        let CopyRequest { from, to, .. } = request();
        let part = UploadPartCopy::new(to, UploadId::new("u1"), 3, from);
        let replay = Replay::new([response(200, &[], "")]);
        let error = replay.store().upload_part_copy(part).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
    }

    #[tokio::test]
    async fn an_error_inside_a_success_is_an_error() {
        for (code, kind, retryability) in [
            ("InternalError", ErrorKind::Server, Retryability::Transient),
            (
                "SlowDown",
                ErrorKind::Throttled,
                Retryability::Throttled { after: None },
            ),
            ("NoSuchKey", ErrorKind::NotFound, Retryability::No),
            ("SomethingOdd", ErrorKind::Server, Retryability::Transient),
        ] {
            let body = format!("<Error><Code>{code}</Code></Error>");
            let error = Replay::new([response(200, &[], body)])
                .store()
                .copy(request())
                .await
                .unwrap_err();
            assert_eq!(
                (error.kind(), error.retryability()),
                (kind, retryability),
                "{error}"
            );
        }
    }

    #[tokio::test]
    async fn a_part_is_copied_from_a_bounded_range_only() {
        let CopyRequest { from, to, .. } = request();
        let mut part = UploadPartCopy::new(to, UploadId::new("u1"), 3, from);
        part.range = Some(ByteRange::From(5));
        let error = Replay::new([])
            .store()
            .upload_part_copy(part.clone())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);

        part.range = Some((5..9).into());
        let body = "<CopyPartResult><ETag>&quot;p3&quot;</ETag></CopyPartResult>";
        let replay = Replay::new([response(200, &[], body)]);
        let tag = replay.store().upload_part_copy(part).await.unwrap();
        assert_eq!(tag, PartTag::new(3, ETag::new("p3")));
        let sent = replay.only();
        assert_eq!(sent.header("x-amz-copy-source-range"), Some("bytes=5-8"));
        assert_eq!(
            sent.line(),
            "PUT http://127.0.0.1:9/to/key?partNumber=3&uploadId=u1"
        );
    }
}
