//! Conformance cases of multipart uploads: order and size of parts, completion, rejection and abort.

use bytes::Bytes;
use s3_core::{
    AbortUpload, Attributes, CompleteUpload, CreateUpload, ETag, ErrorKind, GetRequest, PartTag,
    Payload, PutMode, PutResponse, Result, Store, UploadId, UploadPart,
};

use super::assertions::{fails, fails_as_one_of, succeeds};
use super::pages::all_keys;
use super::verdict::require;
use super::{Harness, Verdict};
use crate::{assert_ramp, ramp};

/// Minimum size of a part that is not the last.
pub(super) const PART: usize = 5 << 20;

/// A multipart upload of the key `k`.
pub(super) struct Upload<'a> {
    pub(super) harness: &'a Harness,
    pub(super) id: UploadId,
}

impl<'a> Upload<'a> {
    pub(super) async fn begin(harness: &'a Harness) -> Self {
        Self::begin_with(harness, Attributes::default()).await
    }

    async fn begin_with(harness: &'a Harness, attributes: Attributes) -> Self {
        let request = CreateUpload::new(harness.url("k"), attributes);
        Self {
            harness,
            id: succeeds(harness.store.create_upload(request).await),
        }
    }

    async fn try_part(&self, number: u32, bytes: Bytes) -> Result<PartTag> {
        let (url, id) = (self.harness.url("k"), self.id.clone());
        self.harness
            .store
            .upload_part(UploadPart::new(url, id, number, Payload::from(bytes)))
            .await
    }

    pub(super) async fn part(&self, number: u32, bytes: Bytes) -> PartTag {
        let tag = succeeds(self.try_part(number, bytes).await);
        assert_eq!(tag.number, number);
        tag
    }

    pub(super) async fn complete(&self, parts: &[&PartTag]) -> Result<PutResponse> {
        self.complete_as(parts, PutMode::Overwrite).await
    }

    async fn complete_as(&self, parts: &[&PartTag], mode: PutMode) -> Result<PutResponse> {
        let parts = parts.iter().map(|&part| part.clone()).collect();
        let mut request = CompleteUpload::new(self.harness.url("k"), self.id.clone(), parts);
        request.mode = mode;
        self.harness.store.complete_upload(request).await
    }

    pub(super) async fn try_abort(&self) -> Result<()> {
        self.harness
            .store
            .abort_upload(AbortUpload::new(self.harness.url("k"), self.id.clone()))
            .await
    }

    pub(super) async fn abort(self) {
        succeeds(self.try_abort().await);
    }
}

/// Two parts become one object.
pub async fn two_parts_become_an_object(harness: &Harness) -> Verdict {
    let upload = Upload::begin(harness).await;
    let first = upload.part(1, ramp(0, PART)).await;
    let second = upload.part(2, ramp(PART as u64, 1000)).await;
    let written = succeeds(upload.complete(&[&first, &second]).await);
    let bytes = harness.read("k").await;
    assert_eq!(bytes.len(), PART + 1000);
    assert_ramp(&bytes, 0);
    let head = harness.head("k").await;
    assert_eq!((head.size, head.etag), (bytes.len() as u64, written.etag));
    Verdict::Ran
}

/// An upload of one small part can be completed.
pub async fn one_small_part_is_enough(harness: &Harness) -> Verdict {
    let upload = Upload::begin(harness).await;
    let part = upload.part(1, "small".into()).await;
    succeeds(upload.complete(&[&part]).await);
    assert_eq!(harness.read("k").await, "small");
    Verdict::Ran
}

/// Parts may be uploaded in any order.
pub async fn parts_may_come_in_any_order(harness: &Harness) -> Verdict {
    let upload = Upload::begin(harness).await;
    let third = upload.part(3, ramp(2 * PART as u64, 1)).await;
    let first = upload.part(1, ramp(0, PART)).await;
    let second = upload.part(2, ramp(PART as u64, PART)).await;
    succeeds(upload.complete(&[&first, &second, &third]).await);
    let bytes = harness.read("k").await;
    assert_eq!(bytes.len(), 2 * PART + 1);
    assert_ramp(&bytes, 0);
    Verdict::Ran
}

