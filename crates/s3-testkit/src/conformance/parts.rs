//! Conformance cases of UploadPartCopy, ListParts and ListMultipartUploads.

use s3_core::{
    AbortUpload, Attributes, CreateUpload, ETag, ErrorKind, ListParts, ListUploads, PartTag,
    Result, Store, UploadId, UploadPartCopy,
};

use super::assertions::{fails, fails_as_one_of, succeeds};
use super::multipart::{PART, Upload};
use super::verdict::require;
use super::{Harness, Verdict};
use crate::{assert_ramp, ramp};

/// Copies the object `from` into a part, with a request that `change` completes.
async fn copy_part(
    upload: &Upload<'_>,
    number: u32,
    change: impl FnOnce(&mut UploadPartCopy),
) -> Result<PartTag> {
    let harness = upload.harness;
    let (url, from) = (harness.url("k"), harness.url("from"));
    let mut request = UploadPartCopy::new(url, upload.id.clone(), number, from);
    change(&mut request);
    harness.store.upload_part_copy(request).await
}

/// A part can be copied from a whole object.
pub async fn a_part_can_be_a_copy(harness: &Harness) -> Verdict {
    harness.put("from", ramp(0, 1000)).await;
    let upload = Upload::begin(harness).await;
    let part = succeeds(copy_part(&upload, 1, |_| {}).await);
    succeeds(upload.complete(&[&part]).await);
    let bytes = harness.read("k").await;
    assert_eq!(bytes.len(), 1000);
    assert_ramp(&bytes, 0);
    Verdict::Ran
}

/// Parts can be copied from ranges of an object, as needed to copy objects above 5 GiB.
pub async fn parts_can_be_ranges_of_an_object(harness: &Harness) -> Verdict {
    let size = PART as u64 + 1000;
    harness.put("from", ramp(0, PART + 1000)).await;
    let upload = Upload::begin(harness).await;
    let first = succeeds(
        copy_part(&upload, 1, |request| {
            request.range = Some((0..PART as u64).into())
        })
        .await,
    );
    let second = succeeds(
        copy_part(&upload, 2, |request| {
            request.range = Some((PART as u64..size).into())
        })
        .await,
    );
    succeeds(upload.complete(&[&first, &second]).await);
    let bytes = harness.read("k").await;
    assert_eq!(bytes.len() as u64, size);
    assert_ramp(&bytes, 0);
    Verdict::Ran
}

/// A range outside the source is rejected.
pub async fn a_copied_range_must_be_inside_its_source(harness: &Harness) -> Verdict {
    require!(harness, multipart_limits);
    harness.put("from", ramp(0, 100)).await;
    let upload = Upload::begin(harness).await;
    let outcome = copy_part(&upload, 1, |request| {
        request.range = Some((100..200).into())
    })
    .await;
    // AWS reports an invalid argument, other servers an invalid range.
    fails_as_one_of(outcome, &[ErrorKind::InvalidInput, ErrorKind::InvalidRange]);
    upload.abort().await;
    Verdict::Ran
}

/// UploadPartCopy of a missing object is `NotFound`.
pub async fn a_copied_part_needs_its_source(harness: &Harness) -> Verdict {
    let upload = Upload::begin(harness).await;
    fails(copy_part(&upload, 1, |_| {}).await, ErrorKind::NotFound);
    upload.abort().await;
    Verdict::Ran
}

/// UploadPartCopy may have a condition on the ETag of its source.
pub async fn a_copied_part_may_insist_on_its_source(harness: &Harness) -> Verdict {
    require!(harness, get_if_match);
    let tag = harness.put("from", "x").await.etag;
    let upload = Upload::begin(harness).await;
    let other = Some(ETag::new("00000000000000000000000000000000"));
    let outcome = copy_part(&upload, 1, |request| request.source_if_match = other).await;
    fails(outcome, ErrorKind::PreconditionFailed);
    let part = succeeds(copy_part(&upload, 1, |request| request.source_if_match = tag).await);
    succeeds(upload.complete(&[&part]).await);
    assert_eq!(harness.read("k").await, "x");
    Verdict::Ran
}

/// Returns the ID of an aborted upload, which no upload has any more.
async fn stale_upload(harness: &Harness) -> UploadId {
    let upload = Upload::begin(harness).await;
    let id = upload.id.clone();
    upload.abort().await;
    id
}

/// Parts of a missing upload can be neither listed nor uploaded.
pub async fn an_unknown_upload_has_no_parts(harness: &Harness) -> Verdict {
    let id = stale_upload(harness).await;
    harness.put("from", "x").await;
    let upload = Upload {
        harness,
        id: id.clone(),
    };
    fails(copy_part(&upload, 1, |_| {}).await, ErrorKind::NoSuchUpload);
    require!(harness, list_uploads);
    let request = ListParts::new(harness.url("k"), id);
    fails(
        harness.store.list_parts(request).await,
        ErrorKind::NoSuchUpload,
    );
    Verdict::Ran
}

