//! The [`Store`] trait: one method per S3 operation.

use std::fmt;
use std::future::{Future, Ready, ready};

use bytes::Bytes;
use s3_url::S3Url;

use crate::{
    AbortUpload, BucketInfo, BucketRequest, Capabilities, CompleteUpload, CopyRequest,
    CreateUpload, DeleteRequest, DeleteResponse, Error, ErrorKind, GetObjectAttributes, GetRequest,
    GetResponse, GetTags, HeadRequest, ListPage, ListParts, ListRequest, ListUploads, ListVersions,
    ObjectAttributes, ObjectMeta, Operation, PartTag, PartsPage, Payload, PresignRequest,
    PutRequest, PutResponse, RestoreRequest, Result, SetTags, SetVersioning, Tags, UploadId,
    UploadPart, UploadPartCopy, UploadsPage, Versioning, VersionsPage,
};

/// Object storage: one method per S3 operation, one attempt per call.
///
/// Implement it with plain `async fn`s. Code that works with any backend holds a
/// [`SharedStore`](crate::SharedStore).
///
/// # Required and provided methods
///
/// [`capabilities`](Self::capabilities), [`get`](Self::get), [`head`](Self::head), [`put`](Self::put),
/// [`delete`](Self::delete) and [`list_page`](Self::list_page) are required. Every other operation has a default that
/// sends nothing and fails with [`ErrorKind::Unsupported`]. An operation that a later release adds has such a default
/// too, so existing implementations keep compiling.
///
/// A wrapper has to forward every method: one that it does not forward fails with `Unsupported` whatever the wrapped
/// store supports. `cargo xtask tidy` checks this for the implementations in this repository.
///
/// # Contract
///
/// * Keys are opaque: responses, listings and errors return a key exactly as it was stored.
/// * A call is one attempt. Callers retry, guided by [`Error::retryability`].
/// * Dropping a future cancels the request. The request may still take effect.
/// * `s3-testkit` has a conformance case for each rule. A backend passes all cases that its [`Capabilities`] allow.
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Returns the optional features that the backend supports.
    fn capabilities(&self) -> Capabilities;

    /// Reads an object or a range of it. Returns at the headers; the body is read afterwards.
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
    /// let response = store.get(GetRequest::new(url).with_range(9..13)).await?;
    /// assert_eq!((response.range, response.meta.size), (9..13, 13));
    /// assert_eq!(response.body.collect().await?, "purr");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).expect("MemoryStore futures are ready at once").unwrap();
    /// ```
    fn get(&self, request: GetRequest) -> impl Future<Output = Result<GetResponse>> + Send;

    /// Reads the metadata of an object.
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
    /// # }).expect("MemoryStore futures are ready at once").unwrap();
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
    /// # }).expect("MemoryStore futures are ready at once").unwrap();
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
    /// # }).expect("MemoryStore futures are ready at once").unwrap();
    /// ```
    fn copy(&self, request: CopyRequest) -> impl Future<Output = Result<PutResponse>> + Send {
        unsupported(Operation::Copy, Some(request.to.as_str()))
    }

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
    /// let response = store.delete(DeleteRequest::new("photos", vec![url])).await?;
    /// assert!(response.failures.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).expect("MemoryStore futures are ready at once").unwrap();
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
    /// # }).expect("MemoryStore futures are ready at once").unwrap();
    /// ```
    fn list_page(&self, request: ListRequest) -> impl Future<Output = Result<ListPage>> + Send;

    /// Starts a multipart upload.
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
    /// # }).expect("MemoryStore futures are ready at once").unwrap();
    /// ```
    fn create_upload(
        &self,
        request: CreateUpload,
    ) -> impl Future<Output = Result<UploadId>> + Send {
        unsupported(Operation::CreateUpload, Some(request.url.as_str()))
    }

    /// Uploads one part.
    fn upload_part(&self, request: UploadPart) -> impl Future<Output = Result<PartTag>> + Send {
        unsupported(Operation::UploadPart, Some(request.url.as_str()))
    }

    /// Copies an object, or a range of it, into a part.
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
    /// # }).expect("MemoryStore futures are ready at once").unwrap();
    /// ```
    fn upload_part_copy(
        &self,
        request: UploadPartCopy,
    ) -> impl Future<Output = Result<PartTag>> + Send {
        unsupported(Operation::UploadPartCopy, Some(request.url.as_str()))
    }

    /// Creates the object from the uploaded parts.
    fn complete_upload(
        &self,
        request: CompleteUpload,
    ) -> impl Future<Output = Result<PutResponse>> + Send {
        unsupported(Operation::CompleteUpload, Some(request.url.as_str()))
    }

    /// Aborts a multipart upload and frees its parts.
    fn abort_upload(&self, request: AbortUpload) -> impl Future<Output = Result<()>> + Send {
        unsupported(Operation::AbortUpload, Some(request.url.as_str()))
    }

    /// Lists one page of multipart uploads that are neither completed nor aborted.
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
    /// for stale in store.list_uploads(all).await?.uploads {
    ///     store.abort_upload(AbortUpload::new(stale.url, stale.upload)).await?;
    /// }
    /// assert_eq!(store.unfinished_uploads(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).expect("MemoryStore futures are ready at once").unwrap();
    /// ```
    fn list_uploads(
        &self,
        request: ListUploads,
    ) -> impl Future<Output = Result<UploadsPage>> + Send {
        unsupported(Operation::ListUploads, Some(request.prefix.as_str()))
    }

    /// Lists one page of the parts of a multipart upload.
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
    /// # }).expect("MemoryStore futures are ready at once").unwrap();
    /// ```
    fn list_parts(&self, request: ListParts) -> impl Future<Output = Result<PartsPage>> + Send {
        unsupported(Operation::ListParts, Some(request.url.as_str()))
    }

    /// Lists one page of the versions and delete markers of a bucket.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::{BucketRequest, ListVersions, SetVersioning, Versioning};
    /// use s3_core::{MemoryStore, S3Prefix, S3Url, Store, StoreExt};
    ///
    /// # futures_util::future::FutureExt::now_or_never(async {
    /// let store = MemoryStore::with_buckets(["photos"]);
    /// store.set_versioning(SetVersioning::new("photos", Versioning::Enabled)).await?;
    /// assert_eq!(store.versioning(BucketRequest::new("photos")).await?, Some(Versioning::Enabled));
    /// let url = S3Url::parse("s3://photos/cat.txt")?;
    /// for text in ["purr", "hiss"] {
    ///     store.put_bytes(url.clone(), text).await?;
    /// }
    /// let page = store.list_versions(ListVersions::new(S3Prefix::parse("s3://photos/")?)).await?;
    /// assert_eq!(page.versions.len(), 2);
    /// assert!(page.versions[0].is_latest && !page.versions[1].is_latest);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).expect("MemoryStore futures are ready at once").unwrap();
    /// ```
    fn list_versions(
        &self,
        request: ListVersions,
    ) -> impl Future<Output = Result<VersionsPage>> + Send {
        unsupported(Operation::ListVersions, Some(request.prefix.as_str()))
    }

    /// Reads the tags of an object.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::{GetTags, SetTags, Tags};
    /// use s3_core::{MemoryStore, S3Url, Store, StoreExt};
    ///
    /// # futures_util::future::FutureExt::now_or_never(async {
    /// let store = MemoryStore::with_buckets(["photos"]);
    /// let url = S3Url::parse("s3://photos/cat.txt")?;
    /// store.put_bytes(url.clone(), "purr").await?;
    /// let tags = Tags::from([("animal".to_owned(), "cat".to_owned())]);
    /// store.set_tags(SetTags::new(url.clone(), tags.clone())).await?;
    /// assert_eq!(store.get_tags(GetTags::new(url)).await?, tags);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).expect("MemoryStore futures are ready at once").unwrap();
    /// ```
    fn get_tags(&self, request: GetTags) -> impl Future<Output = Result<Tags>> + Send {
        unsupported(Operation::GetTags, Some(request.url.as_str()))
    }

    /// Replaces all tags of an object.
    fn set_tags(&self, request: SetTags) -> impl Future<Output = Result<()>> + Send {
        unsupported(Operation::SetTags, Some(request.url.as_str()))
    }

    /// Reads size, checksum and parts of an object.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::{GetObjectAttributes, MemoryStore, S3Url, Store, StoreExt};
    ///
    /// # futures_util::future::FutureExt::now_or_never(async {
    /// let store = MemoryStore::with_buckets(["photos"]);
    /// let url = S3Url::parse("s3://photos/cat.txt")?;
    /// store.put_bytes(url.clone(), "purr").await?;
    /// let attributes = store.object_attributes(GetObjectAttributes::new(url)).await?;
    /// assert_eq!((attributes.size, attributes.part_count), (4, None));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).expect("MemoryStore futures are ready at once").unwrap();
    /// ```
    fn object_attributes(
        &self,
        request: GetObjectAttributes,
    ) -> impl Future<Output = Result<ObjectAttributes>> + Send {
        unsupported(Operation::ObjectAttributes, Some(request.url.as_str()))
    }

    /// Restores an archived object for some days. [`ObjectMeta::restore`] tells when it can be read.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::{Attributes, ErrorKind, PutRequest, RestoreRequest};
    /// use s3_core::{MemoryStore, S3Url, Store, StoreExt};
    ///
    /// # futures_util::future::FutureExt::now_or_never(async {
    /// let store = MemoryStore::with_buckets(["photos"]);
    /// let url = S3Url::parse("s3://photos/cat.txt")?;
    /// let archived = Attributes::default().with_storage_class("GLACIER");
    /// store.put(PutRequest::new(url.clone(), "purr".into()).with_attributes(archived)).await?;
    /// let error = store.get_bytes(url.clone()).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Archived);
    /// store.restore(RestoreRequest::new(url.clone(), 1)).await?;
    /// assert_eq!(store.get_bytes(url).await?, "purr");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).expect("MemoryStore futures are ready at once").unwrap();
    /// ```
    fn restore(&self, request: RestoreRequest) -> impl Future<Output = Result<()>> + Send {
        unsupported(Operation::Restore, Some(request.url.as_str()))
    }

    /// Lists the buckets of the account, in the order of their names.
    fn list_buckets(&self) -> impl Future<Output = Result<Vec<BucketInfo>>> + Send {
        unsupported(Operation::ListBuckets, None)
    }

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
    /// # }).expect("MemoryStore futures are ready at once").unwrap();
    /// ```
    fn create_bucket(&self, request: BucketRequest) -> impl Future<Output = Result<()>> + Send {
        unsupported(Operation::CreateBucket, Some(&request.bucket))
    }

    /// Deletes an empty bucket.
    fn delete_bucket(&self, request: BucketRequest) -> impl Future<Output = Result<()>> + Send {
        unsupported(Operation::DeleteBucket, Some(&request.bucket))
    }

    /// Returns the versioning state of a bucket; `None` if versioning was never enabled.
    fn versioning(
        &self,
        request: BucketRequest,
    ) -> impl Future<Output = Result<Option<Versioning>>> + Send {
        unsupported(Operation::Versioning, Some(&request.bucket))
    }

    /// Enables or suspends versioning of a bucket.
    fn set_versioning(&self, request: SetVersioning) -> impl Future<Output = Result<()>> + Send {
        unsupported(Operation::SetVersioning, Some(&request.bucket))
    }

    /// Creates a presigned URL. Sends no request.
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
    fn presign(&self, request: PresignRequest) -> impl Future<Output = Result<String>> + Send {
        unsupported(Operation::Presign, Some(request.url.as_str()))
    }
}

