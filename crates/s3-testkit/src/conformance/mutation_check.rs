//! Mutation check of the conformance suite: runs cases on stores with one fault each and asserts that they fail.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use s3_core::{
    AbortUpload, BucketInfo, BucketRequest, Capabilities, CompleteUpload, CopyRequest,
    CreateUpload, DeleteRequest, DeleteResponse, ErrorKind, GetObjectAttributes, GetRequest,
    GetResponse, GetTags, HeadRequest, ListPage, ListParts, ListRequest, ListUploads, ListVersions,
    MemoryStore, ObjectAttributes, ObjectMeta, PartTag, PartsPage, PresignRequest, PutMode,
    PutRequest, PutResponse, RestoreRequest, Result, S3Url, SetTags, SetVersioning, Store, Tags,
    UploadId, UploadPart, UploadPartCopy, UploadsPage, Versioning, VersionsPage,
};

use super::{
    Harness, Verdict, conditional, copy_delete, get, keys, list, multipart, put, rollup, run,
};

/// The fault of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    CollapsesSlashes,
    ForgetsToAbort,
    ForgetsToDelete,
    IgnoresConditionsOfReads,
    IgnoresConditionsOfWrites,
    IgnoresConditionsOfCopies,
    IgnoresConditionsOfDeletes,
    ListsNoChecksums,
    LosesParts,
    RestoresNothing,
    ListsBackwards,
    LosesContentLanguage,
    LosesMetadata,
    LosesStorageClass,
    MergesTags,
    ForgetsVersionMarker,
    IgnoresRangeAfterEnd,
    RepeatsThePage,
    ShiftsRanges,
    TakesPartsInAnyOrder,
}

#[derive(Debug)]
struct Faulty {
    inner: MemoryStore,
    fault: Fault,
}

impl Faulty {
    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn key(&self, url: S3Url) -> S3Url {
        if !self.has(Fault::CollapsesSlashes) {
            return url;
        }
        S3Url::from_parts(url.bucket(), &url.key().replace("//", "/")).expect("it is not empty")
    }
}

/// Forwards store methods to the inner store.
macro_rules! forward {
    ($($name:ident($request:ty) -> $response:ty;)*) => {
        $(async fn $name(&self, request: $request) -> Result<$response> {
            self.inner.$name(request).await
        })*
    };
}

impl Store for Faulty {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn get(&self, mut request: GetRequest) -> Result<GetResponse> {
        request.url = self.key(request.url);
        if self.has(Fault::IgnoresConditionsOfReads) {
            request.conditions = s3_core::Conditions::default();
        }
        let shift = u64::from(self.has(Fault::ShiftsRanges));
        if let Some(s3_core::ByteRange::Bounded(range)) = &mut request.range {
            *range = range.start + shift..range.end + shift;
        }
        match self.inner.get(request.clone()).await {
            Err(error)
                if error.kind() == ErrorKind::InvalidRange
                    && self.has(Fault::IgnoresRangeAfterEnd) =>
            {
                self.inner.get(GetRequest::new(request.url)).await
            }
            Ok(mut response) => {
                response.range = response.range.start - shift..response.range.end - shift;
                Ok(response)
            }
            outcome @ Err(_) => outcome,
        }
    }

    async fn head(&self, mut request: HeadRequest) -> Result<ObjectMeta> {
        request.url = self.key(request.url);
        self.inner.head(request).await
    }

    async fn put(&self, mut request: PutRequest) -> Result<PutResponse> {
        request.url = self.key(request.url);
        if self.has(Fault::IgnoresConditionsOfWrites) {
            request.mode = PutMode::Overwrite;
        }
        if self.has(Fault::LosesMetadata) {
            request.attributes.user.clear();
        }
        if self.has(Fault::LosesContentLanguage) {
            request.attributes.content_language = None;
        }
        if self.has(Fault::LosesStorageClass) {
            request.attributes.storage_class = None;
        }
        self.inner.put(request).await
    }

