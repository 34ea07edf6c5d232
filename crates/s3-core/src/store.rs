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
    fn get(&self, request: GetRequest) -> impl Future<Output = Result<GetResponse>> + Send;

    /// Reads an object's description.
    fn head(&self, request: HeadRequest) -> impl Future<Output = Result<ObjectMeta>> + Send;

    /// Writes an object.
    fn put(&self, request: PutRequest) -> impl Future<Output = Result<PutResponse>> + Send;

    /// Copies an object of at most 5 GiB.
    fn copy(&self, request: CopyRequest) -> impl Future<Output = Result<PutResponse>> + Send;

    /// Deletes up to 1,000 objects of one bucket.
    fn delete(&self, request: DeleteRequest)
    -> impl Future<Output = Result<DeleteResponse>> + Send;

    /// Lists one page of keys.
    fn list_page(&self, request: ListRequest) -> impl Future<Output = Result<ListPage>> + Send;

    /// Begins an upload in parts.
    fn create_upload(&self, request: CreateUpload)
    -> impl Future<Output = Result<UploadId>> + Send;

    /// Uploads a part.
    fn upload_part(&self, request: UploadPart) -> impl Future<Output = Result<PartTag>> + Send;

    /// Fills a part from an object that is in the store.
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
    fn list_uploads(
        &self,
        request: ListUploads,
    ) -> impl Future<Output = Result<UploadsPage>> + Send;

    /// Lists one page of the parts of an unfinished upload.
    fn list_parts(&self, request: ListParts) -> impl Future<Output = Result<PartsPage>> + Send;

    /// Lists all buckets of the account, by name.
    fn list_buckets(&self) -> impl Future<Output = Result<Vec<BucketInfo>>> + Send;

    /// Creates a bucket.
    fn create_bucket(&self, request: BucketRequest) -> impl Future<Output = Result<()>> + Send;

    /// Deletes an empty bucket.
    fn delete_bucket(&self, request: BucketRequest) -> impl Future<Output = Result<()>> + Send;

    /// Makes a URL that carries its own permission. Sends no request.
    fn presign(&self, request: PresignRequest) -> impl Future<Output = Result<String>> + Send;
}

/// Conveniences over any [`Store`], each a call or two of it.
pub trait StoreExt: Store {
    /// Reads a whole object into memory. One get.
    fn get_bytes(&self, url: S3Url) -> impl Future<Output = Result<Bytes>> + Send {
        async move { self.get(GetRequest::new(url)).await?.body.collect().await }
    }

    /// Writes an object from memory, replacing what is there. One put.
    fn put_bytes(
        &self,
        url: S3Url,
        bytes: impl Into<Bytes> + Send,
    ) -> impl Future<Output = Result<PutResponse>> + Send {
        let payload = Payload::from(bytes.into());
        async move { self.put(PutRequest::new(url, payload)).await }
    }

    /// Returns whether there is an object. One head.
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
