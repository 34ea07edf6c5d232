//! Writing an object in parts.

use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart, Part,
};

use super::client::Resolved;
use super::convert::{self, checksum_of, with_attributes, with_checksum};
use super::errors::{self, from_sdk};
use super::put::with_mode;
use super::whitespace_key::{send_to_object, to_object};
use super::xml_complete::XmlComplete;
use crate::{
    AbortUpload, CompleteUpload, CreateUpload, ListParts, ListedPart, Operation, PartTag,
    PartsPage, PutResponse, Result, UploadId,
};

pub(super) async fn create(resolved: &Resolved, request: CreateUpload) -> Result<UploadId> {
    let CreateUpload { url, attributes } = request;
    let mut call = with_attributes!(
        resolved.client(url.bucket()).create_multipart_upload(),
        attributes
    );
    if resolved.adds_checksums {
        // Its parts will carry this one, and the object then has one for the whole of it.
        call = call
            .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
            .checksum_type(ChecksumType::FullObject);
    }
    let sent = send_to_object!(call, url);
    let output = sent
        .map_err(|error| from_sdk(Operation::CreateUpload, &error).with_resource(url.as_str()))?;
    match output.upload_id() {
        Some(id) if !id.is_empty() => Ok(UploadId::new(id)),
        _ => {
            let error = errors::malformed(Operation::CreateUpload, "the answer has no upload id");
            Err(error.with_resource(url.as_str()))
        }
    }
}

pub(super) async fn complete(resolved: &Resolved, request: CompleteUpload) -> Result<PutResponse> {
    let CompleteUpload {
        url,
        upload,
        parts,
        mode,
    } = request;
    let operation = Operation::CompleteUpload;
    let on_url = |error: crate::Error| error.with_resource(url.as_str());
    if parts.is_empty() {
        return Err(on_url(errors::refused(
            operation,
            "an upload needs at least one part",
        )));
    }
    let parts: Result<Vec<CompletedPart>> = parts.into_iter().map(completed_part).collect();
    let parts = CompletedMultipartUpload::builder()
        .set_parts(Some(parts.map_err(on_url)?))
        .build();
    let call = with_mode!(
        resolved.client(url.bucket()).complete_multipart_upload(),
        mode
    )
    .upload_id(upload.as_str())
    .multipart_upload(parts);
    let sent = send_to_object!(call, url);
    let output = sent.map_err(|error| on_url(from_sdk(operation, &error)))?;
    let checksum = convert::covers_object(output.checksum_type.as_ref())
        .then(|| checksum_of!(output))
        .flatten();
    Ok(PutResponse {
        checksum,
        etag: convert::etag(output.e_tag),
        version: convert::version(output.version_id),
    })
}

fn completed_part(tag: PartTag) -> Result<CompletedPart> {
    let PartTag {
        number,
        etag,
        checksum,
    } = tag;
    let number = part_number(Operation::CompleteUpload, number)?;
    let part = CompletedPart::builder()
        .part_number(number)
        .e_tag(etag.quoted());
    Ok(with_checksum!(part, checksum).build())
}

pub(super) async fn abort(resolved: &Resolved, request: AbortUpload) -> Result<()> {
    let AbortUpload { url, upload } = request;
    let call = resolved.client(url.bucket()).abort_multipart_upload();
    let call = call.upload_id(upload.as_str());
    let sent = send_to_object!(call, url);
    sent.map_err(|error| from_sdk(Operation::AbortUpload, &error).with_resource(url.as_str()))?;
    Ok(())
}

pub(super) async fn parts(resolved: &Resolved, request: ListParts) -> Result<PartsPage> {
    let ListParts {
        url,
        upload,
        after,
        max_parts,
    } = request;
    let operation = Operation::ListParts;
    let call = resolved.client(url.bucket()).list_parts();
    let call = call
        .upload_id(upload.as_str())
        .set_part_number_marker(after.map(|number| number.to_string()))
        .set_max_parts(max_parts.map(|max| i32::try_from(max).unwrap_or(i32::MAX)));
    let call = to_object!(call, url).interceptor(XmlComplete);
    let sent = call.send().await;
    let output = sent.map_err(|error| from_sdk(operation, &error).with_resource(url.as_str()))?;
    let malformed = |text| errors::malformed(operation, text).with_resource(url.as_str());
    let next = match (output.is_truncated, output.next_part_number_marker()) {
        (Some(true), Some(marker)) => Some(
            marker
                .parse()
                .map_err(|_| malformed("the answer's part number marker is no number"))?,
        ),
        (Some(true), None) => {
            return Err(malformed(
                "the listing goes on, but the answer does not say where",
            ));
        }
        _ => None,
    };
    let listed = output
        .parts
        .unwrap_or_default()
        .into_iter()
        .map(listed_part);
    let listed: Option<Vec<ListedPart>> = listed.collect();
    let listed =
        listed.ok_or_else(|| malformed("a part of the listing lacks number, tag or size"))?;
    Ok(PartsPage::new(listed, next))
}

fn listed_part(part: Part) -> Option<ListedPart> {
    let number = u32::try_from(part.part_number?).ok()?;
    let size = u64::try_from(part.size?).ok()?;
    let mut listed = ListedPart::new(number, convert::etag(part.e_tag)?, size);
    listed.last_modified = convert::time(part.last_modified);
    Some(listed)
}

