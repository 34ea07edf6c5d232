//! Uploads in parts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use s3_url::S3Url;

use super::bucket::Bucket;
use super::data::Data;
use super::digest::{Md5Sum, etag, hex, md5_of, multipart_etag};
use super::object::Object;
use super::refusal::refuse;
use crate::{
    AbortUpload, Attributes, Checksum, CompleteUpload, ETag, Error, Limits, Operation, PartTag,
    PutResponse, Result, UploadId,
};

/// An upload that is neither completed nor aborted.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) url: S3Url,
    pub(super) attributes: Attributes,
    pub(super) initiated: SystemTime,
    pub(super) parts: BTreeMap<u32, Part>,
}

/// A part that has been uploaded.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) data: Data,
    pub(super) md5: Md5Sum,
    pub(super) checksum: Option<Checksum>,
    pub(super) last_modified: SystemTime,
}

impl Part {
    /// Returns a part of these bytes; hashes them.
    pub(super) fn new(data: Data, checksum: Option<Checksum>, now: SystemTime) -> Self {
        let md5 = md5_of(data.chunks());
        Self {
            data,
            md5,
            checksum,
            last_modified: now,
        }
    }

    /// Returns the part's tag.
    pub(super) fn etag(&self) -> ETag {
        etag(&self.md5)
    }
}

/// Returns the id of the upload that was begun as number `count`: in the order of beginning, and not to be guessed at a
/// glance.
pub(super) fn upload_id(count: u64, url: &S3Url) -> UploadId {
    let salt = md5_of(&[format!("{count} {url}").into()]);
    UploadId::new(&format!("{count:012x}{}", hex(&salt)))
}

/// Says whether a part may have this number.
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
    Err(refuse(operation, 400, "InvalidArgument", url.as_str()).with_message(message))
}

impl Bucket {
    /// Begins an upload.
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
            .get_mut(&entry(url, id))
            .ok_or_else(|| no_such(operation, url, id))?;
        let tag = PartTag {
            number,
            etag: part.etag(),
            checksum: part.checksum.clone(),
        };
        upload.parts.insert(number, part);
        Ok(tag)
    }

    /// Makes the object of the parts. A request that is refused leaves the upload as it is.
    pub(super) fn complete_upload(
        &mut self,
        request: &CompleteUpload,
        limits: &Limits,
    ) -> Result<PutResponse> {
        let (url, id) = (&request.url, &request.upload);
        let entry = entry(url, id);
        let upload = self
            .uploads
            .get(&entry)
            .ok_or_else(|| no_such(Operation::CompleteUpload, url, id))?;
        let object = assemble(upload, request, limits)?;
        let answer = self.put(object, &request.mode, Operation::CompleteUpload)?;
        self.uploads.remove(&entry);
        Ok(answer)
    }

    /// Forgets an upload and its parts.
    pub(super) fn abort_upload(&mut self, request: &AbortUpload) -> Result<()> {
        let (url, id) = (&request.url, &request.upload);
        match self.uploads.remove(&entry(url, id)) {
            Some(_) => Ok(()),
            None => Err(no_such(Operation::AbortUpload, url, id)),
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
            .get(&entry(url, id))
            .ok_or_else(|| no_such(operation, url, id))
    }
}

/// Checks the request as S3 does and joins the parts that it names.
fn assemble(upload: &Upload, request: &CompleteUpload, limits: &Limits) -> Result<Object> {
    if request.parts.is_empty() {
        return Err(refused(
            request,
            "MalformedXML",
            "there is no part".to_owned(),
        ));
    }
    if let Some([earlier, later]) = request
        .parts
        .array_windows()
        .find(|[a, b]| a.number >= b.number)
    {
        let message = format!("part {} comes behind part {}", later.number, earlier.number);
        return Err(refused(request, "InvalidPartOrder", message));
    }
    let parts: Vec<&Part> = request
        .parts
        .iter()
        .map(|tag| named(upload, tag, request))
        .collect::<Result<_>>()?;
    check_sizes(&parts, request, limits)?;
    let sums: Vec<Md5Sum> = parts.iter().map(|part| part.md5).collect();
    Ok(Object {
        url: upload.url.clone(),
        data: Data::join(parts.iter().map(|part| &part.data)),
        etag: multipart_etag(&sums),
        // S3 dates an object of parts by when its upload was begun.
        last_modified: upload.initiated,
        attributes: upload.attributes.clone(),
        checksum: None,
    })
}

/// Returns the part that `tag` names.
fn named<'a>(upload: &'a Upload, tag: &PartTag, request: &CompleteUpload) -> Result<&'a Part> {
    let part = upload.parts.get(&tag.number).filter(|part| {
        part.etag() == tag.etag && (tag.checksum.is_none() || tag.checksum == part.checksum)
    });
    part.ok_or_else(|| {
        let message = format!("part {} was not uploaded, or has another tag", tag.number);
        refused(request, "InvalidPart", message)
    })
}