    async fn delete(&self, mut request: DeleteRequest) -> Result<DeleteResponse> {
        if self.has(Fault::ForgetsToDelete) {
            return Ok(DeleteResponse::default());
        }
        if self.has(Fault::IgnoresConditionsOfDeletes) {
            request.if_match.clear();
        }
        self.inner.delete(request).await
    }

    async fn list_page(&self, mut request: ListRequest) -> Result<ListPage> {
        if self.has(Fault::RepeatsThePage) && request.max_keys.is_some() {
            // Continues after the second-to-last key.
            request.start_after = request.continuation.take();
        }
        let repeats = self.has(Fault::RepeatsThePage);
        let mut page = self.inner.list_page(request).await?;
        if self.has(Fault::ListsBackwards) {
            page.objects.reverse();
        }
        if self.has(Fault::ListsNoChecksums) {
            for object in &mut page.objects {
                object.checksum_type = None;
            }
        }
        if repeats && page.next.is_some() {
            page.next = page
                .objects
                .first()
                .map(|object| Arc::from(object.url.key()));
        }
        Ok(page)
    }

    async fn complete_upload(&self, mut request: CompleteUpload) -> Result<PutResponse> {
        if self.has(Fault::TakesPartsInAnyOrder) {
            request.parts.sort_by_key(|part| part.number);
            request.parts.dedup();
        }
        self.inner.complete_upload(request).await
    }

    async fn abort_upload(&self, request: AbortUpload) -> Result<()> {
        if self.has(Fault::ForgetsToAbort) {
            return Ok(());
        }
        self.inner.abort_upload(request).await
    }

    async fn list_versions(&self, mut request: ListVersions) -> Result<VersionsPage> {
        if self.has(Fault::ForgetsVersionMarker)
            && let Some((_, version)) = &mut request.after
        {
            *version = None;
        }
        self.inner.list_versions(request).await
    }

    async fn set_tags(&self, mut request: SetTags) -> Result<()> {
        if self.has(Fault::MergesTags) {
            let get = GetTags::new(request.url.clone());
            request.tags.extend(self.inner.get_tags(get).await?);
        }
        self.inner.set_tags(request).await
    }

    async fn copy(&self, mut request: CopyRequest) -> Result<PutResponse> {
        if self.has(Fault::IgnoresConditionsOfCopies) {
            request.source_conditions.if_modified_since = None;
        }
        self.inner.copy(request).await
    }

    async fn object_attributes(&self, request: GetObjectAttributes) -> Result<ObjectAttributes> {
        let mut attributes = self.inner.object_attributes(request).await?;
        if self.has(Fault::LosesParts) {
            attributes.parts.pop();
        }
        Ok(attributes)
    }

    async fn restore(&self, request: RestoreRequest) -> Result<()> {
        match self.has(Fault::RestoresNothing) {
            true => Ok(()),
            false => self.inner.restore(request).await,
        }
    }

    async fn list_buckets(&self) -> Result<Vec<BucketInfo>> {
        self.inner.list_buckets().await
    }

    forward! {
        create_upload(CreateUpload) -> UploadId;
        upload_part(UploadPart) -> PartTag;
        upload_part_copy(UploadPartCopy) -> PartTag;
        list_uploads(ListUploads) -> UploadsPage;
        list_parts(ListParts) -> PartsPage;
        create_bucket(BucketRequest) -> ();
        delete_bucket(BucketRequest) -> ();
        get_tags(GetTags) -> Tags;
        versioning(BucketRequest) -> Option<Versioning>;
        set_versioning(SetVersioning) -> ();
        presign(PresignRequest) -> String;
    }
}

/// Asserts that the case fails on a store with the fault and passes on one without it.
#[expect(clippy::future_not_send, reason = "a test drives it on its own thread")]
async fn notices(fault: Fault, case: impl AsyncFn(&Harness) -> Verdict) {
    let memory = || MemoryStore::with_buckets(["bucket"]);
    run(
        "case",
        async { Harness::new(memory(), "bucket") },
        async |harness| case(harness).await,
    )
    .await;
    let faulty = async {
        Harness::new(
            Faulty {
                inner: memory(),
                fault,
            },
            "bucket",
        )
    };
    let outcome = run("case", faulty, async |harness| case(harness).await);
    assert!(
        AssertUnwindSafe(outcome).catch_unwind().await.is_err(),
        "the case passes with {fault:?}"
    );
}

