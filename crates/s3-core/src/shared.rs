//! [`SharedStore`]: a cheap, type-erased handle to any [`Store`].

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::{
    AbortUpload, BucketInfo, BucketRequest, Capabilities, CompleteUpload, CopyRequest,
    CreateUpload, DeleteRequest, DeleteResponse, GetObjectAttributes, GetRequest, GetResponse,
    GetTags, HeadRequest, ListPage, ListParts, ListRequest, ListUploads, ListVersions,
    ObjectAttributes, ObjectMeta, PartTag, PartsPage, PresignRequest, PutRequest, PutResponse,
    RestoreRequest, Result, SetTags, SetVersioning, Store, Tags, UploadId, UploadPart,
    UploadPartCopy, UploadsPage, Versioning, VersionsPage,
};

/// A cloneable, type-erased handle to any [`Store`]. Clone is a reference count; a call costs one boxed future.
#[derive(Clone)]
pub struct SharedStore(Arc<dyn DynStore>);

impl SharedStore {
    /// Wraps a backend. Wrapping a `SharedStore` again returns the same handle.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::{MemoryStore, S3Url, SharedStore, StoreExt};
    ///
    /// # futures_util::future::FutureExt::now_or_never(async {
    /// let memory = MemoryStore::with_buckets(["photos"]);
    /// let store = SharedStore::new(memory.clone());
    /// store.put_bytes(S3Url::parse("s3://photos/cat.txt")?, "purr").await?;
    /// assert_eq!(memory.object_count(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).expect("MemoryStore futures are ready at once").unwrap();
    /// ```
    #[must_use]
    pub fn new(store: impl Store) -> Self {
        let any: &dyn std::any::Any = &store;
        match any.downcast_ref::<Self>() {
            Some(shared) => shared.clone(),
            None => Self(Arc::new(store)),
        }
    }
}

impl fmt::Debug for SharedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// Defines `DynStore`, the object-safe version of [`Store`], and forwards in both directions. One line per operation.
macro_rules! erase {
    ($($name:ident($($argument:ident: $request:ty)?) -> $response:ty;)*) => {
        trait DynStore: fmt::Debug + Send + Sync {
            fn capabilities(&self) -> Capabilities;
            $(fn $name(&self $(, $argument: $request)?) -> Boxed<'_, $response>;)*
        }

        impl<S: Store> DynStore for S {
            fn capabilities(&self) -> Capabilities {
                Store::capabilities(self)
            }
            $(fn $name(&self $(, $argument: $request)?) -> Boxed<'_, $response> {
                Box::pin(Store::$name(self $(, $argument)?))
            })*
        }

        impl Store for SharedStore {
            fn capabilities(&self) -> Capabilities {
                self.0.capabilities()
            }
            $(fn $name(
                &self $(, $argument: $request)?
            ) -> impl Future<Output = Result<$response>> + Send {
                self.0.$name($($argument)?)
            })*
        }
    };
}

erase! {
    get(request: GetRequest) -> GetResponse;
    head(request: HeadRequest) -> ObjectMeta;
    put(request: PutRequest) -> PutResponse;
    copy(request: CopyRequest) -> PutResponse;
    delete(request: DeleteRequest) -> DeleteResponse;
    list_page(request: ListRequest) -> ListPage;
    create_upload(request: CreateUpload) -> UploadId;
    upload_part(request: UploadPart) -> PartTag;
    upload_part_copy(request: UploadPartCopy) -> PartTag;
    complete_upload(request: CompleteUpload) -> PutResponse;
    abort_upload(request: AbortUpload) -> ();
    list_uploads(request: ListUploads) -> UploadsPage;
    list_parts(request: ListParts) -> PartsPage;
    list_versions(request: ListVersions) -> VersionsPage;
    get_tags(request: GetTags) -> Tags;
    set_tags(request: SetTags) -> ();
    object_attributes(request: GetObjectAttributes) -> ObjectAttributes;
    restore(request: RestoreRequest) -> ();
    list_buckets() -> Vec<BucketInfo>;
    create_bucket(request: BucketRequest) -> ();
    delete_bucket(request: BucketRequest) -> ();
    versioning(request: BucketRequest) -> Option<Versioning>;
    set_versioning(request: SetVersioning) -> ();
    presign(request: PresignRequest) -> String;
}