fn check_sizes(parts: &[&Part], request: &CompleteUpload, limits: &Limits) -> Result<()> {
    let all_but_last = &parts[..parts.len() - 1];
    let too_small = all_but_last
        .iter()
        .position(|part| part.data.len() < limits.min_part_size);
    if let Some(index) = too_small {
        let message = format!(
            "part {} has {} bytes; all but the last need {}",
            request.parts[index].number,
            parts[index].data.len(),
            limits.min_part_size
        );
        return Err(refused(request, "EntityTooSmall", message));
    }
    let total: u64 = parts.iter().map(|part| part.data.len()).sum();
    if total > limits.max_object_size {
        let message = format!(
            "{total} bytes, of which {} are allowed",
            limits.max_object_size
        );
        return Err(refused(request, "EntityTooLarge", message));
    }
    Ok(())
}

fn entry(url: &S3Url, id: &UploadId) -> (Arc<str>, UploadId) {
    (url.key().into(), id.clone())
}

fn refused(request: &CompleteUpload, code: &str, message: String) -> Error {
    refuse(Operation::CompleteUpload, 400, code, request.url.as_str()).with_message(message)
}

fn no_such(operation: Operation, url: &S3Url, id: &UploadId) -> Error {
    refuse(operation, 404, "NoSuchUpload", url.as_str()).with_message(format!("upload {id}"))
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
        let mut bucket = Bucket::new(now);
        let upload = Upload {
            url: url.clone(),
            attributes: Attributes::default(),
            initiated: now,
            parts: BTreeMap::new(),
        };
        bucket.create_upload(upload, id.clone());
        let mut tags = Vec::new();
        for (number, bytes) in (1..).zip(parts) {
            let data = Data::read(&Payload::from(*bytes)).unwrap();
            let part = Part::new(data, None, now);
            tags.push(
                bucket
                    .upload_part(&url, &id, number, part, Operation::UploadPart)
                    .unwrap(),
            );
        }
        (bucket, CompleteUpload::new(url, id, tags))
    }

    fn refusal(parts: &[&'static str], change: impl FnOnce(&mut CompleteUpload)) -> String {
        let (mut bucket, mut request) = uploaded(parts);
        change(&mut request);
        let error = bucket.complete_upload(&request, &LIMITS()).unwrap_err();
        assert_eq!(
            bucket.uploads.len(),
            1,
            "a refusal leaves the upload as it is"
        );
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        error.code().unwrap().to_owned()
    }

    #[test]
    fn a_request_that_is_wrong_is_refused_with_the_code_of_s3() {
        assert_eq!(
            refusal(&["ab"], |request| request.parts.clear()),
            "MalformedXML"
        );
        assert_eq!(
            refusal(&["ab", "cd"], |request| request.parts.swap(0, 1)),
            "InvalidPartOrder"
        );
        let twice = |request: &mut CompleteUpload| request.parts.push(request.parts[0].clone());
        assert_eq!(refusal(&["ab"], twice), "InvalidPartOrder");
        let unknown = |request: &mut CompleteUpload| request.parts[0].number = 9;
        assert_eq!(refusal(&["ab"], unknown), "InvalidPart");
        let wrong = |request: &mut CompleteUpload| request.parts[0].etag = ETag::new("x");
        assert_eq!(refusal(&["ab"], wrong), "InvalidPart");
        assert_eq!(refusal(&["a", "bc"], |_| ()), "EntityTooSmall");
        assert_eq!(refusal(&["abc", "def", "g"], |_| ()), "EntityTooLarge");
    }

    #[test]
    fn the_object_is_the_join_and_its_tag_counts_the_parts() {
        let (mut bucket, request) = uploaded(&["ab", "cd", "e"]);
        let answer = bucket.complete_upload(&request, &LIMITS()).unwrap();
        let object = &bucket.objects["k"];
        assert_eq!(object.data.chunks().concat(), b"abcde");
        assert_eq!(answer.etag.as_ref(), Some(&object.etag));
        assert!(object.etag.as_str().ends_with("-3"), "{}", object.etag);
        assert!(bucket.uploads.is_empty());
        let again = bucket.complete_upload(&request, &LIMITS()).unwrap_err();
        assert_eq!(again.kind(), ErrorKind::NoSuchUpload);
    }

    #[test]
    fn ids_sort_in_the_order_of_beginning() {
        let url = S3Url::parse("s3://b/k").unwrap();
        let ids: Vec<_> = [0, 1, 15, 16, 300]
            .map(|count| upload_id(count, &url))
            .into();
        assert!(ids.is_sorted());
    }
}
