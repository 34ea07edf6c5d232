//! The contract of a backend.

use std::fmt;
use std::future::Future;

use bytes::Bytes;
use s3_url::S3Url;

use crate::{
    AbortUpload, BucketInfo, BucketRequest, Capabilities, CompleteUpload, CopyRequest,
    CreateUpload, DeleteRequest, DeleteResponse, ErrorKind, GetRequest, GetResponse, HeadRequest,
    ListPage, ListParts, ListRequest, ListUploads, ObjectMeta, PartTag, PartsPage, Payload,
    PresignRequest, PutRequest, PutResponse, Result, UploadId, UploadPart, UploadPartCopy,
    UploadsPage,
};

/// Object storage: one method per operation of S3, one attempt per call.
///
/// Implementers write plain `async fn`s. There are no defaults, so that a decorator which forgets a method does
/// not compile. Callers that do not care which backend they talk to hold a [`SharedStore`](crate::SharedStore).
///
/// # Contract
///
/// * Keys are opaque bytes: what goes in comes out, in answers, listings and errors.
/// * A call is one attempt. Whoever retries does so above, by the error's [`retryability`](crate::Error::retryability).
/// * Dropping a future cancels the request; it may have taken effect all the same.
/// * The suite in `s3-testkit` holds one case per rule; every backend passes it, within its
///   [`Capabilities`].
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Returns what the backend can do beyond the common ground.
    fn capabilities(&self) -> Capabilities;

    /// Reads an object or a range of it. The body is read after the call has returned.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::{GetRequest, MemoryStore, S3Url, Store, StoreExt};
    ///
    /// # futures_util::future::FutureExt::now_or_never(async {
    /// let store = MemoryStore::with_buckets(["photos"]);
    /// let url = S3Url::parse("s3://photos/cat.txt")?;
    /// store.put_bytes(url.clone(), "hiss and purr").await?;
    /// let answer = store.get(GetRequest::new(url).with_range(9..13)).await?;
    /// assert_eq!((answer.range, answer.meta.size), (9..13, 13));
    /// assert_eq!(answer.body.collect().await?, "purr");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).expect("the memory store never waits").unwrap();
    /// ```
    fn get(&self, request: GetRequest) -> impl Future<Output = Result<GetResponse>> + Send;

    /// Reads an object's description.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::{HeadRequest, MemoryStore, S3Url, Store, StoreExt};
    ///
    /// # futures_util::future::FutureExt::now_or_never(async {
    /// let store = MemoryStore::with_buckets(["photos"]);
    /// let url = S3Url::parse("s3://photos/cat.txt")?;
    /// store.put_bytes(url.clone(), "purr").await?;
    /// let meta = store.head(HeadRequest::new(url)).await?;
    /// assert_eq!(meta.size, 4);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).expect("the memory store never waits").unwrap();
    /// ```
    fn head(&self, request: HeadRequest) -> impl Future<Output = Result<ObjectMeta>> + Send;

    /// Writes an object.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::{ErrorKind, MemoryStore, PutMode, PutRequest, S3Url, Store};
    ///
    /// # futures_util::future::FutureExt::now_or_never(async {
    /// let store = MemoryStore::with_buckets(["photos"]);
    /// let url = S3Url::parse("s3://photos/cat.txt")?;
    /// let request = PutRequest::new(url, "purr".into()).with_mode(PutMode::IfAbsent);
    /// store.put(request.clone()).await?;
    /// let error = store.put(request).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).expect("the memory store never waits").unwrap();
    /// ```
    fn put(&self, request: PutRequest) -> impl Future<Output = Result<PutResponse>> + Send;

    /// Copies an object of at most 5 GiB.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::{CopyRequest, MemoryStore, S3Url, Store, StoreExt};
    ///
    /// # futures_util::future::FutureExt::now_or_never(async {
    /// let store = MemoryStore::with_buckets(["photos", "backup"]);
    /// let from = S3Url::parse("s3://photos/cat.txt")?;
    /// let to = S3Url::parse("s3://backup/cat.txt")?;
    /// store.put_bytes(from.clone(), "purr").await?;
    /// store.copy(CopyRequest::new(from, to.clone())).await?;
    /// assert_eq!(store.get_bytes(to).await?, "purr");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).expect("the memory store never waits").unwrap();
    /// ```
    fn copy(&self, request: CopyRequest) -> impl Future<Output = Result<PutResponse>> + Send;

    /// Deletes up to 1,000 objects of one bucket.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::{DeleteRequest, MemoryStore, S3Url, Store, StoreExt};
    ///
    /// # futures_util::future::FutureExt::now_or_never(async {
    /// let store = MemoryStore::with_buckets(["photos"]);
    /// let url = S3Url::parse("s3://photos/cat.txt")?;
    /// store.put_bytes(url.clone(), "purr").await?;
    /// let answer = store.delete(DeleteRequest::new("photos", vec![url])).await?;
    /// assert!(answer.failures.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).expect("the memory store never waits").unwrap();
    /// ```
    fn delete(&self, request: DeleteRequest)
    -> impl Future<Output = Result<DeleteResponse>> + Send;

    /// Lists one page of keys.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::{ListRequest, MemoryStore, S3Prefix, S3Url, Store, StoreExt};
    ///
    /// # futures_util::future::FutureExt::now_or_never(async {
    /// let store = MemoryStore::with_buckets(["photos"]);
    /// for key in ["cat.txt", "dog.txt"] {
    ///     store.put_bytes(S3Url::from_parts("photos", key)?, "").await?;
    /// }
    /// let request = ListRequest::new(S3Prefix::parse("s3://photos/")?).with_max_keys(1);
    /// let first = store.list_page(request.clone()).await?;
    /// let token = first.next.expect("there is a second page");
    /// let second = store.list_page(request.with_continuation(token)).await?;
    /// assert_eq!(second.objects[0].url.key(), "dog.txt");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).expect("the memory store never waits").unwrap();
    /// ```
    fn list_page(&self, request: ListRequest) -> impl Future<Output = Result<ListPage>> + Send;

    /// Begins an upload in parts.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::{Attributes, CompleteUpload, CreateUpload, UploadPart};
    /// use s3_core::{MemoryStore, S3Url, Store, StoreExt};
    ///
    /// # futures_util::future::FutureExt::now_or_never(async {
    /// let store = MemoryStore::with_buckets(["photos"]);
    /// let url = S3Url::parse("s3://photos/cat.txt")?;
    /// let upload = store.create_upload(CreateUpload::new(url.clone(), Attributes::default())).await?;
    /// let part = UploadPart::new(url.clone(), upload.clone(), 1, "purr".into());
    /// let tag = store.upload_part(part).await?;
    /// store.complete_upload(CompleteUpload::new(url.clone(), upload, vec![tag])).await?;
    /// assert_eq!(store.get_bytes(url).await?, "purr");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).expect("the memory store never waits").unwrap();
    /// ```
    fn create_upload(&self, request: CreateUpload)
    -> impl Future<Output = Result<UploadId>> + Send;

    /// Uploads a part.
    fn upload_part(&self, request: UploadPart) -> impl Future<Output = Result<PartTag>> + Send;

    /// Fills a part from an object that is in the store.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::{Attributes, CreateUpload, UploadPartCopy};
    /// use s3_core::{MemoryStore, S3Url, Store, StoreExt};
    ///
    /// # futures_util::future::FutureExt::now_or_never(async {
    /// let store = MemoryStore::with_buckets(["photos"]);
    /// let (from, to) = (S3Url::parse("s3://photos/cat.txt")?, S3Url::parse("s3://photos/all.txt")?);
    /// store.put_bytes(from.clone(), "purr").await?;
    /// let upload = store.create_upload(CreateUpload::new(to.clone(), Attributes::default())).await?;
    /// let tag = store.upload_part_copy(UploadPartCopy::new(to, upload, 1, from)).await?;
    /// assert_eq!(tag.number, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).expect("the memory store never waits").unwrap();
    /// ```
    fn upload_part_copy(
        &self,
        request: UploadPartCopy,
    ) -> impl Future<Output = Result<PartTag>> + Send;

    /// Makes the object of the parts.
    fn complete_upload(
        &self,
        request: CompleteUpload,
    ) -> impl Future<Output = Result<PutResponse>> + Send;

    /// Gives an upload up.
    fn abort_upload(&self, request: AbortUpload) -> impl Future<Output = Result<()>> + Send;

    /// Lists one page of unfinished uploads.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::{AbortUpload, Attributes, CreateUpload, ListUploads};
    /// use s3_core::{MemoryStore, S3Prefix, S3Url, Store};
    ///
    /// # futures_util::future::FutureExt::now_or_never(async {
    /// let store = MemoryStore::with_buckets(["photos"]);
    /// let url = S3Url::parse("s3://photos/cat.txt")?;
    /// store.create_upload(CreateUpload::new(url, Attributes::default())).await?;
    /// let all = ListUploads::new(S3Prefix::parse("s3://photos/")?);
    /// for left in store.list_uploads(all).await?.uploads {
    ///     store.abort_upload(AbortUpload::new(left.url, left.upload)).await?;
    /// }
    /// assert_eq!(store.unfinished_uploads(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).expect("the memory store never waits").unwrap();
    /// ```
    fn list_uploads(
        &self,
        request: ListUploads,
    ) -> impl Future<Output = Result<UploadsPage>> + Send;

    /// Lists one page of the parts of an unfinished upload.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::{Attributes, CreateUpload, ListParts, UploadPart};
    /// use s3_core::{MemoryStore, S3Url, Store};
    ///
    /// # futures_util::future::FutureExt::now_or_never(async {
    /// let store = MemoryStore::with_buckets(["photos"]);
    /// let url = S3Url::parse("s3://photos/cat.txt")?;
    /// let upload = store.create_upload(CreateUpload::new(url.clone(), Attributes::default())).await?;
    /// store.upload_part(UploadPart::new(url.clone(), upload.clone(), 1, "purr".into())).await?;
    /// let page = store.list_parts(ListParts::new(url, upload)).await?;
    /// assert_eq!((page.parts[0].number, page.parts[0].size), (1, 4));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).expect("the memory store never waits").unwrap();
    /// ```
    fn list_parts(&self, request: ListParts) -> impl Future<Output = Result<PartsPage>> + Send;

    /// Lists all buckets of the account, by name.
    fn list_buckets(&self) -> impl Future<Output = Result<Vec<BucketInfo>>> + Send;

    /// Creates a bucket.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::{BucketRequest, MemoryStore, Store};
    ///
    /// # futures_util::future::FutureExt::now_or_never(async {
    /// let store = MemoryStore::new();
    /// store.create_bucket(BucketRequest::new("photos")).await?;
    /// let buckets = store.list_buckets().await?;
    /// assert_eq!(&*buckets[0].name, "photos");
    /// store.delete_bucket(BucketRequest::new("photos")).await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).expect("the memory store never waits").unwrap();
    /// ```
    fn create_bucket(&self, request: BucketRequest) -> impl Future<Output = Result<()>> + Send;

    /// Deletes an empty bucket.
    fn delete_bucket(&self, request: BucketRequest) -> impl Future<Output = Result<()>> + Send;

    /// Makes a URL that carries its own permission. Sends no request.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::{PresignMethod, PresignRequest, Result, S3Url, Store};
    /// use std::time::Duration;
    ///
    /// async fn link_for_an_hour(store: &impl Store, url: S3Url) -> Result<String> {
    ///     let hour = Duration::from_secs(60 * 60);
    ///     store.presign(PresignRequest::new(url, PresignMethod::Get, hour)).await
    /// }
    /// ```
    fn presign(&self, request: PresignRequest) -> impl Future<Output = Result<String>> + Send;
}