/// The result of an operation that a store does not implement.
fn unsupported<T>(operation: Operation, resource: Option<&str>) -> Ready<Result<T>> {
    let error = Error::new(ErrorKind::Unsupported, operation)
        .with_message(format!("this store does not implement {operation}"));
    ready(Err(match resource {
        Some(resource) => error.with_resource(resource),
        None => error,
    }))
}

/// Convenience methods that make one [`Store`] call each.
pub trait StoreExt: Store {
    /// Reads a whole object into memory with one get.
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
    /// # }).expect("MemoryStore futures are ready at once").unwrap();
    /// ```
    fn get_bytes(&self, url: S3Url) -> impl Future<Output = Result<Bytes>> + Send {
        async move { self.get(GetRequest::new(url)).await?.body.collect().await }
    }

    /// Writes an object from memory with one put; replaces an existing object.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::{MemoryStore, S3Url, StoreExt};
    ///
    /// # futures_util::future::FutureExt::now_or_never(async {
    /// let store = MemoryStore::with_buckets(["photos"]);
    /// let url = S3Url::parse("s3://photos/cat.txt")?;
    /// let response = store.put_bytes(url, vec![1, 2, 3]).await?;
    /// assert!(response.etag.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).expect("MemoryStore futures are ready at once").unwrap();
    /// ```
    fn put_bytes(
        &self,
        url: S3Url,
        bytes: impl Into<Bytes> + Send,
    ) -> impl Future<Output = Result<PutResponse>> + Send {
        let payload = Payload::from(bytes.into());
        async move { self.put(PutRequest::new(url, payload)).await }
    }

    /// Returns whether the object exists, with one head.
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
    /// # }).expect("MemoryStore futures are ready at once").unwrap();
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
