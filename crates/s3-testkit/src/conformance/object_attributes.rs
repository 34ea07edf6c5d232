//! Conformance cases of GetObjectAttributes: size, ETag, storage class, checksum and parts.

use s3_core::{
    Attributes, ChecksumAlgorithm, CompleteUpload, CreateUpload, ErrorKind, GetObjectAttributes,
    ObjectAttributes, Store, UploadPart,
};

use super::assertions::{fails, succeeds};
use super::verdict::require;
use super::{Harness, Verdict};
use crate::ramp;

/// 5 MiB, the minimum size of a part that is not the last.
const PART: u64 = 5 << 20;

/// Uploads an object in parts with these numbers and sizes; with checksums if an algorithm is given.
pub(super) async fn upload(
    harness: &Harness,
    key: &str,
    algorithm: Option<ChecksumAlgorithm>,
    parts: &[(u32, u64)],
) -> s3_core::PutResponse {
    let url = harness.url(key);
    let mut attributes = Attributes::default();
    attributes.checksum_algorithm = algorithm;
    let create = CreateUpload::new(url.clone(), attributes);
    let upload = succeeds(harness.store.create_upload(create).await);
    let mut tags = Vec::new();
    for &(number, size) in parts {
        let payload = ramp(0, usize::try_from(size).expect("a part fits in memory")).into();
        let mut part = UploadPart::new(url.clone(), upload.clone(), number, payload);
        part.checksum_algorithm = algorithm;
        tags.push(succeeds(harness.store.upload_part(part).await));
    }
    let complete = CompleteUpload::new(url, upload, tags);
    succeeds(harness.store.complete_upload(complete).await)
}

async fn of(harness: &Harness, key: &str) -> ObjectAttributes {
    let request = GetObjectAttributes::new(harness.url(key));
    succeeds(harness.store.object_attributes(request).await)
}

/// Size, ETag and storage class agree with HEAD; an object from a single PUT has no parts.
pub async fn attributes_agree_with_head(harness: &Harness) -> Verdict {
    require!(harness, object_attributes);
    harness.put("k", "hello").await;
    let (read, head) = (of(harness, "k").await, harness.head("k").await);
    assert_eq!((read.size, &read.etag), (head.size, &head.etag));
    assert_eq!(read.last_modified, head.last_modified);
    assert_eq!(read.storage_class.as_deref(), Some("STANDARD"));
    assert_eq!((read.part_count, read.parts.len()), (None, 0));
    Verdict::Ran
}

/// The parts of an upload are listed with number, size and checksum.
pub async fn parts_are_listed(harness: &Harness) -> Verdict {
    require!(harness, object_attributes);
    let algorithm = ChecksumAlgorithm::Sha256;
    upload(harness, "k", Some(algorithm), &[(2, PART), (7, 3)]).await;
    let read = of(harness, "k").await;
    assert_eq!((read.size, read.part_count), (PART + 3, Some(2)));
    let parts = { read.parts.iter() }.map(|part| (part.number, part.size));
    assert_eq!(parts.collect::<Vec<_>>(), [(2, PART), (7, 3)]);
    for part in &read.parts {
        let sum = part.checksum.as_ref().expect("the part has a checksum");
        assert_eq!(sum.algorithm, algorithm);
    }
    assert_eq!(read.next, None);
    Verdict::Ran
}

/// Parts come in pages.
pub async fn parts_are_listed_in_pages(harness: &Harness) -> Verdict {
    require!(harness, object_attributes);
    let algorithm = Some(ChecksumAlgorithm::Crc32);
    upload(harness, "k", algorithm, &[(1, PART), (2, PART), (3, 1)]).await;
    let mut request = GetObjectAttributes::new(harness.url("k")).with_max_parts(2);
    let mut seen = Vec::new();
    for pages in [2, 1] {
        let page = succeeds(harness.store.object_attributes(request.clone()).await);
        assert_eq!((page.part_count, page.parts.len()), (Some(3), pages));
        seen.extend(page.parts.iter().map(|part| part.number));
        request.after = page.next;
    }
    assert_eq!((seen, request.after), (vec![1, 2, 3], None));
    Verdict::Ran
}

/// A missing object has no attributes.
pub async fn a_missing_object_has_no_attributes(harness: &Harness) -> Verdict {
    require!(harness, object_attributes);
    let request = GetObjectAttributes::new(harness.url("missing"));
    let read = harness.store.object_attributes(request).await;
    fails(read, ErrorKind::NotFound);
    Verdict::Ran
}
