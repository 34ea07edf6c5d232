//! GetObjectAttributes handler.

use s3_core::HeadRequest;
use s3s::dto::{
    Checksum, GetObjectAttributesInput, GetObjectAttributesOutput, GetObjectAttributesParts,
    ObjectAttributes, ObjectPart, StorageClass,
};
use s3s::{S3Request, S3Result, s3_error};

use super::get::version;
use super::{Frontend, customer_key};
use crate::convert::{checksum_field, object_url, size, strong, timestamp};

/// Maximum number of parts in a response.
const MAX_PARTS: i32 = 1000;

pub(super) async fn get_object_attributes(
    front: &Frontend,
    request: S3Request<GetObjectAttributesInput>,
) -> S3Result<GetObjectAttributesOutput> {
    let input = request.input;
    let mut head = HeadRequest::new(object_url(&input.bucket, &input.key)?);
    head.version = version(input.version_id)?;
    let reading = front.keys.read(&head.url).await;
    let meta = front.head(head).await?;
    let extras = front.extras.of(&meta);
    drop(reading);
    let key = customer_key::of!(input)?;
    customer_key::check(extras.customer_key_md5.as_deref(), key.as_deref())?;

    let known = [
        ObjectAttributes::CHECKSUM,
        ObjectAttributes::ETAG,
        ObjectAttributes::OBJECT_PARTS,
        ObjectAttributes::OBJECT_SIZE,
        ObjectAttributes::STORAGE_CLASS,
    ];
    let named = { input.object_attributes.iter() }.flat_map(|header| header.as_str().split(','));
    if { named }.any(|name| !known.contains(&name.trim())) {
        return Err(s3_error!(
            InvalidArgument,
            "Invalid attribute name specified."
        ));
    }
    // A client sends one header with all names, or one header per name.
    let asks = |name: &str| {
        let mut headers = input.object_attributes.iter();
        headers.any(|header| header.as_str().split(',').any(|asked| asked.trim() == name))
    };
    let checksum = match &extras.checksum {
        Some((checksum, kind)) => Some((checksum.clone(), kind.clone())),
        None => meta
            .checksum
            .clone()
            .map(|checksum| (checksum, super::get::whole_object())),
    };
    let checksum = checksum.map(|(checksum, kind)| Checksum {
        checksum_type: Some(kind),
        ..checksum_field(Some(&checksum))
    });
    let class = meta.attributes.storage_class.as_deref();
    Ok(GetObjectAttributesOutput {
        e_tag: strong(meta.etag.as_ref()).filter(|_| asks(ObjectAttributes::ETAG)),
        checksum: checksum.filter(|_| asks(ObjectAttributes::CHECKSUM)),
        object_size: Some(size(meta.size)).filter(|_| asks(ObjectAttributes::OBJECT_SIZE)),
        storage_class: Some(StorageClass::from(
            class.unwrap_or(StorageClass::STANDARD).to_owned(),
        ))
        .filter(|_| asks(ObjectAttributes::STORAGE_CLASS)),
        object_parts: (asks(ObjectAttributes::OBJECT_PARTS) && !extras.parts.is_empty()).then(
            || {
                let after = input.part_number_marker.unwrap_or(0);
                let most = input.max_parts.unwrap_or(MAX_PARTS).clamp(0, MAX_PARTS);
                let number = |part: &super::object_extras::PartExtent| {
                    i32::try_from(part.number).unwrap_or(i32::MAX)
                };
                let later: Vec<_> = extras
                    .parts
                    .iter()
                    .filter(|part| number(part) > after)
                    .collect();
                let page = &later[..later.len().min(usize::try_from(most).unwrap_or(0))];
                let parts = page.iter().map(|part| {
                    let checksum = checksum_field(part.checksum.as_ref());
                    ObjectPart {
                        part_number: Some(number(part)),
                        size: Some(size(part.size)),
                        checksum_crc32: checksum.checksum_crc32,
                        checksum_crc32c: checksum.checksum_crc32c,
                        checksum_crc64nvme: checksum.checksum_crc64nvme,
                        checksum_sha1: checksum.checksum_sha1,
                        checksum_sha256: checksum.checksum_sha256,
                    }
                });
                GetObjectAttributesParts {
                    total_parts_count: i32::try_from(extras.parts.len()).ok(),
                    part_number_marker: Some(after),
                    next_part_number_marker: page.last().map(|part| number(part)),
                    max_parts: Some(most),
                    is_truncated: Some(page.len() < later.len()),
                    parts: Some(parts.collect()),
                }
            },
        ),
        last_modified: timestamp(meta.last_modified),
        version_id: meta.version.map(|version| version.to_string()),
        ..GetObjectAttributesOutput::default()
    })
}
