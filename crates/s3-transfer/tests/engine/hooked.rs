//! A store whose answers to get and delete and whose capabilities a test chooses: what no fault of the plan can do.

use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};

use s3_core::{
    AbortUpload, BucketInfo, BucketRequest, Capabilities, CompleteUpload, CopyRequest,
    CreateUpload, DeleteRequest, DeleteResponse, Error, GetRequest, GetResponse, HeadRequest,
    ListPage, ListParts, ListRequest, ListUploads, MemoryStore, ObjectMeta, Operation, PartTag,
    PartsPage, PresignRequest, PutRequest, PutResponse, Result, S3Url, Store, UploadId, UploadPart,
    UploadPartCopy, UploadsPage,
};

/// Turns the answer to the get with this number, from 0, into another.
type OnGet = fn(usize, GetResponse) -> GetResponse;

pub(crate) struct Hooked {
    pub(crate) memory: MemoryStore,
    pub(crate) capabilities: Capabilities,
    pub(crate) on_get: OnGet,
    /// Whether gets are carried out without their range, as servers do that do not know ranges.
    pub(crate) ignores_ranges: bool,
    /// What deletes answer for these keys: codes of S3.
    pub(crate) undeletable: &'static [(&'static str, &'static str)],
    gets: AtomicUsize,
}

impl Hooked {
    pub(crate) fn new(memory: MemoryStore, on_get: OnGet) -> Self {
        Self {
            memory,
            capabilities: Capabilities::aws(),
            on_get,
            ignores_ranges: false,
            undeletable: &[],
            gets: AtomicUsize::new(0),
        }
    }
}

impl fmt::Debug for Hooked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hooked")
    }
}

macro_rules! forward {
    ($($name:ident($($argument:ident: $request:ty)?) -> $answer:ty;)*) => {
        $(fn $name(
            &self $(, $argument: $request)?
        ) -> impl Future<Output = Result<$answer>> + Send {
            self.memory.$name($($argument)?)
        })*
    };
}

impl Store for Hooked {
    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn get(&self, mut request: GetRequest) -> Result<GetResponse> {
        let number = self.gets.fetch_add(1, Ordering::SeqCst);
        if self.ignores_ranges {
            request.range = None;
        }
        Ok((self.on_get)(number, self.memory.get(request).await?))
    }

    async fn delete(&self, request: DeleteRequest) -> Result<DeleteResponse> {
        let code = |url: &S3Url| {
            let found = self.undeletable.iter().find(|(key, _)| *key == url.key());
            found.map(|(_, code)| *code)
        };
        let failures = request.urls.iter().enumerate().filter_map(|(index, url)| {
            let error = Error::from_answer(Operation::Delete, 200, Some(code(url)?));
            Some((index, error.with_place(url)))
        });
        Ok(DeleteResponse::new(failures.collect()))
    }

    forward! {
        head(request: HeadRequest) -> ObjectMeta;
        put(request: PutRequest) -> PutResponse;
        copy(request: CopyRequest) -> PutResponse;
        list_page(request: ListRequest) -> ListPage;
        create_upload(request: CreateUpload) -> UploadId;
        upload_part(request: UploadPart) -> PartTag;
        upload_part_copy(request: UploadPartCopy) -> PartTag;
        complete_upload(request: CompleteUpload) -> PutResponse;
        abort_upload(request: AbortUpload) -> ();
        list_uploads(request: ListUploads) -> UploadsPage;
        list_parts(request: ListParts) -> PartsPage;
        list_buckets() -> Vec<BucketInfo>;
        create_bucket(request: BucketRequest) -> ();
        delete_bucket(request: BucketRequest) -> ();
        presign(request: PresignRequest) -> String;
    }
}