/// Returns the number as the SDK wants it. Whether it is one that S3 allows is the server's to say.
pub(super) fn part_number(operation: Operation, number: u32) -> Result<i32> {
    i32::try_from(number)
        .map_err(|_| errors::refused(operation, format!("{number} is no part number")))
}

#[cfg(test)]
mod tests {
    use super::super::replay::{Replay, answer, refusal};
    use super::*;
    use crate::{
        Attributes, Checksum, ChecksumAlgorithm, ETag, ErrorKind, PutMode, Retryability, S3Url,
        Store, UploadPart,
    };

    fn url() -> S3Url {
        S3Url::parse("s3://bucket/key").unwrap()
    }

    fn upload() -> UploadId {
        UploadId::new("u/1")
    }

    #[tokio::test]
    async fn an_upload_begins_with_its_attributes() {
        let body = "<InitiateMultipartUploadResult><UploadId>u/1</UploadId></InitiateMultipartUploadResult>";
        let replay = Replay::new([answer(200, &[], body)]);
        let mut attributes = Attributes::default();
        attributes.user.insert("who".to_owned(), "me".to_owned());
        let id = replay
            .store()
            .create_upload(CreateUpload::new(url(), attributes))
            .await
            .unwrap();
        assert_eq!(id, upload());
        let sent = replay.only();
        assert_eq!(sent.line(), "POST http://127.0.0.1:9/bucket/key?uploads");
        assert_eq!(sent.header("x-amz-meta-who"), Some("me"));
        assert_eq!(sent.header("content-type"), None);
    }

    #[tokio::test]
    async fn a_part_is_sent_unsigned_on_this_machine_and_keeps_its_checksum() {
        let replay = Replay::new([answer(200, &[("etag", "\"p2\"")], "")]);
        let mut part = UploadPart::new(url(), upload(), 2, "abc".into());
        let checksum = Checksum {
            algorithm: ChecksumAlgorithm::Crc32,
            value: "NSRBwg==".into(),
        };
        part.checksum = Some(checksum.clone());
        let tag = replay.store().upload_part(part).await.unwrap();
        assert_eq!(
            (tag.number, tag.etag, tag.checksum),
            (2, ETag::new("p2"), Some(checksum))
        );
        let sent = replay.only();
        assert_eq!(
            sent.line(),
            "PUT http://127.0.0.1:9/bucket/key?partNumber=2&uploadId=u%2F1"
        );
        assert_eq!(
            sent.header("x-amz-content-sha256"),
            Some("UNSIGNED-PAYLOAD")
        );
        assert_eq!(sent.header("x-amz-checksum-crc32"), Some("NSRBwg=="));
        assert_eq!(sent.text(), "abc");
    }

    #[tokio::test]
    async fn completing_names_the_parts_and_may_get_no_tag_back() {
        let body = "<CompleteMultipartUploadResult><ETag></ETag></CompleteMultipartUploadResult>";
        let replay = Replay::new([answer(200, &[], body)]);
        let mut request =
            CompleteUpload::new(url(), upload(), vec![PartTag::new(1, ETag::new("p1"))]);
        request.mode = PutMode::IfAbsent;
        assert_eq!(
            replay.store().complete_upload(request).await.unwrap(),
            PutResponse::new(None)
        );
        let sent = replay.only();
        assert_eq!(sent.header("if-none-match"), Some("*"));
        let part = "<Part><ETag>&quot;p1&quot;</ETag><PartNumber>1</PartNumber></Part>";
        assert!(sent.text().contains(part), "{}", sent.text());
    }

    #[tokio::test]
    async fn an_error_inside_a_success_is_an_error() {
        let body = "<Error><Code>InternalError</Code><Message>try again</Message></Error>";
        let store = Replay::new([answer(200, &[], body)]).store();
        let parts = vec![PartTag::new(1, ETag::new("p1"))];
        let error = store
            .complete_upload(CompleteUpload::new(url(), upload(), parts))
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.retryability()),
            (ErrorKind::Server, Retryability::Transient)
        );
        assert_eq!(error.code(), Some("InternalError"));
    }

    #[tokio::test]
    async fn an_upload_without_parts_is_refused() {
        let request = CompleteUpload::new(url(), upload(), Vec::new());
        let error = Replay::new([])
            .store()
            .complete_upload(request)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }

    #[tokio::test]
    async fn aborting_an_unknown_upload_says_so() {
        let store = Replay::new([refusal(404, "NoSuchUpload")]).store();
        let error = store
            .abort_upload(AbortUpload::new(url(), upload()))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoSuchUpload);
    }

    #[tokio::test]
    async fn parts_are_listed_page_by_page() {
        let body = "<ListPartsResult><IsTruncated>true</IsTruncated><NextPartNumberMarker>7</NextPartNumberMarker>\
            <Part><PartNumber>7</PartNumber><ETag>&quot;p7&quot;</ETag><Size>5</Size></Part></ListPartsResult>";
        let replay = Replay::new([answer(200, &[], body)]);
        let mut request = ListParts::new(url(), upload());
        (request.after, request.max_parts) = (Some(6), Some(1));
        let page = replay.store().list_parts(request).await.unwrap();
        assert_eq!(
            page,
            PartsPage::new(vec![ListedPart::new(7, ETag::new("p7"), 5)], Some(7))
        );
        let uri = replay.only().uri;
        assert!(
            uri.contains("part-number-marker=6") && uri.contains("max-parts=1"),
            "{uri}"
        );
    }
}
