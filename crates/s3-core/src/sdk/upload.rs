//! CreateMultipartUpload, CompleteMultipartUpload, AbortMultipartUpload and ListParts: requests and responses.
//! Parts are sent by the code of PutObject.

use std::fmt::Write;

use s3_wire::{Element, NotXml, escape};

use super::client::Resolved;
use super::convert;
use super::document::{self, NO_NEXT_PAGE, XMLNS, is_truncated, written};
use super::errors;
use super::list::push_page;
use super::payload_digest::ADDED;
use super::put::{push_attributes, push_condition};
use super::sender::invalid_header;
use super::xml_complete::is_cut_short;
use crate::{
    AbortUpload, CompleteUpload, CreateUpload, ListParts, ListedPart, Operation, PartTag,
    PartsPage, PutResponse, Result, UploadId,
};

pub(super) async fn create(resolved: &Resolved, request: CreateUpload) -> Result<UploadId> {
    let created = create_upload(resolved, &request).await;
    created.map_err(|error| error.with_resource(&request.url))
}

async fn create_upload(resolved: &Resolved, create: &CreateUpload) -> Result<UploadId> {
    let CreateUpload { url, attributes } = create;
    let operation = Operation::CreateUpload;
    let route = resolved.route(url.bucket());
    let mut request = route.request("POST", url.key());
    request.query.push("uploads", "");
    // A second request would leave an orphaned upload.
    request.idempotent = false;
    let headers = &mut request.headers;
    let mut pushed = push_attributes(headers, attributes);
    if let Some(encoding) = &attributes.content_encoding {
        pushed = pushed.and_then(|()| headers.push("content-encoding", encoding));
    }
    let added = Some(ADDED).filter(|_| resolved.adds_checksums);
    if let Some(algorithm) = attributes.checksum_algorithm.or(added) {
        // The parts will carry this checksum; if it is a CRC, the object then has a checksum of all its bytes.
        let kind = algorithm.multipart_type().as_str();
        pushed = pushed
            .and_then(|()| headers.push("x-amz-checksum-algorithm", algorithm.as_str()))
            .and_then(|()| headers.push("x-amz-checksum-type", kind));
    }
    pushed.map_err(|error| invalid_header(operation, &error))?;
    let sent = route.exchange_documents(operation, request, None, created);
    match sent.await?.1.scalar("UploadId") {
        Some(id) => Ok(UploadId::new(id)),
        None => Err(errors::malformed(
            operation,
            "the response has no upload id",
        )),
    }
}

/// Parses the response to CreateMultipartUpload. A response that is truncated after the id is accepted: the upload
/// exists, and would be orphaned if it were created again.
fn created(document: &str) -> std::result::Result<Element, NotXml> {
    const ROOT: &str = "InitiateMultipartUploadResult";
    Element::parse(document, ROOT).or_else(|error| {
        let id = document.split_once("</UploadId>");
        match id.filter(|_| is_cut_short(document)) {
            Some((id, _)) => Element::parse(&format!("{id}</UploadId></{ROOT}>"), ROOT),
            None => Err(error),
        }
    })
}

pub(super) async fn complete(resolved: &Resolved, request: CompleteUpload) -> Result<PutResponse> {
    let completed = complete_upload(resolved, &request).await;
    completed.map_err(|error| error.with_resource(&request.url))
}

async fn complete_upload(resolved: &Resolved, complete: &CompleteUpload) -> Result<PutResponse> {
    let CompleteUpload {
        url,
        upload,
        parts,
        mode,
    } = complete;
    let operation = Operation::CompleteUpload;
    if parts.is_empty() {
        return Err(errors::invalid_input(
            operation,
            "an upload needs at least one part",
        ));
    }
    let route = resolved.route(url.bucket());
    let mut request = route.request("POST", url.key());
    request.query.push("uploadId", upload.as_str());
    // Once a request has completed the upload, a second one fails.
    request.idempotent = false;
    push_condition(&mut request.headers, mode)
        .map_err(|error| invalid_header(operation, &error))?;
    let mut document = format!("<CompleteMultipartUpload {XMLNS}>");
    for part in parts {
        write_part(&mut document, part);
    }
    document.push_str("</CompleteMultipartUpload>");
    let parse = |text: &str| Element::parse(text, "CompleteMultipartUploadResult");
    let (head, result) = route
        .exchange_documents(operation, request, Some(document), parse)
        .await?;
    Ok(written(&head, &result))
}

fn write_part(document: &mut String, part: &PartTag) {
    let etag = part.etag.quoted();
    let mut checksum = String::new();
    if let Some(sum) = &part.checksum {
        let name = format!("Checksum{}", sum.algorithm.as_str());
        checksum = format!("<{name}>{}</{name}>", escape(&sum.value));
    }
    write!(
        document,
        "<Part><ETag>{}</ETag>{checksum}<PartNumber>{}</PartNumber></Part>",
        escape(&etag),
        part.number
    )
    .expect("memory takes every write");
}

