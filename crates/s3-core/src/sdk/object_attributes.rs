//! GetObjectAttributes: size, ETag, storage class, checksum and parts of an object, without its body.

use std::sync::Arc;

use s3_wire::Element;

use super::client::Resolved;
use super::convert::{etag_of, number};
use super::document::{NO_NEXT_PAGE, checksum, is_truncated};
use super::errors;
use super::response_headers::read_headers;
use super::sender::invalid_header;
use crate::{GetObjectAttributes, ObjectAttributes, ObjectPart, Operation, Result};

pub(super) async fn get(
    resolved: &Resolved,
    request: GetObjectAttributes,
) -> Result<ObjectAttributes> {
    let attributes = read(resolved, &request).await;
    attributes.map_err(|error| error.with_resource(&request.url))
}

async fn read(resolved: &Resolved, get: &GetObjectAttributes) -> Result<ObjectAttributes> {
    let operation = Operation::ObjectAttributes;
    let route = resolved.route(get.url.bucket());
    let mut request = route.request("GET", get.url.key());
    request.query.push("attributes", "");
    if let Some(version) = &get.version {
        request.query.push("versionId", version.as_str());
    }
    let headers = &mut request.headers;
    let names = "ETag,Checksum,ObjectParts,StorageClass,ObjectSize";
    let mut pushed = headers.push("x-amz-object-attributes", names);
    for (name, value) in [
        ("x-amz-part-number-marker", get.after),
        ("x-amz-max-parts", get.max_parts),
    ] {
        if let Some(value) = value {
            pushed = pushed.and_then(|()| headers.push(name, &value.to_string()));
        }
    }
    pushed.map_err(|error| invalid_header(operation, &error))?;
    let parse = |text: &str| {
        Element::parse(text, "GetObjectAttributesResponse")
            .or_else(|error| Element::parse(text, "GetObjectAttributesOutput").map_err(|_| error))
    };
    let (head, document) = route
        .exchange_documents(operation, request, None, parse)
        .await?;
    let mut attributes =
        attributes(&document).map_err(|text| errors::malformed(operation, text))?;
    let described = read_headers(head.iter());
    attributes.last_modified = described.last_modified();
    attributes.version = described.written().version;
    Ok(attributes)
}

fn attributes(document: &Element) -> Result<ObjectAttributes, &'static str> {
    let size = document.scalar("ObjectSize").and_then(number);
    let mut attributes = ObjectAttributes {
        size: size.ok_or("the response has no size")?,
        etag: document.scalar("ETag").and_then(etag_of),
        storage_class: document.scalar("StorageClass").map(Arc::from),
        checksum: document.child("Checksum").and_then(checksum),
        ..ObjectAttributes::default()
    };
    let Some(parts) = document.child("ObjectParts") else {
        return Ok(attributes);
    };
    let small = |text: &str| u32::try_from(number(text)?).ok();
    let count = parts
        .scalar("TotalPartsCount")
        .or(parts.scalar("PartsCount"));
    attributes.part_count = count.and_then(small);
    let listed = parts.children("Part").map(|part| {
        let mut listed = ObjectPart::new(
            part.scalar("PartNumber").and_then(small)?,
            part.scalar("Size").and_then(number)?,
        );
        listed.checksum = checksum(part);
        Some(listed)
    });
    let listed: Option<Vec<_>> = listed.collect();
    attributes.parts = listed.ok_or("a part in the response has no number or no size")?;
    if is_truncated(parts)? {
        let next = parts.scalar("NextPartNumberMarker").and_then(small);
        attributes.next = Some(next.ok_or(NO_NEXT_PAGE)?);
    }
    Ok(attributes)
}

#[cfg(test)]
mod tests {
    use super::super::replay::{Replay, response};
    use super::*;
    use crate::{
        Checksum, ChecksumAlgorithm, ChecksumType, ETag, ErrorKind, S3Url, Store, VersionId,
    };

    fn request() -> GetObjectAttributes {
        GetObjectAttributes::new(S3Url::parse("s3://bucket/key").unwrap())
    }

    #[tokio::test]
    async fn attributes_and_parts_are_read_from_a_document() {
        let body = "<GetObjectAttributesResponse><ETag>e-2</ETag><Checksum><ChecksumSHA256>s-2</ChecksumSHA256>\
            <ChecksumType>COMPOSITE</ChecksumType></Checksum><ObjectParts><PartsCount>3</PartsCount>\
            <IsTruncated>true</IsTruncated><NextPartNumberMarker>4</NextPartNumberMarker><MaxParts>1</MaxParts>\
            <Part><PartNumber>4</PartNumber><Size>7</Size><ChecksumSHA256>p</ChecksumSHA256></Part></ObjectParts>\
            <StorageClass>STANDARD</StorageClass><ObjectSize>12</ObjectSize></GetObjectAttributesResponse>";
        let headers = [
            ("x-amz-version-id", "v1"),
            ("last-modified", "Wed, 21 Oct 2015 07:28:00 GMT"),
        ];
        let replay = Replay::new([response(200, &headers, body)]);
        let request = request()
            .with_version(VersionId::new("v1"))
            .with_after(2)
            .with_max_parts(1);
        let read = replay.store().object_attributes(request).await.unwrap();
        assert_eq!((read.size, read.etag), (12, Some(ETag::new("e-2"))));
        let sum = read.checksum.unwrap();
        assert_eq!(
            (&*sum.value, sum.checksum_type),
            ("s-2", ChecksumType::Composite)
        );
        let part = Checksum::new(ChecksumAlgorithm::Sha256, "p");
        assert_eq!(read.parts, [ObjectPart::new(4, 7).with_checksum(part)]);
        assert_eq!((read.part_count, read.next), (Some(3), Some(4)));
        assert_eq!(read.storage_class.as_deref(), Some("STANDARD"));
        assert!(read.last_modified.is_some() && read.version.is_some());
        let sent = replay.only();
        let line = sent.line();
        assert!(
            line.ends_with("/bucket/key?attributes=&versionId=v1"),
            "{line}"
        );
        assert_eq!(sent.header("x-amz-part-number-marker"), Some("2"));
        assert_eq!(sent.header("x-amz-max-parts"), Some("1"));
    }

    #[tokio::test]
    async fn a_response_without_a_size_is_a_protocol_error() {
        let body = "<GetObjectAttributesResponse><ETag>e</ETag></GetObjectAttributesResponse>";
        let store = Replay::new([response(200, &[], body)]).store();
        let error = store.object_attributes(request()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
    }
}