/// Conveniences over any [`Store`], each a call or two of it.
pub trait StoreExt: Store {
    /// Reads a whole object into memory. One get.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::{MemoryStore, S3Url, StoreExt};
    ///
    /// # futures_util::future::FutureExt::now_or_never(async {
    /// let store = MemoryStore::with_buckets(["photos"]);
    /// let url = S3Url::parse("s3://photos/cat.txt")?;
    /// store.put_bytes(url.clone(), "purr").await?;
    /// assert_eq!(store.get_bytes(url).await?, "purr");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).expect("the memory store never waits").unwrap();
    /// ```
    fn get_bytes(&self, url: S3Url) -> impl Future<Output = Result<Bytes>> + Send {
        async move { self.get(GetRequest::new(url)).await?.body.collect().await }
    }

    /// Writes an object from memory, replacing what is there. One put.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::{MemoryStore, S3Url, StoreExt};
    ///
    /// # futures_util::future::FutureExt::now_or_never(async {
    /// let store = MemoryStore::with_buckets(["photos"]);
    /// let url = S3Url::parse("s3://photos/cat.txt")?;
    /// let answer = store.put_bytes(url, vec![1, 2, 3]).await?;
    /// assert!(answer.etag.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).expect("the memory store never waits").unwrap();
    /// ```
    fn put_bytes(
        &self,
        url: S3Url,
        bytes: impl Into<Bytes> + Send,
    ) -> impl Future<Output = Result<PutResponse>> + Send {
        let payload = Payload::from(bytes.into());
        async move { self.put(PutRequest::new(url, payload)).await }
    }

    /// Returns whether there is an object. One head.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::{MemoryStore, S3Url, StoreExt};
    ///
    /// # futures_util::future::FutureExt::now_or_never(async {
    /// let store = MemoryStore::with_buckets(["photos"]);
    /// let url = S3Url::parse("s3://photos/cat.txt")?;
    /// assert!(!store.exists(url.clone()).await?);
    /// store.put_bytes(url.clone(), "purr").await?;
    /// assert!(store.exists(url).await?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).expect("the memory store never waits").unwrap();
    /// ```
    fn exists(&self, url: S3Url) -> impl Future<Output = Result<bool>> + Send {
        async move {
            match self.head(HeadRequest::new(url)).await {
                Ok(_) => Ok(true),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
                Err(error) => Err(error),
            }
        }
    }
}

impl<S: Store + ?Sized> StoreExt for S {}