/// Part numbers may have gaps, and uploaded parts may be omitted from the completion.
pub async fn parts_may_be_left_out(harness: &Harness) -> Verdict {
    let upload = Upload::begin(harness).await;
    let first = upload.part(2, ramp(0, PART)).await;
    upload.part(5, Bytes::from_static(b"left out")).await;
    let last = upload.part(9, ramp(PART as u64, 10)).await;
    succeeds(upload.complete(&[&first, &last]).await);
    let bytes = harness.read("k").await;
    assert_eq!(bytes.len(), PART + 10);
    assert_ramp(&bytes, 0);
    Verdict::Ran
}

/// Uploading a part number again replaces the part.
pub async fn a_part_can_be_replaced(harness: &Harness) -> Verdict {
    let upload = Upload::begin(harness).await;
    let old = upload.part(1, "old".into()).await;
    let new = upload.part(1, "new".into()).await;
    assert_ne!(old.etag, new.etag);
    succeeds(upload.complete(&[&new]).await);
    assert_eq!(harness.read("k").await, "new");
    Verdict::Ran
}

/// A range of the object may span parts.
pub async fn a_range_may_cross_parts(harness: &Harness) -> Verdict {
    let upload = Upload::begin(harness).await;
    let first = upload.part(1, ramp(0, PART)).await;
    let second = upload.part(2, ramp(PART as u64, 1000)).await;
    succeeds(upload.complete(&[&first, &second]).await);
    let start = PART as u64 - 10;
    let request = GetRequest::new(harness.url("k")).with_range(start..start + 20);
    let bytes = succeeds(
        succeeds(harness.store.get(request).await)
            .body
            .collect()
            .await,
    );
    assert_eq!(bytes.len(), 20);
    assert_ramp(&bytes, start);
    Verdict::Ran
}

/// Until it is completed, an upload is neither readable nor listed.
pub async fn an_upload_is_invisible_until_completed(harness: &Harness) -> Verdict {
    let upload = Upload::begin(harness).await;
    let part = upload.part(1, "x".into()).await;
    assert!(!harness.exists("k").await);
    assert!(all_keys(harness, harness.listing("")).await.is_empty());
    succeeds(upload.complete(&[&part]).await);
    assert_eq!(all_keys(harness, harness.listing("")).await, ["k"]);
    Verdict::Ran
}

/// A completion replaces an existing object.
pub async fn completing_replaces_what_is_there(harness: &Harness) -> Verdict {
    harness.put("k", "before").await;
    let upload = Upload::begin(harness).await;
    let part = upload.part(1, "after".into()).await;
    assert_eq!(harness.read("k").await, "before");
    succeeds(upload.complete(&[&part]).await);
    assert_eq!(harness.read("k").await, "after");
    Verdict::Ran
}

/// The attributes given at the beginning are those of the object.
pub async fn an_upload_keeps_its_attributes(harness: &Harness) -> Verdict {
    require!(harness, attributes);
    let mut attributes = Attributes::default();
    attributes.content_type = Some("text/plain".into());
    attributes
        .user
        .insert("name".to_owned(), "value".to_owned());
    let upload = Upload::begin_with(harness, attributes.clone()).await;
    let part = upload.part(1, "x".into()).await;
    succeeds(upload.complete(&[&part]).await);
    let got = harness.head("k").await.attributes;
    assert_eq!(
        (got.content_type, got.user),
        (attributes.content_type, attributes.user)
    );
    Verdict::Ran
}

