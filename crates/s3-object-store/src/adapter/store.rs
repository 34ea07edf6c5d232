//! [`S3ObjectStore`]: an `ObjectStore` for one bucket, and its builder; methods call the other adapter files.

use std::fmt;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use s3_core::{Encryption, S3Url};
use s3_transfer::Transfer;

use super::convert::invalid;
use super::object_store::path::Path;
use super::object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, OBJECT_STORE_COALESCE_DEFAULT,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use super::{list, read, write};
use crate::UnlistableKeys;
use crate::pins::Pins;
use crate::runtime::{Runtime, Threads};

/// An [`ObjectStore`] for one bucket. Clone is a reference count.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use object_store_0_14::{ObjectStoreExt, path::Path};
/// use s3_core::MemoryStore;
/// use s3_object_store::v0_14::S3ObjectStore;
/// use s3_transfer::{Transfer, TransferConfig};
///
/// let transfer = Transfer::new(MemoryStore::with_buckets(["b"]), TransferConfig::default());
/// let store = S3ObjectStore::builder(transfer, "b").build()?;
/// let path = Path::from("greeting");
/// store.put(&path, "hello".into()).await?;
/// assert_eq!(store.get(&path).await?.bytes().await?, "hello");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct S3ObjectStore {
    pub(super) runtime: Runtime,
    pub(super) bucket: Arc<str>,
    pub(super) unlistable: UnlistableKeys,
    pub(super) skipped: Arc<AtomicU64>,
    pub(super) pins: Option<Arc<Pins>>,
    pub(super) encryption: Option<Encryption>,
    coalesce: u64,
}

/// Settings of an [`S3ObjectStore`].
#[derive(Clone, Debug)]
#[must_use]
pub struct S3ObjectStoreBuilder {
    transfer: Transfer,
    bucket: Arc<str>,
    threads: Threads,
    unlistable: UnlistableKeys,
    encryption: Option<Encryption>,
    coalesce: u64,
}

impl S3ObjectStoreBuilder {
    /// Sets the number of threads of the store; by default one per processor, at most 8.
    ///
    /// All transfers run on them, so that a query that keeps the caller's threads busy does not stall them.
    pub fn threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = Threads::Own(threads);
        self
    }

    /// Runs all transfers on the runtime that polls them.
    pub fn on_callers_runtime(mut self) -> Self {
        self.threads = Threads::Callers;
        self
    }

    /// Sets how listings treat keys that are not object_store paths; `Skip` by default.
    pub fn unlistable_keys(mut self, policy: UnlistableKeys) -> Self {
        self.unlistable = policy;
        self
    }

    /// Sets the server-side encryption of all objects that are written or copied, because object_store has no attribute
    /// for it. By default that of the bucket.
    pub fn encryption(mut self, encryption: Encryption) -> Self {
        self.encryption = Some(encryption);
        self
    }

    /// Sets the maximum distance in bytes of ranges that `get_ranges` reads with one request; 1 MiB by default.
    pub fn coalesce(mut self, bytes: u64) -> Self {
        self.coalesce = bytes;
        self
    }

    /// Returns the store. Sends nothing.
    ///
    /// # Errors
    ///
    /// If its threads cannot be started.
    pub fn build(self) -> std::io::Result<S3ObjectStore> {
        Ok(S3ObjectStore {
            runtime: Runtime::start(self.transfer, self.threads)?,
            bucket: self.bucket,
            unlistable: self.unlistable,
            skipped: Arc::default(),
            pins: None,
            encryption: self.encryption,
            coalesce: self.coalesce,
        })
    }
}

impl S3ObjectStore {
    /// Returns a builder of a store for `bucket`.
    pub fn builder(transfer: Transfer, bucket: impl Into<Arc<str>>) -> S3ObjectStoreBuilder {
        S3ObjectStoreBuilder {
            transfer,
            bucket: bucket.into(),
            threads: Threads::default(),
            unlistable: UnlistableKeys::default(),
            encryption: None,
            coalesce: OBJECT_STORE_COALESCE_DEFAULT,
        }
    }

    /// Returns a store for another bucket with the same settings and threads.
    #[must_use]
    pub fn for_bucket(&self, bucket: impl Into<Arc<str>>) -> Self {
        Self {
            bucket: bucket.into(),
            skipped: Arc::default(),
            pins: self.pins.as_ref().map(|_| Arc::new(Pins::new())),
            ..self.clone()
        }
    }

    /// Returns the same store with another policy for keys that are not object_store paths.
    #[must_use]
    pub fn with_unlistable_keys(&self, policy: UnlistableKeys) -> Self {
        Self {
            unlistable: policy,
            ..self.clone()
        }
    }

    /// Returns the same store with this server-side encryption for all objects that are written or copied.
    #[must_use]
    pub fn with_encryption(&self, encryption: Encryption) -> Self {
        Self {
            encryption: Some(encryption),
            ..self.clone()
        }
    }

    /// Returns a store that pins each object to the first version that it lists, heads or reads.
    ///
    /// If an object is replaced later, reads of it fail with `Precondition`, so no result mixes two versions. Create
    /// one for each query or table: it remembers at most 1,000,000 objects. Objects that it writes itself are no longer
    /// pinned.
    #[must_use]
    pub fn pinned(&self) -> Self {
        Self {
            pins: Some(Arc::new(Pins::new())),
            ..self.clone()
        }
    }

    /// Returns the number of keys that listings have skipped because they are not object_store paths.
    #[must_use]
    pub fn skipped_keys(&self) -> u64 {
        self.skipped.load(Ordering::Relaxed)
    }

    pub(super) fn url(&self, location: &Path) -> Result<S3Url> {
        S3Url::from_parts(&self.bucket, location.as_ref()).map_err(invalid)
    }
}

impl fmt::Display for S3ObjectStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S3({})", self.bucket)
    }
}

#[async_trait]
impl ObjectStore for S3ObjectStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        write::put(self, location, payload, opts).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        write::begin(self, location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        read::get(self, location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        read::get_ranges(self, location, ranges, self.coalesce).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        write::delete(self, locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        list::list(self, prefix, None)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        list::list(self, prefix, Some(offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        list::one_level(self, prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        Box::pin(write::copy(self, from, to, options)).await
    }
}
