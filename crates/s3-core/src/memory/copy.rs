//! CopyObject and UploadPartCopy of the in-memory store: checks the request and returns the copied object or bytes.

use std::sync::Arc;
use std::time::SystemTime;

use super::bucket::Bucket;
use super::buffers::Buffers;
use super::conditions::check_source;
use super::error_response::error_response;
use super::etag::{etag, is_multipart, md5_of};
use super::object::{Object, check_tags, checksum_of, normalise};
use crate::{
    ByteRange, Checksum, ChecksumType, Conditions, CopyRequest, Limits, Operation, Result,
    UploadPartCopy,
};

/// Returns the copy of an object.
pub(super) fn copy_object(
    bucket: &Bucket,
    request: &CopyRequest,
    limits: &Limits,
    now: SystemTime,
) -> Result<Object> {
    let changes = request.attributes.is_some()
        || request.encryption.is_some()
        || request.source_version.is_some()
        || request.tags.is_some();
    if request.from == request.to && !changes {
        let error = error_response(Operation::Copy, 400, "InvalidRequest", request.to.as_str());
        return Err(error
            .with_message("copying an object to itself changes nothing")
            .with_hint("set new attributes or another destination"));
    }
    let version = request.source_version.as_ref();
    let source = bucket.version(&request.from, version, Operation::Copy)?;
    check_source(&request.source_conditions, source, Operation::Copy)?;
    source.check_restored(now, Operation::Copy)?;
    if source.data.len() > limits.max_put_size {
        let error = error_response(
            Operation::Copy,
            400,
            "InvalidRequest",
            request.from.as_str(),
        );
        let most = limits.max_put_size;
        let message = format!(
            "the source has {} bytes; at most {most} can be copied in one request",
            source.data.len()
        );
        return Err(error.with_message(message));
    }
    // The storage class of the source is not copied.
    let mut attributes = source.attributes.clone();
    attributes.storage_class = None;
    let mut copy = Object {
        attributes,
        url: request.to.clone(),
        last_modified: now,
        parts: Arc::default(),
        restored_until: None,
        ..source.clone()
    };
    if let Some(attributes) = request.attributes.clone() {
        copy.attributes = normalise(attributes, limits, Operation::Copy, &request.to)?;
    }
    if let Some(tags) = &request.tags {
        check_tags(tags, Operation::Copy, &request.to)?;
        copy.attributes.tags.clone_from(tags);
    } else if copy.attributes.tags.is_empty() {
        copy.attributes.tags.clone_from(&source.attributes.tags);
    }
    let new = request.attributes.as_ref();
    let said = new.and_then(|attributes| attributes.encryption.clone());
    // The encryption of the source is not copied.
    copy.attributes.encryption = request.encryption.clone().or(said);
    // A copy has no parts, so its ETag is the MD5 of its bytes even if the source had parts.
    if is_multipart(&copy.etag) {
        copy.etag = etag(&md5_of(copy.data.chunks()));
    }
    let wanted = request.checksum_algorithm;
    let wanted = wanted.or(copy.attributes.checksum_algorithm);
    let is_composite = |sum: &Checksum| sum.checksum_type == ChecksumType::Composite;
    let of_source = copy.checksum.as_ref().filter(|sum| is_composite(sum));
    if let Some(algorithm) = wanted.or(of_source.map(|sum| sum.algorithm)) {
        copy.checksum = Some(checksum_of(algorithm, copy.data.chunks()));
    }
    Ok(copy)
}

