//! Multipart uploads of the in-memory store: starts, completes and aborts them, and stores their parts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use s3_url::S3Url;

use super::bucket::Bucket;
use super::buffers::Buffers;
use super::error_response::error_response;
use super::etag::{Md5Sum, etag, hex, md5_of, multipart_etag};
use super::object::{Object, checksum_of, composite};
use crate::{
    AbortUpload, Attributes, Checksum, ChecksumType, CompleteUpload, ETag, Error, Limits,
    ObjectPart, Operation, PartTag, PutResponse, Result, UploadId,
};

/// An upload that is neither completed nor aborted.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) url: S3Url,
    pub(super) attributes: Attributes,
    pub(super) initiated: SystemTime,
    pub(super) parts: BTreeMap<u32, Part>,
}

/// An uploaded part.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) data: Buffers,
    pub(super) md5: Md5Sum,
    pub(super) checksum: Option<Checksum>,
    pub(super) last_modified: SystemTime,
}

impl Part {
    /// Hashes the bytes and returns them as a part.
    pub(super) fn new(data: Buffers, checksum: Option<Checksum>, now: SystemTime) -> Self {
        let md5 = md5_of(data.chunks());
        Self {
            data,
            md5,
            checksum,
            last_modified: now,
        }
    }

    /// Returns the ETag of the part.
    pub(super) fn etag(&self) -> ETag {
        etag(&self.md5)
    }
}

/// Returns the id of upload number `count`. Ids sort in the order in which the uploads were started.
pub(super) fn upload_id(count: u64, url: &S3Url) -> UploadId {
    let salt = md5_of(&[format!("{count} {url}").into()]);
    UploadId::new(&format!("{count:012x}{}", hex(&salt)))
}

/// Checks the number of a part.
pub(super) fn check_number(
    number: u32,
    limits: &Limits,
    operation: Operation,
    url: &S3Url,
) -> Result<()> {
    if (1..=limits.max_parts).contains(&number) {
        return Ok(());
    }
    let message = format!("part {number} is not between 1 and {}", limits.max_parts);
    Err(error_response(operation, 400, "InvalidArgument", url.as_str()).with_message(message))
}

impl Bucket {
    /// Starts an upload.
    pub(super) fn create_upload(&mut self, upload: Upload, id: UploadId) {
        self.uploads.insert((upload.url.key().into(), id), upload);
    }

    /// Adds a part or replaces the one with its number.
    pub(super) fn upload_part(
        &mut self,
        url: &S3Url,
        id: &UploadId,
        number: u32,
        part: Part,
        operation: Operation,
    ) -> Result<PartTag> {
        let upload = self
            .uploads
            .get_mut(&upload_key(url, id))
            .ok_or_else(|| no_such_upload(operation, url, id))?;
        let tag = PartTag {
            number,
            etag: part.etag(),
            checksum: part.checksum.clone(),
        };
        upload.parts.insert(number, part);
        Ok(tag)
    }

    /// Creates the object from the parts. A rejected request leaves the upload as it is.
    pub(super) fn complete_upload(
        &mut self,
        request: &CompleteUpload,
        limits: &Limits,
    ) -> Result<PutResponse> {
        let (url, id) = (&request.url, &request.upload);
        let upload_key = upload_key(url, id);
        let upload = self
            .uploads
            .get(&upload_key)
            .ok_or_else(|| no_such_upload(Operation::CompleteUpload, url, id))?;
        let object = assemble(upload, request, limits)?;
        let response = self.put(object, &request.mode, Operation::CompleteUpload)?;
        self.uploads.remove(&upload_key);
        Ok(response)
    }

    /// Removes an upload and its parts.
    pub(super) fn abort_upload(&mut self, request: &AbortUpload) -> Result<()> {
        let (url, id) = (&request.url, &request.upload);
        match self.uploads.remove(&upload_key(url, id)) {
            Some(_) => Ok(()),
            None => Err(no_such_upload(Operation::AbortUpload, url, id)),
        }
    }