/// A completion with a wrong ETag of a part is rejected.
pub async fn a_wrong_tag_is_rejected(harness: &Harness) -> Verdict {
    require!(harness, multipart_limits);
    let upload = Upload::begin(harness).await;
    upload.part(1, "x".into()).await;
    let wrong = PartTag::new(1, ETag::new("00000000000000000000000000000000"));
    fails(upload.complete(&[&wrong]).await, ErrorKind::InvalidInput);
    assert!(!harness.exists("k").await);
    upload.abort().await;
    Verdict::Ran
}

/// A completion with a part that was not uploaded is rejected.
pub async fn an_unknown_part_is_rejected(harness: &Harness) -> Verdict {
    require!(harness, multipart_limits);
    let upload = Upload::begin(harness).await;
    let part = upload.part(1, "x".into()).await;
    let unknown = PartTag::new(2, part.etag.clone());
    fails(upload.complete(&[&unknown]).await, ErrorKind::InvalidInput);
    assert!(!harness.exists("k").await);
    upload.abort().await;
    Verdict::Ran
}

/// A completion whose part numbers are not ascending, or occur twice, is rejected.
pub async fn a_wrong_order_is_rejected(harness: &Harness) -> Verdict {
    require!(harness, multipart_limits);
    let upload = Upload::begin(harness).await;
    let first = upload.part(1, ramp(0, PART)).await;
    let second = upload.part(2, ramp(0, PART)).await;
    fails(
        upload.complete(&[&second, &first]).await,
        ErrorKind::InvalidInput,
    );
    fails(
        upload.complete(&[&first, &first]).await,
        ErrorKind::InvalidInput,
    );
    assert!(!harness.exists("k").await);
    upload.abort().await;
    Verdict::Ran
}

/// A completion with a part below 5 MiB that is not the last is rejected.
pub async fn a_small_part_that_is_not_the_last_is_rejected(harness: &Harness) -> Verdict {
    require!(harness, multipart_limits);
    let upload = Upload::begin(harness).await;
    let first = upload.part(1, ramp(0, PART - 1)).await;
    let second = upload.part(2, ramp(0, 1)).await;
    fails(
        upload.complete(&[&first, &second]).await,
        ErrorKind::InvalidInput,
    );
    assert!(!harness.exists("k").await);
    upload.abort().await;
    Verdict::Ran
}

/// A completion without parts is rejected.
pub async fn an_upload_without_parts_is_rejected(harness: &Harness) -> Verdict {
    require!(harness, multipart_limits);
    let upload = Upload::begin(harness).await;
    fails(upload.complete(&[]).await, ErrorKind::InvalidInput);
    assert!(!harness.exists("k").await);
    upload.abort().await;
    Verdict::Ran
}

/// A rejected completion does not change the upload, so that it can still be completed.
pub async fn a_rejected_upload_can_still_be_completed(harness: &Harness) -> Verdict {
    require!(harness, multipart_limits);
    let upload = Upload::begin(harness).await;
    let part = upload.part(1, "x".into()).await;
    let wrong = PartTag::new(1, ETag::new("00000000000000000000000000000000"));
    fails(upload.complete(&[&wrong]).await, ErrorKind::InvalidInput);
    succeeds(upload.complete(&[&part]).await);
    assert_eq!(harness.read("k").await, "x");
    Verdict::Ran
}

/// Parts are numbered from 1 to 10,000.
pub async fn a_part_number_out_of_bounds_is_rejected(harness: &Harness) -> Verdict {
    require!(harness, multipart_limits);
    let upload = Upload::begin(harness).await;
    fails(
        upload.try_part(0, "x".into()).await,
        ErrorKind::InvalidInput,
    );
    fails(
        upload.try_part(10_001, "x".into()).await,
        ErrorKind::InvalidInput,
    );
    upload.part(10_000, "x".into()).await;
    upload.abort().await;
    Verdict::Ran
}