/// Returns the bytes of a part that is copied from an object.
pub(super) fn copy_part(
    bucket: &Bucket,
    request: &UploadPartCopy,
    limits: &Limits,
    now: SystemTime,
) -> Result<Buffers> {
    let operation = Operation::UploadPartCopy;
    let source = bucket.version(&request.from, request.source_version.as_ref(), operation)?;
    let mut conditions = Conditions::default();
    conditions.if_match.clone_from(&request.source_if_match);
    check_source(&conditions, source, operation)?;
    source.check_restored(now, operation)?;
    let size = source.data.len();
    let range = match &request.range {
        None => 0..size,
        Some(ByteRange::Bounded(range)) if range.start < range.end && range.end <= size => {
            range.clone()
        }
        // Unlike a read, S3 does not clip the range of a copy, and it accepts no open ranges.
        Some(range) => {
            let error = error_response(operation, 400, "InvalidArgument", request.from.as_str());
            let message = format!("the range exceeds the source, which has {size} bytes");
            return Err(error.with_range(range).with_message(message));
        }
    };
    if range.end - range.start > limits.max_part_size {
        let error = error_response(operation, 400, "InvalidRequest", request.from.as_str());
        let message = format!("a part can have at most {} bytes", limits.max_part_size);
        return Err(error.with_message(message));
    }
    Ok(source.data.slice(range))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::memory::etag::multipart_etag;
    use crate::{Attributes, Payload, S3Url};

    fn bucket() -> Bucket {
        let (limits, now) = (Limits::default(), SystemTime::UNIX_EPOCH);
        let (url, payload) = (
            S3Url::parse("s3://b/from").unwrap(),
            Payload::from("0123456789"),
        );
        let mut source = Object::from_payload(
            url,
            &payload,
            Attributes::default(),
            &limits,
            now,
            Operation::Put,
        )
        .unwrap();
        source.etag = multipart_etag(&[md5_of(source.data.chunks())]);
        let mut bucket = Bucket::new("b".into(), now);
        bucket.objects.insert("from".into(), source);
        bucket
    }

    #[test]
    fn a_copy_of_a_multipart_object_has_a_plain_etag() {
        let (from, to) = ("s3://b/from", "s3://b/to");
        let request = CopyRequest::new(S3Url::parse(from).unwrap(), S3Url::parse(to).unwrap());
        let copy = copy_object(
            &bucket(),
            &request,
            &Limits::default(),
            SystemTime::UNIX_EPOCH,
        )
        .unwrap();
        assert_eq!(
            copy.etag,
            etag(&md5_of(&[Bytes::from_static(b"0123456789")]))
        );
        assert_eq!(copy.url.as_str(), to);
    }

    #[test]
    fn a_copy_is_encrypted_as_requested_and_not_as_its_source() {
        let mut bucket = bucket();
        let [theirs, ours] = ["aws:kms", "AES256"].map(crate::Encryption::new);
        let source = bucket.objects.get_mut("from").unwrap();
        source.attributes.encryption = Some(theirs.clone());
        source.attributes.cache_control = Some("no-store".into());
        let url = |text| S3Url::parse(text).unwrap();
        let new = Attributes {
            encryption: Some(theirs.clone()),
            ..Attributes::default()
        };
        for (attributes, encryption, expected) in [
            (None, None, None),
            (None, Some(&ours), Some(&ours)),
            (Some(&new), None, Some(&theirs)),
            (Some(&new), Some(&ours), Some(&ours)),
        ] {
            let mut request = CopyRequest::new(url("s3://b/from"), url("s3://b/to"));
            request.attributes = attributes.cloned();
            request.encryption = encryption.cloned();
            let now = SystemTime::UNIX_EPOCH;
            let copy = copy_object(&bucket, &request, &Limits::default(), now).unwrap();
            assert_eq!(copy.attributes.encryption.as_ref(), expected);
            let keeps = copy.attributes.cache_control.is_some();
            assert_eq!(keeps, attributes.is_none());
        }
    }

    #[test]
    fn a_copy_has_the_default_storage_class_unless_the_request_has_one() {
        let mut bucket = bucket();
        let source = bucket.objects.get_mut("from").unwrap();
        source.attributes.storage_class = Some("STANDARD_IA".into());
        let url = |text| S3Url::parse(text).unwrap();
        let request = CopyRequest::new(url("s3://b/from"), url("s3://b/to"));
        let chosen = Attributes::default().with_storage_class("GLACIER");
        for (request, expected) in [
            (request.clone(), None),
            (request.with_attributes(chosen), Some("GLACIER")),
        ] {
            let now = SystemTime::UNIX_EPOCH;
            let copy = copy_object(&bucket, &request, &Limits::default(), now).unwrap();
            assert_eq!(copy.attributes.storage_class.as_deref(), expected);
        }
    }

    #[test]
    fn a_copied_range_must_be_bounded_and_within_its_source() {
        let (url, from) = (
            S3Url::parse("s3://b/to").unwrap(),
            S3Url::parse("s3://b/from").unwrap(),
        );
        let mut request = UploadPartCopy::new(url, crate::UploadId::new("1"), 1, from);
        for (range, expected) in [
            (None, Some(10)),
            (Some((2..5).into()), Some(3)),
            (Some((2..11).into()), None),
            (Some((5..5).into()), None),
            (Some(ByteRange::From(5)), None),
            (Some(ByteRange::Last(5)), None),
        ] {
            request.range = range;
            let now = SystemTime::UNIX_EPOCH;
            let data = copy_part(&bucket(), &request, &Limits::default(), now);
            assert_eq!(
                data.ok().map(|data| data.len()),
                expected,
                "{:?}",
                request.range
            );
        }
    }
}
