//! Sends XML documents as request bodies, parses XML responses, and reads their common elements.

use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;
use md5::Md5;
use s3_wire::sign::PayloadHash;
use s3_wire::{Element, NotXml, Request, ResponseHead, timestamp};
use sha2::{Digest, Sha256};

use super::collected_response::MAX_DOCUMENT;
use super::convert;
use super::errors;
use super::response_headers::{CHECKSUMS, read_headers};
use super::sender::{Route, collect, invalid_header};
use crate::{Checksum, ChecksumType, Operation, Payload, PutResponse, Result};

/// The XML namespace of the documents that S3 accepts.
pub(super) const XMLNS: &str = "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"";

impl Route<'_> {
    /// Sends a request, with `document` as its body if there is one, and parses the XML of the response with `parse`.
    pub(super) async fn exchange_documents<T>(
        &self,
        operation: Operation,
        request: Request<'_>,
        document: Option<String>,
        parse: fn(&str) -> std::result::Result<T, NotXml>,
    ) -> Result<(ResponseHead, T)> {
        let mut request = request;
        let payload = attach(operation, &mut request, document)?;
        let mut response = self.send(operation, &mut request, payload.as_ref()).await?;
        let read = collect(operation, &mut response, MAX_DOCUMENT, None, |collected| {
            errors::read_document(operation, collected, parse)
        });
        let result = read.await?;
        Ok((response.head, result))
    }

    /// Sends a document that sets a configuration. The response has no document.
    pub(super) async fn send_document(
        &self,
        operation: Operation,
        request: Request<'_>,
        document: String,
    ) -> Result<()> {
        let mut request = request;
        let payload = attach_protected(operation, &mut request, document)?;
        let sent = self.send_plain(operation, &mut request, Some(&payload));
        sent.await.map(drop)
    }
}

/// Adds the headers of a document to a request, and returns it as the payload to send.
pub(super) fn attach(
    operation: Operation,
    request: &mut Request<'_>,
    document: Option<String>,
) -> Result<Option<Payload>> {
    let headers = &mut request.headers;
    let mut pushed = Ok(());
    if let Some(document) = &document {
        // The document is hashed even on a protected connection: it has at most a few hundred KiB.
        request.payload_hash = PayloadHash::Sha256(Sha256::digest(document).into());
        pushed = headers.push("content-type", "application/xml");
    }
    if request.method != "GET" {
        let len = document.as_ref().map_or(0, String::len);
        pushed = pushed.and_then(|()| headers.push_unsigned("content-length", &len.to_string()));
    }
    pushed.map_err(|error| invalid_header(operation, &error))?;
    Ok(document.map(Payload::from))
}

/// Attaches a document that sets a configuration, with the checksum that S3 requires of it.
fn attach_protected(
    operation: Operation,
    request: &mut Request<'_>,
    document: String,
) -> Result<Payload> {
    let crc = crc_fast::checksum(CrcAlgorithm::Crc32IsoHdlc, document.as_bytes()) as u32;
    let headers = &mut request.headers;
    headers
        .push("x-amz-checksum-crc32", &STANDARD.encode(crc.to_be_bytes()))
        .and_then(|()| headers.push("content-md5", &STANDARD.encode(Md5::digest(&document))))
        .map_err(|error| invalid_header(operation, &error))?;
    let payload = attach(operation, request, Some(document))?;
    Ok(payload.expect("there is a document"))
}

/// Returns the result of a write from a response document.
pub(super) fn written(head: &ResponseHead, result: &Element) -> PutResponse {
    let version = read_headers(head.iter()).written().version;
    PutResponse {
        etag: result.scalar("ETag").and_then(convert::etag_of),
        version,
        checksum: checksum(result),
    }
}

/// Returns the checksum in an element, the cheapest one if there are several.
pub(super) fn checksum(element: &Element) -> Option<Checksum> {
    CHECKSUMS.into_iter().find_map(|algorithm| {
        let value = element.scalar(&format!("Checksum{}", algorithm.as_str()))?;
        let mut checksum = Checksum::new(algorithm, value);
        if element.scalar("ChecksumType") == Some("COMPOSITE") {
            checksum.checksum_type = ChecksumType::Composite;
        }
        Some(checksum)
    })
}

/// Parses a time in any form; `None` if it is missing or malformed, which does not fail the call.
pub(super) fn time(element: &Element, name: &str) -> Option<SystemTime> {
    timestamp::parse(element.scalar(name)?)
}

/// The error text for a truncated page without a continuation token or marker.
pub(super) const NO_NEXT_PAGE: &str =
    "the response is truncated, but does not say where the next page begins";

/// Returns whether more pages follow.
pub(super) fn is_truncated(page: &Element) -> Result<bool, &'static str> {
    match page.scalar("IsTruncated") {
        None => Ok(false),
        Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        Some(_) => Err("IsTruncated is neither true nor false"),
    }
}