    /// Returns an upload.
    pub(super) fn upload(
        &self,
        url: &S3Url,
        id: &UploadId,
        operation: Operation,
    ) -> Result<&Upload> {
        self.uploads
            .get(&upload_key(url, id))
            .ok_or_else(|| no_such_upload(operation, url, id))
    }
}

/// Checks the request as S3 does and joins the parts.
fn assemble(upload: &Upload, request: &CompleteUpload, limits: &Limits) -> Result<Object> {
    if request.parts.is_empty() {
        return Err(complete_error(
            request,
            "MalformedXML",
            "the request has no parts".to_owned(),
        ));
    }
    if let Some([earlier, later]) = request
        .parts
        .array_windows()
        .find(|[a, b]| a.number >= b.number)
    {
        let message = format!("part {} comes after part {}", later.number, earlier.number);
        return Err(complete_error(request, "InvalidPartOrder", message));
    }
    let parts: Vec<&Part> = request
        .parts
        .iter()
        .map(|tag| uploaded_part(upload, tag, request))
        .collect::<Result<_>>()?;
    check_sizes(&parts, request, limits)?;
    let sums: Vec<Md5Sum> = parts.iter().map(|part| part.md5).collect();
    let data = Buffers::join(parts.iter().map(|part| &part.data));
    let tags = request.parts.iter().zip(&parts);
    let extents: Arc<[ObjectPart]> = tags
        .map(|(tag, part)| ObjectPart {
            number: tag.number,
            size: part.data.len(),
            checksum: part.checksum.clone(),
        })
        .collect();
    let algorithm = upload.attributes.checksum_algorithm;
    let checksum = algorithm.and_then(|algorithm| match algorithm.multipart_type() {
        ChecksumType::FullObject => Some(checksum_of(algorithm, data.chunks())),
        ChecksumType::Composite => composite(algorithm, &extents),
    });
    Ok(Object {
        url: upload.url.clone(),
        data,
        etag: multipart_etag(&sums),
        // S3 dates a multipart object by the start of its upload.
        last_modified: upload.initiated,
        version: None,
        attributes: upload.attributes.clone(),
        checksum,
        parts: extents,
        restored_until: None,
    })
}

/// Returns the uploaded part for a part of the request.
fn uploaded_part<'a>(
    upload: &'a Upload,
    tag: &PartTag,
    request: &CompleteUpload,
) -> Result<&'a Part> {
    let part = upload.parts.get(&tag.number).filter(|part| {
        part.etag() == tag.etag && (tag.checksum.is_none() || tag.checksum == part.checksum)
    });
    part.ok_or_else(|| {
        let message = format!(
            "part {} was not uploaded, or its ETag does not match",
            tag.number
        );
        complete_error(request, "InvalidPart", message)
    })
}

fn check_sizes(parts: &[&Part], request: &CompleteUpload, limits: &Limits) -> Result<()> {
    let all_but_last = &parts[..parts.len() - 1];
    let too_small = all_but_last
        .iter()
        .position(|part| part.data.len() < limits.min_part_size);
    if let Some(index) = too_small {
        let message = format!(
            "part {} has {} bytes; all but the last need at least {}",
            request.parts[index].number,
            parts[index].data.len(),
            limits.min_part_size
        );
        return Err(complete_error(request, "EntityTooSmall", message));
    }
    let total: u64 = parts.iter().map(|part| part.data.len()).sum();
    if total > limits.max_object_size {
        let message = format!(
            "the object has {total} bytes; at most {} are allowed",
            limits.max_object_size
        );
        return Err(complete_error(request, "EntityTooLarge", message));
    }
    Ok(())
}

fn upload_key(url: &S3Url, id: &UploadId) -> (Arc<str>, UploadId) {
    (url.key().into(), id.clone())
}

fn complete_error(request: &CompleteUpload, code: &str, message: String) -> Error {
    error_response(Operation::CompleteUpload, 400, code, request.url.as_str()).with_message(message)
}

