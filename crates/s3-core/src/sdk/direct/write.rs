//! Writing an object, or a part of one.

use std::borrow::Cow;

use super::digest::{self, ADDED};
use super::send::{Ask, unsendable};
use super::target::Target;
use super::{Direct, lost};
use crate::sdk::answer::read_headers;
use crate::sdk::errors;
use crate::sdk::upload::part_number;
use crate::{
    Attributes, Checksum, Operation, PartTag, Payload, PutMode, PutRequest, PutResponse, Result,
    UploadPart,
};
use s3_wire::sign::{HeaderError, Headers, PayloadHash, Query};
use s3_wire::{ChecksumTrailer, trailer_len};

pub(in crate::sdk) async fn put(
    direct: &Direct,
    target: &Target,
    request: &PutRequest,
) -> Result<PutResponse> {
    let PutRequest {
        url,
        payload,
        mode,
        attributes,
        checksum,
    } = request;
    let covered = direct
        .cover(Operation::Put, payload, checksum.as_ref())
        .await?;
    let mut headers = Headers::new();
    let added = condition(&mut headers, mode)
        .and_then(|()| describe(&mut headers, attributes))
        .and_then(|()| {
            covered.announce(
                &mut headers,
                payload,
                attributes.content_encoding.as_deref(),
            )
        });
    added.map_err(|error| unsendable(Operation::Put, &error))?;
    let ask = Ask {
        operation: Operation::Put,
        method: "PUT",
        target,
        key: url.key(),
        query: Query::new(),
        headers,
        hash: covered.hash,
        body: payload.as_request_body(),
        trailer: covered.trailer(),
        sent_bytes: payload.moved(),
        // The same bytes again make the same object; a condition may be met by the first and not by the second.
        repeatable: *mode == PutMode::Overwrite,
    };
    let answer = direct.send_write(ask).await?;
    Ok(read_headers(answer.head.iter()).written())
}

pub(in crate::sdk) async fn part(
    direct: &Direct,
    target: &Target,
    request: &UploadPart,
) -> Result<PartTag> {
    let UploadPart {
        url,
        upload,
        number,
        payload,
        checksum,
    } = request;
    let operation = Operation::UploadPart;
    part_number(operation, *number)?;
    let mut query = Query::new();
    query.push("partNumber", &number.to_string());
    query.push("uploadId", upload.as_str());
    let covered = direct.cover(operation, payload, checksum.as_ref()).await?;
    let mut headers = Headers::new();
    let added = covered.announce(&mut headers, payload, None);
    added.map_err(|error| unsendable(operation, &error))?;
    let ask = Ask {
        operation,
        method: "PUT",
        target,
        key: url.key(),
        query,
        headers,
        hash: covered.hash,
        body: payload.as_request_body(),
        trailer: covered.trailer(),
        sent_bytes: payload.moved(),
        repeatable: true,
    };
    let answer = direct.send_write(ask).await?;
    let Some(etag) = read_headers(answer.head.iter()).etag() else {
        return Err(errors::malformed(operation, "the answer has no ETag"));
    };
    let mut tag = PartTag::new(*number, etag);
    tag.checksum = checksum.clone();
    Ok(tag)
}

fn condition(headers: &mut Headers, mode: &PutMode) -> Result<(), HeaderError> {
    match mode {
        PutMode::Overwrite => Ok(()),
        PutMode::IfAbsent => headers.push("if-none-match", "*"),
        PutMode::IfMatch(etag) => headers.push_formatted("if-match", format_args!("\"{etag}\"")),
    }
}

fn describe(headers: &mut Headers, attributes: &Attributes) -> Result<(), HeaderError> {
    let Attributes {
        content_type,
        cache_control,
        content_disposition,
        content_language,
        expires,
        storage_class,
        encryption,
        user,
        ..
    } = attributes;
    let expires = expires.map(httpdate::fmt_http_date);
    let texts = [
        ("content-type", content_type.as_deref()),
        ("cache-control", cache_control.as_deref()),
        ("content-disposition", content_disposition.as_deref()),
        ("content-language", content_language.as_deref()),
        ("expires", expires.as_deref()),
        ("x-amz-storage-class", storage_class.as_deref()),
        (
            "x-amz-server-side-encryption",
            encryption.as_ref().map(|value| value.as_str()),
        ),
    ];
    for (name, value) in texts {
        if let Some(value) = value {
            headers.push(name, value)?;
        }
    }
    for (name, value) in user {
        headers.push_joined("x-amz-meta-", name, value)?;
    }
    Ok(())
}

/// How a payload is protected on its way.
struct Covered {
    hash: PayloadHash,
    checksum: Sum,
}

enum Sum {
    None,
    /// Known before the payload is sent.
    Header(&'static str, String),
    /// Computed while the payload passes, and sent behind it.
    Trailer,
}

impl Direct {
    /// Decides how `payload` is protected: by TLS, by its hash, and by a checksum that S3 compares.
    async fn cover(
        &self,
        operation: Operation,
        payload: &Payload,
        given: Option<&Checksum>,
    ) -> Result<Covered> {
        let hash = if self.signs_payloads {
            PayloadHash::Sha256(
                digest::sha256(payload)
                    .await
                    .map_err(|cause| lost::unreadable(operation, &cause))?,
            )
        } else {
            PayloadHash::Unsigned
        };
        let checksum = match given {
            Some(Checksum { algorithm, value }) => {
                Sum::Header(digest::header_of(*algorithm), value.as_ref().to_owned())
            }
            None if !self.checksums => Sum::None,
            None => match digest::crc(payload) {
                Some(value) => Sum::Header(ADDED.name, value),
                // Signed payloads have been read already, and their hash is compared.
                None if self.signs_payloads => Sum::None,
                None => Sum::Trailer,
            },
        };
        let hash = match checksum {
            Sum::Trailer => PayloadHash::StreamingTrailer,
            _ => hash,
        };
        Ok(Covered { hash, checksum })
    }
}

impl Covered {
    /// Adds what says how the payload is encoded, how long it is, and what it must add up to.
    fn announce(
        &self,
        headers: &mut Headers,
        payload: &Payload,
        encoding: Option<&str>,
    ) -> Result<(), HeaderError> {
        let mut length = payload.len();
        let mut encoding = encoding.map(Cow::Borrowed);
        match &self.checksum {
            Sum::None => {}
            Sum::Header(name, value) => headers.push(name, value)?,
            Sum::Trailer => {
                let name = ADDED.name;
                headers.push("x-amz-trailer", name)?;
                headers.push_formatted("x-amz-decoded-content-length", format_args!("{length}"))?;
                encoding = Some(match encoding {
                    Some(own) => format!("aws-chunked,{own}").into(),
                    None => "aws-chunked".into(),
                });
                length = trailer_len(length, ADDED);
            }
        }
        if let Some(encoding) = encoding {
            headers.push("content-encoding", &encoding)?;
        }
        headers.push_unsigned("content-length", &length.to_string())
    }

    fn trailer(&self) -> Option<ChecksumTrailer> {
        matches!(self.checksum, Sum::Trailer).then_some(ADDED)
    }
}
