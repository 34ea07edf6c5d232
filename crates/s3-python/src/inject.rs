//! [`InjectFailures`]: a store whose reads and writes fail at a given rate, for Metaflow's `inject_failure_rate`.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use s3_core::{
    AbortUpload, BucketInfo, BucketRequest, Capabilities, CompleteUpload, CopyRequest,
    CreateUpload, DeleteRequest, DeleteResponse, Error, ErrorKind, GetObjectAttributes, GetRequest,
    GetResponse, GetTags, HeadRequest, ListPage, ListParts, ListRequest, ListUploads, ListVersions,
    ObjectAttributes, ObjectMeta, Operation, PartTag, PartsPage, PresignRequest, PutRequest,
    PutResponse, RestoreRequest, Result, SetTags, SetVersioning, Store, Tags, UploadId, UploadPart,
    UploadPartCopy, UploadsPage, Versioning, VersionsPage,
};

/// Reads and writes fail before they are sent. As in Metaflow, each failure of a request changes the probability for
/// its next attempt: to a third, then to one and a half times that, then to a third again, and so on. From 100 percent
/// on, every attempt fails. Listings do not fail.
#[derive(Clone, Debug)]
pub(crate) struct InjectFailures<S> {
    store: S,
    percent: u32,
    /// Number of consecutive failures of each request.
    failed: Arc<Mutex<HashMap<String, u32>>>,
}

impl<S: Store> InjectFailures<S> {
    pub(crate) fn new(store: S, percent: u32) -> Self {
        Self {
            store,
            percent,
            failed: Arc::default(),
        }
    }

    fn rate(&self, attempt: u32) -> u32 {
        if self.percent >= 100 {
            return 100;
        }
        let first = self.percent.min(90);
        (0..attempt).fold(first, |rate, round| match round % 2 {
            0 => rate / 3,
            _ => (rate * 3 / 2).min(90),
        })
    }

    /// Returns an injected failure, or `Ok` if the request is to be sent.
    fn strike(&self, operation: Operation, url: &str, part: impl std::fmt::Display) -> Result<()> {
        let request = format!("{operation} {url} {part}");
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let attempt = failed.get(&request).copied().unwrap_or(0);
        if fastrand::u32(0..100) >= self.rate(attempt) {
            failed.remove(&request);
            return Ok(());
        }
        failed.insert(request, attempt + 1);
        Err(Error::new(ErrorKind::Server, operation)
            .with_resource(url)
            .with_message("failure injected by inject_failure_rate"))
    }
}

macro_rules! forward {
    ($($name:ident($request:ty) -> $response:ty $(, $operation:ident by $url:ident $(and $part:expr)?)?;)*) => {$(
        async fn $name(&self, request: $request) -> Result<$response> {
            $(
                let part = String::new() $(+ &($part)(&request))?;
                self.strike(Operation::$operation, request.$url.as_str(), part)?;
            )?
            self.store.$name(request).await
        }
    )*};
}

impl<S: Store> Store for InjectFailures<S> {
    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    fn list_buckets(&self) -> impl Future<Output = Result<Vec<BucketInfo>>> + Send {
        self.store.list_buckets()
    }

    forward! {
        get(GetRequest) -> GetResponse, Get by url and |request: &GetRequest| format!("{:?}", request.range);
        head(HeadRequest) -> ObjectMeta, Head by url;
        put(PutRequest) -> PutResponse, Put by url;
        copy(CopyRequest) -> PutResponse, Copy by to;
        delete(DeleteRequest) -> DeleteResponse;
        list_page(ListRequest) -> ListPage;
        create_upload(CreateUpload) -> UploadId, CreateUpload by url;
        upload_part(UploadPart) -> PartTag, UploadPart by url and |request: &UploadPart| request.number.to_string();
        upload_part_copy(UploadPartCopy) -> PartTag;
        complete_upload(CompleteUpload) -> PutResponse;
        abort_upload(AbortUpload) -> ();
        list_uploads(ListUploads) -> UploadsPage;
        list_parts(ListParts) -> PartsPage;
        create_bucket(BucketRequest) -> ();
        delete_bucket(BucketRequest) -> ();
        list_versions(ListVersions) -> VersionsPage;
        get_tags(GetTags) -> Tags;
        set_tags(SetTags) -> ();
        object_attributes(GetObjectAttributes) -> ObjectAttributes;
        restore(RestoreRequest) -> ();
        versioning(BucketRequest) -> Option<Versioning>;
        set_versioning(SetVersioning) -> ();
        presign(PresignRequest) -> String;
    }
}