fn no_such_upload(operation: Operation, url: &S3Url, id: &UploadId) -> Error {
    error_response(operation, 404, "NoSuchUpload", url.as_str())
        .with_message(format!("upload {id}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorKind, Payload};

    const LIMITS: fn() -> Limits = || Limits {
        min_part_size: 2,
        max_object_size: 6,
        ..Limits::default()
    };

    /// A bucket with an upload that has these parts, numbered from 1, and the request to complete it.
    fn uploaded(parts: &[&'static str]) -> (Bucket, CompleteUpload) {
        let (url, now) = (S3Url::parse("s3://b/k").unwrap(), SystemTime::UNIX_EPOCH);
        let id = upload_id(0, &url);
        let mut bucket = Bucket::new("b".into(), now);
        let upload = Upload {
            url: url.clone(),
            attributes: Attributes::default(),
            initiated: now,
            parts: BTreeMap::new(),
        };
        bucket.create_upload(upload, id.clone());
        let mut tags = Vec::new();
        for (number, bytes) in (1..).zip(parts) {
            let data = Buffers::read(&Payload::from(*bytes)).unwrap();
            let part = Part::new(data, None, now);
            tags.push(
                bucket
                    .upload_part(&url, &id, number, part, Operation::UploadPart)
                    .unwrap(),
            );
        }
        (bucket, CompleteUpload::new(url, id, tags))
    }

    fn error_code(parts: &[&'static str], change: impl FnOnce(&mut CompleteUpload)) -> String {
        let (mut bucket, mut request) = uploaded(parts);
        change(&mut request);
        let error = bucket.complete_upload(&request, &LIMITS()).unwrap_err();
        assert_eq!(
            bucket.uploads.len(),
            1,
            "a rejected request leaves the upload as it is"
        );
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        error.code().unwrap().to_owned()
    }

    #[test]
    fn an_invalid_request_is_rejected_with_the_code_of_s3() {
        assert_eq!(
            error_code(&["ab"], |request| request.parts.clear()),
            "MalformedXML"
        );
        assert_eq!(
            error_code(&["ab", "cd"], |request| request.parts.swap(0, 1)),
            "InvalidPartOrder"
        );
        let twice = |request: &mut CompleteUpload| request.parts.push(request.parts[0].clone());
        assert_eq!(error_code(&["ab"], twice), "InvalidPartOrder");
        let unknown = |request: &mut CompleteUpload| request.parts[0].number = 9;
        assert_eq!(error_code(&["ab"], unknown), "InvalidPart");
        let wrong = |request: &mut CompleteUpload| request.parts[0].etag = ETag::new("x");
        assert_eq!(error_code(&["ab"], wrong), "InvalidPart");
        assert_eq!(error_code(&["a", "bc"], |_| ()), "EntityTooSmall");
        assert_eq!(error_code(&["abc", "def", "g"], |_| ()), "EntityTooLarge");
    }

    #[test]
    fn the_object_is_the_join_of_the_parts_and_its_etag_counts_them() {
        let (mut bucket, request) = uploaded(&["ab", "cd", "e"]);
        let response = bucket.complete_upload(&request, &LIMITS()).unwrap();
        let object = &bucket.objects["k"];
        assert_eq!(object.data.chunks().concat(), b"abcde");
        assert_eq!(response.etag.as_ref(), Some(&object.etag));
        assert!(object.etag.as_str().ends_with("-3"), "{}", object.etag);
        assert!(bucket.uploads.is_empty());
        let again = bucket.complete_upload(&request, &LIMITS()).unwrap_err();
        assert_eq!(again.kind(), ErrorKind::NoSuchUpload);
    }

    #[test]
    fn ids_sort_in_the_order_of_creation() {
        let url = S3Url::parse("s3://b/k").unwrap();
        let ids: Vec<_> = [0, 1, 15, 16, 300]
            .map(|count| upload_id(count, &url))
            .into();
        assert!(ids.is_sorted());
    }
}
