//! ListMultipartUploads and ListParts handlers.

use std::collections::HashMap;
use std::sync::Arc;

use s3_core::{ListParts, ListUploads, ListedUpload, Store, UploadId};
use s3s::dto::{
    CommonPrefix, ListMultipartUploadsInput, ListMultipartUploadsOutput, ListPartsInput,
    ListPartsOutput, MultipartUpload, Part,
};
use s3s::{S3Request, S3Result, s3_error};

use super::acl::{initiator, owner};
use super::encoding::KeyEncoding;
use super::object_extras::UploadExtras;
use super::{Frontend, customer_key};
use crate::convert::{
    checksum_field, in_xml, key_prefix, object_url, size, strong, timestamp, upload_id,
};
use crate::errors::s3_error;

/// Maximum number of entries in a page.
const MAX_ENTRIES: i32 = 1000;

pub(super) async fn list_multipart_uploads(
    front: &Frontend,
    request: S3Request<ListMultipartUploadsInput>,
) -> S3Result<ListMultipartUploadsOutput> {
    let input = request.input;
    let encoding = KeyEncoding::new(input.encoding_type.as_ref())?;
    let max_uploads = max_entries(input.max_uploads)?;
    let mut list = ListUploads::new(key_prefix(
        &input.bucket,
        input.prefix.as_deref().unwrap_or_default(),
    )?);
    list.max_uploads = Some(max_uploads);
    list.after = input
        .key_marker
        .as_deref()
        .filter(|key| !key.is_empty())
        .map(|key| {
            // Without an upload id, the page starts after all uploads of the marker's key.
            let upload = input.upload_id_marker.as_deref().unwrap_or("\u{10ffff}");
            (key.into(), upload_id(upload))
        });

    let prefix = input.prefix.as_deref().unwrap_or_default();
    let delimiter = input
        .delimiter
        .as_deref()
        .filter(|delimiter| !delimiter.is_empty());
    let page = match delimiter {
        Some(delimiter) => rolled_up(front, list, prefix, delimiter, max_uploads).await?,
        None => {
            let page = front.store.list_uploads(list).await.map_err(s3_error)?;
            RolledUp {
                uploads: page.uploads,
                prefixes: Vec::new(),
                next: page.next,
            }
        }
    };
    let known = front.extras.uploads().clone();
    let uploads = page.uploads.iter().map(|upload| MultipartUpload {
        owner: Some(owner()),
        initiator: Some(initiator()),
        storage_class: Some(extras(&known, upload.upload.as_str()).class()),
        checksum_algorithm: extras(&known, upload.upload.as_str()).checksum_algorithm,
        checksum_type: extras(&known, upload.upload.as_str()).shown_type(),
        key: Some(encoding.written(upload.url.key())),
        upload_id: Some(upload.upload.as_str().to_owned()),
        initiated: timestamp(upload.initiated),
    });
    let (next_key, next_upload) = page.next.unzip();
    let prefixes = page.prefixes.iter().map(|prefix| CommonPrefix {
        prefix: Some(encoding.written(prefix)),
    });
    Ok(ListMultipartUploadsOutput {
        common_prefixes: Some(prefixes.collect()),
        delimiter: input
            .delimiter
            .as_deref()
            .map(|text| encoding.written(text)),
        bucket: Some(input.bucket),
        uploads: Some(uploads.collect()),
        prefix: input.prefix.as_deref().map(|text| encoding.written(text)),
        key_marker: input
            .key_marker
            .as_deref()
            .map(|text| encoding.written(text)),
        upload_id_marker: input.upload_id_marker,
        max_uploads: i32::try_from(max_uploads).ok(),
        is_truncated: Some(next_key.is_some()),
        next_key_marker: next_key.as_deref().map(|key| encoding.written(key)),
        next_upload_id_marker: next_upload.map(|upload| upload.as_str().to_owned()),
        encoding_type: input.encoding_type,
        ..ListMultipartUploadsOutput::default()
    })
}

fn extras(known: &HashMap<String, UploadExtras>, id: &str) -> UploadExtras {
    known.get(id).cloned().unwrap_or_default()
}

/// A page of uploads, and the common prefixes.
struct RolledUp {
    uploads: Vec<ListedUpload>,
    prefixes: Vec<String>,
    next: Option<(Arc<str>, UploadId)>,
}

