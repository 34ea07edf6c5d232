//! Copying inside the store: whole objects, and parts of an upload.

use aws_sdk_s3::types::{CopyObjectResult, MetadataDirective};

use super::client::Resolved;
use super::convert::{self, checksum_of, with_attributes};
use super::errors::{self, from_sdk};
use super::put::with_mode;
use super::whitespace_key::send_to_object;
use crate::{
    ByteRange, CopyRequest, ETag, Operation, PartTag, PutResponse, Result, UploadPartCopy,
};

pub(super) async fn copy(resolved: &Resolved, request: CopyRequest) -> Result<PutResponse> {
    let CopyRequest {
        from,
        to,
        mode,
        attributes,
        encryption,
        source_if_match,
    } = request;
    let mut call = with_mode!(resolved.client(to.bucket()).copy_object(), mode)
        .copy_source(convert::copy_source(&from))
        .set_copy_source_if_match(source_if_match.as_ref().map(ETag::quoted));
    if let Some(attributes) = attributes {
        call = with_attributes!(call, attributes).metadata_directive(MetadataDirective::Replace);
    }
    if let Some(encryption) = encryption {
        call = call.server_side_encryption(encryption.as_str().into());
    }
    let sent = send_to_object!(call, to);
    let output =
        sent.map_err(|error| from_sdk(Operation::Copy, &error).with_resource(to.as_str()))?;
    let version = convert::version(output.version_id);
    // Without a body, which old servers leave out: an error would have been a document, so the copy has succeeded.
    let result = output
        .copy_object_result
        .unwrap_or_else(|| CopyObjectResult::builder().build());
    let checksum = convert::covers_object(result.checksum_type.as_ref())
        .then(|| checksum_of!(result))
        .flatten();
    Ok(PutResponse {
        checksum,
        etag: convert::etag(result.e_tag),
        version,
    })
}

pub(super) async fn part(resolved: &Resolved, request: UploadPartCopy) -> Result<PartTag> {
    let UploadPartCopy {
        url,
        upload,
        number,
        from,
        range,
        source_if_match,
    } = request;
    let operation = Operation::UploadPartCopy;
    if range.as_ref().is_some_and(|range| !is_bounded(range)) {
        let error = errors::refused(operation, "a part can be copied from a bounded range only");
        return Err(error.with_resource(url.as_str()));
    }
    let call = resolved.client(url.bucket()).upload_part_copy();
    let call = call
        .upload_id(upload.as_str())
        .part_number(super::upload::part_number(operation, number)?)
        .copy_source(convert::copy_source(&from))
        .set_copy_source_range(range.as_ref().map(ByteRange::header))
        .set_copy_source_if_match(source_if_match.as_ref().map(ETag::quoted));
    let sent = send_to_object!(call, url);
    let output = sent.map_err(|error| from_sdk(operation, &error).with_resource(url.as_str()))?;
    let etag = output
        .copy_part_result
        .and_then(|result| convert::etag(result.e_tag));
    let Some(etag) = etag else {
        let error = errors::malformed(operation, "the answer has no ETag");
        return Err(error.with_resource(url.as_str()));
    };
    Ok(PartTag::new(number, etag))
}

fn is_bounded(range: &ByteRange) -> bool {
    matches!(range, ByteRange::Bounded(_)) && range.is_satisfiable()
}

#[cfg(test)]
mod tests {
    use super::super::replay::{Replay, answer};
    use super::*;
    use crate::{Attributes, ErrorKind, PutMode, Retryability, S3Url, Store, UploadId};

    fn request() -> CopyRequest {
        let url = |text| S3Url::parse(text).unwrap();
        CopyRequest::new(url("s3://from/a b/é"), url("s3://to/key"))
    }

    const COPIED: &str = "<CopyObjectResult><ETag>&quot;e2&quot;</ETag></CopyObjectResult>";

    #[tokio::test]
    async fn a_copy_names_its_source_and_keeps_the_attributes() {
        let replay = Replay::new([answer(200, &[("x-amz-version-id", "v2")], COPIED)]);
        let answer = replay.store().copy(request()).await.unwrap();
        assert_eq!(answer.etag, Some(ETag::new("e2")));
        assert_eq!(answer.version.unwrap().as_str(), "v2");
        let sent = replay.only();
        assert_eq!(sent.line(), "PUT http://127.0.0.1:9/to/key?x-id=CopyObject");
        assert_eq!(sent.header("x-amz-copy-source"), Some("from/a%20b/%C3%A9"));
        assert_eq!(sent.header("x-amz-metadata-directive"), None);
    }

    #[tokio::test]
    async fn encryption_alone_keeps_the_attributes() {
        let replay = Replay::new([answer(200, &[], COPIED)]);
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
        let replay = Replay::new([answer(200, &[], COPIED)]);
        let mut copy = request();
        copy.mode = PutMode::IfAbsent;
        copy.attributes = Some(Attributes::default());
        copy.source_if_match = Some(ETag::new("e1"));
        replay.store().copy(copy).await.unwrap();
        let sent = replay.only();
        assert_eq!(sent.header("x-amz-metadata-directive"), Some("REPLACE"));
        assert_eq!(sent.header("if-none-match"), Some("*"));
        assert_eq!(sent.header("x-amz-copy-source-if-match"), Some("\"e1\""));
    }

    #[tokio::test]
    async fn a_success_without_a_body_is_a_copy_without_a_tag() {
        let replay = Replay::new([answer(200, &[], "")]);
        let response = replay.store().copy(request()).await.unwrap();
        assert_eq!(response.etag, None);
        // A part without a tag cannot be named at the completion.
        let CopyRequest { from, to, .. } = request();
        let part = UploadPartCopy::new(to, UploadId::new("u1"), 3, from);
        let replay = Replay::new([answer(200, &[], "")]);
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
            let error = Replay::new([answer(200, &[], body)])
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
        let replay = Replay::new([answer(200, &[], body)]);
        let tag = replay.store().upload_part_copy(part).await.unwrap();
        assert_eq!(tag, PartTag::new(3, ETag::new("p3")));
        let sent = replay.only();
        assert_eq!(sent.header("x-amz-copy-source-range"), Some("bytes=5-8"));
        assert_eq!(
            sent.line(),
            "PUT http://127.0.0.1:9/to/key?x-id=UploadPartCopy&partNumber=3&uploadId=u1"
        );
    }
}