/// Parts are listed in the order of their numbers, with ETags and sizes.
pub async fn parts_are_listed_by_number(harness: &Harness) -> Verdict {
    require!(harness, list_uploads);
    let upload = Upload::begin(harness).await;
    let mut tags = Vec::new();
    for number in [7, 2, 30] {
        tags.push(upload.part(number, ramp(0, number as usize)).await);
    }
    tags.sort_by_key(|tag| tag.number);
    let listed = succeeds(
        harness
            .store
            .list_parts(ListParts::new(harness.url("k"), upload.id.clone()))
            .await,
    );
    let shown: Vec<_> = listed
        .parts
        .iter()
        .map(|part| (part.number, &part.etag, part.size))
        .collect();
    let sent: Vec<_> = tags
        .iter()
        .map(|tag| (tag.number, &tag.etag, u64::from(tag.number)))
        .collect();
    assert_eq!((shown, listed.next), (sent, None));
    upload.abort().await;
    Verdict::Ran
}

/// Parts are listed in pages.
pub async fn parts_are_listed_in_pages(harness: &Harness) -> Verdict {
    require!(harness, list_uploads);
    let upload = Upload::begin(harness).await;
    for number in 1..=5 {
        upload.part(number, "x".into()).await;
    }
    let mut request = ListParts::new(harness.url("k"), upload.id.clone());
    request.max_parts = Some(2);
    let mut shown = Vec::new();
    loop {
        let page = succeeds(harness.store.list_parts(request.clone()).await);
        assert!(shown.len() < 5, "the listing does not end");
        shown.extend(page.parts.iter().map(|part| part.number));
        request.after = page.next;
        if request.after.is_none() {
            break;
        }
    }
    assert_eq!(shown, [1, 2, 3, 4, 5]);
    upload.abort().await;
    Verdict::Ran
}

async fn begin(harness: &Harness, key: &str) -> UploadId {
    let request = CreateUpload::new(harness.url(key), Attributes::default());
    succeeds(harness.store.create_upload(request).await)
}

async fn abort_all(harness: &Harness) {
    for upload in harness.unfinished().await {
        succeeds(
            harness
                .store
                .abort_upload(AbortUpload::new(upload.url, upload.upload))
                .await,
        );
    }
}

/// Unfinished uploads are listed, in the order of keys and for a prefix.
pub async fn unfinished_uploads_are_listed(harness: &Harness) -> Verdict {
    require!(harness, list_uploads);
    let odd = begin(harness, "b/ é+%20").await;
    let plain = begin(harness, "a").await;
    let shown: Vec<_> = harness
        .unfinished()
        .await
        .into_iter()
        .map(|one| (one.url, one.upload))
        .collect();
    assert_eq!(
        shown,
        [
            (harness.url("a"), plain),
            (harness.url("b/ é+%20"), odd.clone())
        ]
    );
    let below = succeeds(
        harness
            .store
            .list_uploads(ListUploads::new(harness.prefix("b/")))
            .await,
    );
    assert_eq!(below.uploads.len(), 1);
    assert_eq!(below.uploads[0].upload, odd);
    abort_all(harness).await;
    assert!(harness.unfinished().await.is_empty());
    Verdict::Ran
}

/// A key may have two uploads.
pub async fn one_key_may_have_two_uploads(harness: &Harness) -> Verdict {
    require!(harness, list_uploads);
    let mut ids = vec![begin(harness, "k").await, begin(harness, "k").await];
    assert_ne!(ids[0], ids[1]);
    let mut shown: Vec<_> = harness
        .unfinished()
        .await
        .into_iter()
        .map(|one| one.upload)
        .collect();
    ids.sort();
    shown.sort();
    assert_eq!(shown, ids);
    abort_all(harness).await;
    Verdict::Ran
}

/// Unfinished uploads are listed in pages, even if a page ends between two uploads of one key.
pub async fn unfinished_uploads_are_listed_in_pages(harness: &Harness) -> Verdict {
    require!(harness, list_uploads);
    let mut begun = Vec::new();
    for key in ["a", "b", "b", "b", "c"] {
        begun.push((harness.url(key), begin(harness, key).await));
    }
    let mut request = ListUploads::new(harness.prefix(""));
    request.max_uploads = Some(2);
    let mut shown = Vec::new();
    loop {
        let page = succeeds(harness.store.list_uploads(request.clone()).await);
        assert!(shown.len() < 5, "the listing does not end");
        shown.extend(page.uploads.into_iter().map(|one| (one.url, one.upload)));
        request.after = page.next;
        if request.after.is_none() {
            break;
        }
    }
    begun.sort();
    shown.sort();
    assert_eq!(shown, begun);
    abort_all(harness).await;
    Verdict::Ran
}