/// Lists uploads and rolls up keys at the delimiter after the prefix; uploads and common prefixes count towards the
/// page.
async fn rolled_up(
    front: &Frontend,
    mut list: ListUploads,
    prefix: &str,
    delimiter: &str,
    most: u32,
) -> S3Result<RolledUp> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let mut page = RolledUp {
        uploads: Vec::new(),
        prefixes: Vec::new(),
        next: None,
    };
    // A prefix that a page ended with is not repeated by the next.
    let marker = list.after.as_ref().map(|(key, _)| Arc::clone(key));
    let mut last = None;
    loop {
        let found = front
            .store
            .list_uploads(list.clone())
            .await
            .map_err(s3_error)?;
        for upload in found.uploads {
            let key = upload.url.key();
            let below = key
                .strip_prefix(prefix)
                .and_then(|rest| rest.find(delimiter));
            let rolled = below.map(|at| key[..prefix.len() + at + delimiter.len()].to_owned());
            let is_shown = rolled.as_ref().is_some_and(|rolled| {
                page.prefixes.last() == Some(rolled)
                    || marker
                        .as_ref()
                        .is_some_and(|marker| marker.starts_with(&**rolled))
            });
            let place = (Arc::from(key), upload.upload.clone());
            if is_shown {
                last = Some(place);
                continue;
            }
            if page.uploads.len() + page.prefixes.len() == most {
                page.next = last;
                return Ok(page);
            }
            match rolled {
                Some(rolled) => page.prefixes.push(rolled),
                None => page.uploads.push(upload),
            }
            last = Some(place);
        }
        match found.next {
            Some(next) => list.after = Some(next),
            None => return Ok(page),
        }
    }
}

pub(super) async fn list_parts(
    front: &Frontend,
    request: S3Request<ListPartsInput>,
) -> S3Result<ListPartsOutput> {
    let input = request.input;
    // A page of zero parts is empty, but a missing upload is still an error.
    let is_empty = input.max_parts == Some(0);
    let max_parts = max_entries(input.max_parts.filter(|_| !is_empty))?;
    let mut list = ListParts::new(
        object_url(&input.bucket, &input.key)?,
        upload_id(&input.upload_id),
    );
    list.max_parts = Some(max_parts);
    list.after = input
        .part_number_marker
        .and_then(|marker| u32::try_from(marker).ok())
        .filter(|&marker| marker > 0);

    let mut page = front.store.list_parts(list).await.map_err(s3_error)?;
    if is_empty {
        (page.parts, page.next) = (Vec::new(), None);
    }
    let upload = extras(&front.extras.uploads(), &input.upload_id);
    let key = customer_key::of!(input)?;
    customer_key::check_of_upload(&upload, key.as_deref())?;
    let parts = page.parts.iter().map(|part| {
        let extent = upload.parts.get(&part.number);
        let checksum = checksum_field(extent.and_then(|extent| extent.checksum.as_ref()));
        Part {
            part_number: i32::try_from(part.number).ok(),
            e_tag: strong(Some(&part.etag)),
            size: Some(size(part.size)),
            last_modified: timestamp(part.last_modified),
            checksum_crc32: checksum.checksum_crc32,
            checksum_crc32c: checksum.checksum_crc32c,
            checksum_crc64nvme: checksum.checksum_crc64nvme,
            checksum_sha1: checksum.checksum_sha1,
            checksum_sha256: checksum.checksum_sha256,
        }
    });
    Ok(ListPartsOutput {
        bucket: Some(input.bucket),
        key: in_xml(&input.key),
        upload_id: Some(input.upload_id),
        owner: Some(owner()),
        initiator: Some(initiator()),
        storage_class: Some(upload.class()),
        checksum_algorithm: upload.checksum_algorithm.clone(),
        checksum_type: upload.shown_type(),
        parts: Some(parts.collect()),
        part_number_marker: Some(input.part_number_marker.unwrap_or(0)),
        max_parts: i32::try_from(max_parts)
            .ok()
            .filter(|_| !is_empty)
            .or(Some(0)),
        is_truncated: Some(page.next.is_some()),
        next_part_number_marker: page.next.and_then(|next| i32::try_from(next).ok()),
        ..ListPartsOutput::default()
    })
}

fn max_entries(asked: Option<i32>) -> S3Result<u32> {
    u32::try_from(asked.unwrap_or(MAX_ENTRIES).min(MAX_ENTRIES))
        .ok()
        .filter(|&max| max > 0)
        .ok_or_else(|| s3_error!(InvalidArgument, "a page has between 1 and 1000 entries"))
}