/// An aborted upload no longer exists, and its ID is unknown.
pub async fn an_aborted_upload_is_gone(harness: &Harness) -> Verdict {
    let upload = Upload::begin(harness).await;
    let part = upload.part(1, "x".into()).await;
    succeeds(upload.try_abort().await);
    assert!(!harness.exists("k").await);
    fails(
        upload.try_part(2, "y".into()).await,
        ErrorKind::NoSuchUpload,
    );
    fails(upload.complete(&[&part]).await, ErrorKind::NoSuchUpload);
    fails(upload.try_abort().await, ErrorKind::NoSuchUpload);
    Verdict::Ran
}

/// A completed upload accepts no more parts.
pub async fn a_completed_upload_takes_no_more_parts(harness: &Harness) -> Verdict {
    let upload = Upload::begin(harness).await;
    let part = upload.part(1, "x".into()).await;
    succeeds(upload.complete(&[&part]).await);
    fails(
        upload.try_part(2, "y".into()).await,
        ErrorKind::NoSuchUpload,
    );
    assert_eq!(harness.read("k").await, "x");
    Verdict::Ran
}

/// An upload ID is valid for its own key only.
pub async fn an_upload_belongs_to_its_key(harness: &Harness) -> Verdict {
    require!(harness, list_uploads);
    let upload = Upload::begin(harness).await;
    let elsewhere = UploadPart::new(
        harness.url("other"),
        upload.id.clone(),
        1,
        Payload::from("x"),
    );
    fails(
        harness.store.upload_part(elsewhere).await,
        ErrorKind::NoSuchUpload,
    );
    upload.abort().await;
    Verdict::Ran
}

/// A completion with `If-None-Match: *` creates a new object.
pub async fn completing_if_absent_makes_a_new_object(harness: &Harness) -> Verdict {
    require!(harness, complete_conditions);
    let upload = Upload::begin(harness).await;
    let part = upload.part(1, "x".into()).await;
    succeeds(upload.complete_as(&[&part], PutMode::IfAbsent).await);
    assert_eq!(harness.read("k").await, "x");
    Verdict::Ran
}

/// A completion with `If-None-Match: *` does not change an existing object.
pub async fn completing_if_absent_leaves_an_object_alone(harness: &Harness) -> Verdict {
    require!(harness, complete_conditions);
    let upload = Upload::begin(harness).await;
    let part = upload.part(1, "late".into()).await;
    harness.put("k", "first").await;
    let outcome = upload.complete_as(&[&part], PutMode::IfAbsent).await;
    fails(outcome, ErrorKind::PreconditionFailed);
    assert_eq!(harness.read("k").await, "first");
    // Some servers keep the upload, some drop it; in both cases no upload may be left.
    if let Err(error) = upload.try_abort().await {
        fails_as_one_of(Err::<(), _>(error), &[ErrorKind::NoSuchUpload]);
    }
    Verdict::Ran
}

/// A completion with `If-Match` replaces the version with that ETag.
pub async fn completing_if_match_replaces_the_version_it_knows(harness: &Harness) -> Verdict {
    require!(harness, complete_conditions, put_if_match);
    let tag = harness
        .put("k", "first")
        .await
        .etag
        .expect("a write says the tag");
    let upload = Upload::begin(harness).await;
    let part = upload.part(1, "second".into()).await;
    succeeds(
        upload
            .complete_as(&[&part], PutMode::IfMatch(tag.clone()))
            .await,
    );
    assert_eq!(harness.read("k").await, "second");
    let upload = Upload::begin(harness).await;
    let part = upload.part(1, "third".into()).await;
    let outcome = upload.complete_as(&[&part], PutMode::IfMatch(tag)).await;
    fails(outcome, ErrorKind::PreconditionFailed);
    assert_eq!(harness.read("k").await, "second");
    if let Err(error) = upload.try_abort().await {
        fails_as_one_of(Err::<(), _>(error), &[ErrorKind::NoSuchUpload]);
    }
    Verdict::Ran
}