pub(super) async fn abort(resolved: &Resolved, request: AbortUpload) -> Result<()> {
    let AbortUpload { url, upload } = request;
    let route = resolved.route(url.bucket());
    let mut request = route.request("DELETE", url.key());
    request.query.push("uploadId", upload.as_str());
    let sent = route
        .send_plain(Operation::AbortUpload, &mut request, None)
        .await;
    sent.map(drop).map_err(|error| error.with_resource(&url))
}

pub(super) async fn parts(resolved: &Resolved, request: ListParts) -> Result<PartsPage> {
    let page = list_parts(resolved, &request).await;
    page.map_err(|error| error.with_resource(&request.url))
}

async fn list_parts(resolved: &Resolved, list: &ListParts) -> Result<PartsPage> {
    let operation = Operation::ListParts;
    let route = resolved.route(list.url.bucket());
    let mut request = route.request("GET", list.url.key());
    let query = &mut request.query;
    let after = list.after.map(|after| after.to_string());
    let texts = [("part-number-marker", after.as_deref())];
    push_page(query, texts, ("max-parts", list.max_parts));
    query.push("uploadId", list.upload.as_str());
    let parse = |text: &str| Element::parse(text, "ListPartsResult");
    let (_, page) = route
        .exchange_documents(operation, request, None, parse)
        .await?;
    parts_page(&page).map_err(|text| errors::malformed(operation, text))
}

fn parts_page(page: &Element) -> Result<PartsPage, &'static str> {
    let next = match (is_truncated(page)?, page.scalar("NextPartNumberMarker")) {
        (true, Some(marker)) => Some(
            marker
                .parse()
                .map_err(|_| "the response's part number marker is not a number")?,
        ),
        (true, None) => return Err(NO_NEXT_PAGE),
        (false, _) => None,
    };
    let listed: Option<Vec<ListedPart>> = page.children("Part").map(listed_part).collect();
    let listed = listed.ok_or("a part of the listing lacks number, tag or size")?;
    Ok(PartsPage::new(listed, next))
}

fn listed_part(part: &Element) -> Option<ListedPart> {
    let number = part.scalar("PartNumber")?.parse().ok()?;
    let size = part.scalar("Size")?.parse().ok()?;
    let etag = convert::etag_of(part.scalar("ETag")?)?;
    let mut listed = ListedPart::new(number, etag, size);
    listed.last_modified = document::time(part, "LastModified");
    listed.checksum = document::checksum(part);
    Some(listed)
}

#[cfg(test)]
mod tests {
    use super::super::replay::{Replay, error_response, response};
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
        let replay = Replay::new([response(200, &[], body)]);
        let mut attributes = Attributes::default();
        attributes.user.insert("who".to_owned(), "me".to_owned());
        let id = replay
            .store()
            .create_upload(CreateUpload::new(url(), attributes))
            .await
            .unwrap();
        assert_eq!(id, upload());
        let sent = replay.only();
        assert_eq!(sent.line(), "POST http://127.0.0.1:9/bucket/key?uploads=");
        assert_eq!(sent.header("x-amz-meta-who"), Some("me"));
        assert_eq!(sent.header("content-type"), None);
    }

    #[test]
    fn the_id_of_an_upload_is_read_from_a_response_that_ends_early() {
        let whole = "<InitiateMultipartUploadResult xmlns='x'><Key>k</Key><UploadId>u&amp;1</UploadId>\
            </InitiateMultipartUploadResult>";
        let id = |text: &str| Some(created(text).ok()?.scalar("UploadId")?.to_owned());
        for (end, _) in whole.char_indices() {
            let closed = whole[..end].contains("</UploadId>");
            let want = closed.then(|| "u&1".to_owned());
            assert_eq!(id(&whole[..end]), want, "{}", &whole[..end]);
        }
        // Not truncated, but malformed.
        assert_eq!(id(&whole.replacen('<', "=", 1)), None);
    }

    #[tokio::test]
    async fn a_part_is_sent_unsigned_on_this_machine_and_keeps_its_checksum() {
        let replay = Replay::new([response(200, &[("etag", "\"p2\"")], "")]);
        let mut part = UploadPart::new(url(), upload(), 2, "abc".into());
        let checksum = Checksum::new(ChecksumAlgorithm::Crc32, "NSRBwg==");
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
    async fn completing_sends_the_parts_and_accepts_a_response_without_an_etag() {
        let body = "<CompleteMultipartUploadResult><ETag></ETag></CompleteMultipartUploadResult>";
        let replay = Replay::new([response(200, &[], body)]);
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
        let store = Replay::new([response(200, &[], body)]).store();
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
    async fn an_upload_without_parts_is_rejected() {
        let request = CompleteUpload::new(url(), upload(), Vec::new());
        let error = Replay::new([])
            .store()
            .complete_upload(request)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }

    #[tokio::test]
    async fn aborting_an_unknown_upload_is_an_error() {
        let store = Replay::new([error_response(404, "NoSuchUpload")]).store();
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
        let replay = Replay::new([response(200, &[], body)]);
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
