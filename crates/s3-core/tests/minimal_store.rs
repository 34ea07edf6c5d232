//! A backend outside of this repository: it implements the required methods of `Store` and nothing else.

use std::future::Future;
use std::time::Duration;

use futures_util::FutureExt;
use s3_core::{
    AbortUpload, Attributes, BucketRequest, Capabilities, CompleteUpload, CopyRequest,
    CreateUpload, DeleteRequest, DeleteResponse, ErrorKind, GetRequest, GetResponse, HeadRequest,
    ListPage, ListParts, ListRequest, ListUploads, MemoryStore, ObjectMeta, Operation, PartTag,
    PresignMethod, PresignRequest, PutRequest, PutResponse, Result, S3Prefix, S3Url, SharedStore,
    Store, StoreExt, UploadId, UploadPart, UploadPartCopy,
};

#[derive(Debug)]
struct MinimalStore(MemoryStore);

impl Store for MinimalStore {
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    async fn get(&self, request: GetRequest) -> Result<GetResponse> {
        self.0.get(request).await
    }

    async fn head(&self, request: HeadRequest) -> Result<ObjectMeta> {
        self.0.head(request).await
    }

    async fn put(&self, request: PutRequest) -> Result<PutResponse> {
        self.0.put(request).await
    }

    async fn delete(&self, request: DeleteRequest) -> Result<DeleteResponse> {
        self.0.delete(request).await
    }

    async fn list_page(&self, request: ListRequest) -> Result<ListPage> {
        self.0.list_page(request).await
    }
}

fn url() -> S3Url {
    S3Url::parse("s3://b/k").expect("the URL is valid")
}

fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("the store never waits")
}

/// Asserts that `call` fails because the store does not implement `operation`.
fn assert_unsupported<T>(
    operation: Operation,
    resource: Option<&str>,
    call: impl Future<Output = Result<T>>,
) {
    let error = now(call).err().expect("the operation is not implemented");
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{operation}");
    assert_eq!(
        (error.operation(), error.resource()),
        (operation, resource),
        "{operation}"
    );
    assert!(!error.retryability().is_retryable(), "{operation}");
    let on = resource.map_or(String::new(), |resource| format!(" {resource}"));
    assert_eq!(
        error.to_string(),
        format!("{operation}{on}: not supported: this store does not implement {operation}")
    );
}

#[test]
fn the_required_methods_are_enough_to_read_write_delete_and_list() {
    let store = SharedStore::new(MinimalStore(MemoryStore::with_buckets(["b"])));
    now(store.put_bytes(url(), "purr")).unwrap();
    assert_eq!(now(store.get_bytes(url())).unwrap(), "purr");
    let all = ListRequest::new(S3Prefix::parse("s3://b/").unwrap());
    assert_eq!(now(store.list_page(all)).unwrap().objects.len(), 1);
    now(store.delete(DeleteRequest::new("b", vec![url()]))).unwrap();
    assert!(!now(store.exists(url())).unwrap());
}

#[test]
fn every_other_operation_fails_as_unsupported_and_names_itself() {
    let memory = MemoryStore::with_buckets(["b"]);
    let store = MinimalStore(memory.clone());
    let key = Some("s3://b/k");
    let upload = || UploadId::new("1");
    let create = CreateUpload::new(url(), Attributes::default());
    let part = UploadPart::new(url(), upload(), 1, "purr".into());
    let part_copy = UploadPartCopy::new(url(), upload(), 1, url());
    let parts = vec![PartTag::new(1, s3_core::ETag::new("1"))];
    let complete = CompleteUpload::new(url(), upload(), parts);
    let prefix = S3Prefix::parse("s3://b/").unwrap();
    let presign = PresignRequest::new(url(), PresignMethod::Get, Duration::from_secs(1));

    assert_unsupported(
        Operation::Copy,
        key,
        store.copy(CopyRequest::new(url(), url())),
    );
    assert_unsupported(Operation::CreateUpload, key, store.create_upload(create));
    assert_unsupported(Operation::UploadPart, key, store.upload_part(part));
    assert_unsupported(
        Operation::UploadPartCopy,
        key,
        store.upload_part_copy(part_copy),
    );
    assert_unsupported(
        Operation::CompleteUpload,
        key,
        store.complete_upload(complete),
    );
    let abort = AbortUpload::new(url(), upload());
    assert_unsupported(Operation::AbortUpload, key, store.abort_upload(abort));
    let uploads = store.list_uploads(ListUploads::new(prefix));
    assert_unsupported(Operation::ListUploads, Some("s3://b/"), uploads);
    let parts = store.list_parts(ListParts::new(url(), upload()));
    assert_unsupported(Operation::ListParts, key, parts);
    assert_unsupported(Operation::ListBuckets, None, store.list_buckets());
    let bucket = || BucketRequest::new("c");
    assert_unsupported(
        Operation::CreateBucket,
        Some("c"),
        store.create_bucket(bucket()),
    );
    assert_unsupported(
        Operation::DeleteBucket,
        Some("c"),
        store.delete_bucket(bucket()),
    );
    assert_unsupported(Operation::Presign, key, store.presign(presign));
    assert_eq!(
        memory.operations().total(),
        0,
        "nothing reaches the backend"
    );
}
