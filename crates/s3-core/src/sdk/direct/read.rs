//! Reading an object or its description.

use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};

use super::send::{Ask, unsendable};
use super::target::Target;
use super::verify::Verifier;
use super::{Direct, lost};
use crate::sdk::answer::read_headers;
use crate::sdk::errors;
use crate::{
    Body, BodySource, ChecksumAlgorithm, Conditions, GetRequest, GetResponse, HeadRequest,
    ObjectMeta, Operation, Result, Retryability, S3Url, VersionId,
};
use s3_wire::sign::{HeaderError, Headers, PayloadHash, Query};
use s3_wire::{RequestBody, ResponseBody, WireErrorKind};

/// The longest body that is read to its end before it is handed on, because nothing else says how long it is: 8 MiB, the
/// usual part of a download.
const UNMEASURED: usize = 8 << 20;

pub(in crate::sdk) async fn get(
    direct: &Direct,
    target: &Target,
    request: &GetRequest,
) -> Result<GetResponse> {
    let headers =
        get_headers(direct, request).map_err(|error| unsendable(Operation::Get, &error))?;
    let ask = ask(
        Operation::Get,
        "GET",
        target,
        &request.url,
        request.version.as_ref(),
        headers,
    );
    let mut answer = direct.send(ask).await?;
    let mut described = read_headers(answer.head.iter());
    let mut whole = None;
    if described.content_length.is_none() && described.content_range.is_none() {
        // The last chunk says where the body ends. Without chunks nothing would tell a body that was cut.
        let encoding = answer.head.get("transfer-encoding").unwrap_or_default();
        if encoding.trim().eq_ignore_ascii_case("chunked") && answer.status == 200 {
            let bytes = unmeasured(&mut answer.body).await?;
            described.content_length = Some(bytes.len() as u64);
            whole = Some(bytes);
        }
    }
    let range = request.range.as_ref();
    let (range, meta) = described.part(answer.status, request.url.clone(), range)?;
    // What comes with a range is not the range's own.
    let checksum = meta.checksum.as_ref();
    let checksum = checksum.filter(|_| direct.checksums && range == (0..meta.size));
    let verifier = checksum.and_then(Verifier::new);
    let verified = verifier.as_ref().map(Verifier::algorithm);
    let mut arriving = Arriving {
        verifier,
        incoming: answer.body,
        url: request.url.clone(),
    };
    let body = match whole.or_else(|| arriving.incoming.take_whole()) {
        Some(bytes) => {
            arriving.note(&bytes);
            arriving.end()?;
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

/// Reads a body to its end, to know how long it is.
async fn unmeasured(body: &mut ResponseBody) -> Result<Bytes> {
    body.collect(UNMEASURED).await.map_err(|error| {
        if error.kind() != WireErrorKind::TooLarge {
            return lost::in_the_body(Operation::Get, &error);
        }
        let text = "the response does not say how long the object is, which is longer than 8 MiB";
        let error = errors::malformed(Operation::Get, text);
        error.with_retryability(Retryability::No)
    })
}

pub(in crate::sdk) async fn head(
    direct: &Direct,
    target: &Target,
    request: &HeadRequest,
) -> Result<ObjectMeta> {
    let mut headers = Headers::new();
    let added = conditions(&mut headers, &request.conditions);
    added.map_err(|error| unsendable(Operation::Head, &error))?;
    let ask = ask(
        Operation::Head,
        "HEAD",
        target,
        &request.url,
        request.version.as_ref(),
        headers,
    );
    let answer = direct.send(ask).await?;
    read_headers(answer.head.iter()).object(request.url.clone())
}

fn ask<'a>(
    operation: Operation,
    method: &'static str,
    target: &'a Target,
    url: &'a S3Url,
    version: Option<&VersionId>,
    headers: Headers,
) -> Ask<'a> {
    let mut query = Query::new();
    if let Some(version) = version {
        query.push("versionId", version.as_str());
    }
    Ask {
        operation,
        method,
        target,
        key: url.key(),
        query,
        headers,
        hash: PayloadHash::Empty,
        body: RequestBody::Empty,
        trailer: None,
        sent_bytes: None,
        repeatable: true,
    }
}

fn get_headers(direct: &Direct, request: &GetRequest) -> Result<Headers, HeaderError> {
    let mut headers = Headers::new();
    conditions(&mut headers, &request.conditions)?;
    if let Some(range) = &request.range {
        headers.push_formatted("range", format_args!("{range}"))?;
    }
    if direct.checksums {
        headers.push("x-amz-checksum-mode", "ENABLED")?;
    }
    Ok(headers)
}

fn conditions(headers: &mut Headers, conditions: &Conditions) -> Result<(), HeaderError> {
    if let Some(etag) = &conditions.if_match {
        headers.push_formatted("if-match", format_args!("\"{etag}\""))?;
    }
    if let Some(etag) = &conditions.if_none_match {
        headers.push_formatted("if-none-match", format_args!("\"{etag}\""))?;
    }
    if let Some(time) = conditions.if_modified_since {
        headers.push("if-modified-since", &httpdate::fmt_http_date(time))?;
    }
    if let Some(time) = conditions.if_unmodified_since {
        headers.push("if-unmodified-since", &httpdate::fmt_http_date(time))?;
    }
    Ok(())
}

/// A body on its way, with errors that name the object.
struct Arriving {
    incoming: ResponseBody,
    /// Compares what has arrived; gone when it has.
    verifier: Option<Verifier>,
    url: S3Url,
}

impl Arriving {
    fn note(&mut self, bytes: &[u8]) {
        if let Some(verifier) = &mut self.verifier {
            verifier.update(bytes);
        }
    }

    fn end(&mut self) -> Result<()> {
        if self.verifier.take().is_none_or(Verifier::agrees) {
            return Ok(());
        }
        let text = "the body does not have the checksum that came with it";
        Err(errors::contradictory(Operation::Get, text).with_resource(&self.url))
    }
}

impl BodySource for Arriving {
    fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut BytesMut,
        at_most: usize,
    ) -> Poll<Result<usize>> {
        let held = into.len();
        let filled = ready!(self.incoming.poll_fill(cx, into, at_most));
        let filled = filled
            .map_err(|error| lost::in_the_body(Operation::Get, &error).with_resource(&self.url))?;
        self.note(&into[held..]);
        if filled == 0 {
            self.end()?;
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