#[tokio::test]
async fn faults_of_reads_are_noticed() {
    notices(Fault::ShiftsRanges, get::a_bounded_range_gives_those_bytes).await;
    notices(
        Fault::IgnoresRangeAfterEnd,
        get::a_range_behind_the_end_is_rejected,
    )
    .await;
    notices(
        Fault::IgnoresConditionsOfReads,
        conditional::if_match_pins_a_range,
    )
    .await;
    notices(
        Fault::LosesContentLanguage,
        super::attributes::other_headers_come_back,
    )
    .await;
    notices(
        Fault::LosesStorageClass,
        super::attributes::a_storage_class_comes_back,
    )
    .await;
    notices(
        Fault::LosesMetadata,
        super::attributes::user_metadata_comes_back,
    )
    .await;
}

#[tokio::test]
async fn faults_of_writes_are_noticed() {
    notices(
        Fault::IgnoresConditionsOfWrites,
        put::put_if_absent_has_one_winner,
    )
    .await;
    notices(
        Fault::IgnoresConditionsOfWrites,
        put::put_if_match_leaves_another_version_alone,
    )
    .await;
    notices(Fault::CollapsesSlashes, keys::double_slash).await;
    notices(
        Fault::ForgetsToDelete,
        copy_delete::a_deleted_object_is_gone,
    )
    .await;
}

#[tokio::test]
async fn faults_of_listings_are_noticed() {
    notices(Fault::ListsBackwards, list::keys_come_in_byte_order).await;
    notices(Fault::RepeatsThePage, list::pages_of_two_keys).await;
    notices(
        Fault::RepeatsThePage,
        rollup::a_prefix_is_shown_once_across_pages,
    )
    .await;
}

#[tokio::test]
async fn faults_of_versions_and_tags_are_noticed() {
    let pages = super::versions::versions_are_listed_in_pages;
    notices(Fault::ForgetsVersionMarker, pages).await;
    notices(Fault::MergesTags, super::tags::tags_are_replaced_as_a_whole).await;
}

#[tokio::test]
async fn faults_of_conditions_archives_and_checksums_are_noticed() {
    notices(
        Fault::IgnoresConditionsOfCopies,
        conditional::a_copy_takes_conditions_on_its_source,
    )
    .await;
    notices(
        Fault::IgnoresConditionsOfDeletes,
        conditional::a_delete_may_insist_on_its_object,
    )
    .await;
    notices(
        Fault::LosesStorageClass,
        super::restore::an_archived_object_is_not_read,
    )
    .await;
    notices(
        Fault::RestoresNothing,
        super::restore::a_restored_object_is_read,
    )
    .await;
    notices(
        Fault::LosesParts,
        super::object_attributes::parts_are_listed_in_pages,
    )
    .await;
    notices(
        Fault::ListsNoChecksums,
        super::checksums::a_write_has_the_checksum_that_it_names,
    )
    .await;
}

#[tokio::test]
async fn faults_of_uploads_are_noticed() {
    notices(
        Fault::TakesPartsInAnyOrder,
        multipart::a_wrong_order_is_rejected,
    )
    .await;
    notices(Fault::ForgetsToAbort, multipart::a_wrong_tag_is_rejected).await;
}

#[tokio::test]
async fn a_listed_failure_that_passes_is_noticed() {
    let listed = |failures: &'static [_]| async move {
        Harness::new(MemoryStore::with_buckets(["bucket"]), "bucket").failing(failures)
    };
    let case = get::one_byte_comes_back;
    let stale = run(
        "get::one_byte_comes_back",
        listed(&[("get::one_byte_comes_back", "why")]),
        case,
    );
    assert!(AssertUnwindSafe(stale).catch_unwind().await.is_err());
    let failing = async |_: &Harness| -> Verdict { panic!("this case fails") };
    run("get::fails", listed(&[("get::fails", "why")]), failing).await;
}
