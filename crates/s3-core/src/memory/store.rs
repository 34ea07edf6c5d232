//! [`MemoryStore`]: the handle of the in-memory store: buckets behind one lock, settings, and accessors for tests.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::SystemTime;

use super::bucket::Bucket;
use super::clock::MemoryClock;
use super::{Limits, OperationCounts};
use crate::Operation;

/// S3 in memory, for unit tests, examples and small tools. Clone is a reference count and shares the data.
///
/// It behaves like S3 for a client, but has no presigned URLs. Futures are ready at once, so any
/// executor will do. Payloads are not copied: a small slice of a large buffer keeps the large buffer alive.
///
/// # Examples
///
/// ```
/// use s3_core::{ListRequest, MemoryStore, S3Prefix, S3Url, Store, StoreExt};
///
/// # futures_util::future::FutureExt::now_or_never(async {
/// let store = MemoryStore::with_buckets(["photos"]);
/// for key in ["2025/dog.jpg", "2026/cat.jpg", "2026/owl.jpg"] {
///     store.put_bytes(S3Url::from_parts("photos", key)?, "…").await?;
/// }
/// let years = ListRequest::new(S3Prefix::parse("s3://photos/")?).with_delimiter("/");
/// let page = store.list_page(years).await?;
/// let years: Vec<_> = page.prefixes.iter().map(|year| year.as_str()).collect();
/// assert_eq!(years, ["s3://photos/2025/", "s3://photos/2026/"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).expect("MemoryStore futures are ready at once").unwrap();
/// ```
#[derive(Clone, Default)]
pub struct MemoryStore {
    data: Arc<StoreData>,
    pub(super) limits: Limits,
    pub(super) clock: MemoryClock,
}

#[derive(Default)]
struct StoreData {
    buckets: RwLock<Buckets>,
    counts: Mutex<OperationCounts>,
    uploads_started: AtomicU64,
}

/// Buckets by name.
pub(super) type Buckets = BTreeMap<Arc<str>, Bucket>;

impl MemoryStore {
    /// Returns a store without buckets.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::{BucketRequest, MemoryStore, Store};
    ///
    /// # futures_util::future::FutureExt::now_or_never(async {
    /// let store = MemoryStore::new();
    /// assert!(store.list_buckets().await?.is_empty());
    /// store.create_bucket(BucketRequest::new("photos")).await?;
    /// assert_eq!(store.list_buckets().await?.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).expect("MemoryStore futures are ready at once").unwrap();
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a store with these buckets, which are empty. The names are not validated.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::{MemoryStore, Store};
    ///
    /// # futures_util::future::FutureExt::now_or_never(async {
    /// let store = MemoryStore::with_buckets(["photos", "backup"]);
    /// let buckets = store.list_buckets().await?;
    /// let names: Vec<&str> = buckets.iter().map(|bucket| &*bucket.name).collect();
    /// assert_eq!(names, ["backup", "photos"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).expect("MemoryStore futures are ready at once").unwrap();
    /// ```
    #[must_use]
    pub fn with_buckets<N: Into<Arc<str>>>(names: impl IntoIterator<Item = N>) -> Self {
        let store = Self::new();
        let now = store.clock.now();
        store.write().extend(names.into_iter().map(|name| {
            let name = name.into();
            (Arc::clone(&name), Bucket::new(name, now))
        }));
        store
    }

    /// Sets the limits of this handle and of its later clones.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::{ErrorKind, Limits, MemoryStore, S3Url, StoreExt};
    ///
    /// # futures_util::future::FutureExt::now_or_never(async {
    /// let mut limits = Limits::default();
    /// limits.max_put_size = 3;
    /// let store = MemoryStore::with_buckets(["photos"]).with_limits(limits);
    /// let url = S3Url::parse("s3://photos/cat.txt")?;
    /// let error = store.put_bytes(url, "purr").await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::InvalidInput);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).expect("MemoryStore futures are ready at once").unwrap();
    /// ```
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the clock of this handle and of its later clones. Times are truncated to the second.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::{HeadRequest, MemoryStore, S3Url, Store, StoreExt};
    /// use std::time::SystemTime;
    ///
    /// # futures_util::future::FutureExt::now_or_never(async {
    /// let store = MemoryStore::with_buckets(["photos"]).with_clock(|| SystemTime::UNIX_EPOCH);
    /// let url = S3Url::parse("s3://photos/cat.txt")?;
    /// store.put_bytes(url.clone(), "purr").await?;
    /// let meta = store.head(HeadRequest::new(url)).await?;
    /// assert_eq!(meta.last_modified, Some(SystemTime::UNIX_EPOCH));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).expect("MemoryStore futures are ready at once").unwrap();
    /// ```
    #[must_use]
    pub fn with_clock(mut self, now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = MemoryClock::new(now);
        self
    }

    /// Returns the number of objects in all buckets.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::{MemoryStore, S3Url, StoreExt};
    ///
    /// # futures_util::future::FutureExt::now_or_never(async {
    /// let store = MemoryStore::with_buckets(["photos"]);
    /// assert_eq!(store.object_count(), 0);
    /// store.put_bytes(S3Url::parse("s3://photos/cat.txt")?, "purr").await?;
    /// assert_eq!(store.object_count(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).expect("MemoryStore futures are ready at once").unwrap();
    /// ```
    #[must_use]
    pub fn object_count(&self) -> usize {
        self.read()
            .values()
            .map(|bucket| bucket.objects.len())
            .sum()
    }

    /// Returns the number of multipart uploads that are neither completed nor aborted.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_core::{Attributes, CreateUpload, MemoryStore, S3Url, Store};
    ///
    /// # futures_util::future::FutureExt::now_or_never(async {
    /// let store = MemoryStore::with_buckets(["photos"]);
    /// let url = S3Url::parse("s3://photos/cat.txt")?;
    /// store.create_upload(CreateUpload::new(url, Attributes::default())).await?;
    /// assert_eq!(store.unfinished_uploads(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).expect("MemoryStore futures are ready at once").unwrap();
    /// ```
    #[must_use]
    pub fn unfinished_uploads(&self) -> usize {
        self.read()
            .values()
            .map(|bucket| bucket.uploads.len())
            .sum()
    }

    /// Returns how often each operation was called, on all handles that share the data.
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
    /// store.get_bytes(url).await?;
    /// assert_eq!(store.operations().to_string(), "1 get, 1 put");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).expect("MemoryStore futures are ready at once").unwrap();
    /// ```
    #[must_use]
    pub fn operations(&self) -> OperationCounts {
        self.data
            .counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Increments the count of an operation.
    pub(super) fn count(&self, operation: Operation) {
        self.data
            .counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .record(operation);
    }

    /// Returns the sequence number of a new upload.
    pub(super) fn next_upload(&self) -> u64 {
        self.data.uploads_started.fetch_add(1, Ordering::Relaxed)
    }

    /// Locks the buckets for reading. A panic leaves no change half done, so a poisoned lock is usable.
    pub(super) fn read(&self) -> RwLockReadGuard<'_, Buckets> {
        self.data
            .buckets
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks the buckets for writing.
    pub(super) fn write(&self) -> RwLockWriteGuard<'_, Buckets> {
        self.data
            .buckets
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let buckets = self.read();
        f.debug_struct("MemoryStore")
            .field("buckets", &buckets.keys().collect::<Vec<_>>())
            .field(
                "objects",
                &buckets
                    .values()
                    .map(|bucket| bucket.objects.len())
                    .sum::<usize>(),
            )
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use futures_util::FutureExt;

    use super::*;
    use crate::{Attributes, CreateUpload, HeadRequest, S3Url, Store, StoreExt};

    fn url(key: &str) -> S3Url {
        S3Url::from_parts("b", key).unwrap()
    }

    #[test]
    fn a_clone_shares_the_data_and_the_counts() {
        let store = MemoryStore::with_buckets(["b"]);
        let clone = store.clone();
        clone
            .put_bytes(url("k"), "x")
            .now_or_never()
            .unwrap()
            .unwrap();
        assert_eq!(store.object_count(), 1);
        assert_eq!(
            store.get_bytes(url("k")).now_or_never().unwrap().unwrap(),
            "x"
        );
        assert_eq!(clone.operations().to_string(), "1 get, 1 put");
    }

    #[test]
    fn objects_are_dated_by_the_clock_of_the_handle() {
        let time = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let store =
            MemoryStore::with_buckets(["b"]).with_clock(move || time + Duration::from_millis(999));
        store
            .put_bytes(url("k"), "x")
            .now_or_never()
            .unwrap()
            .unwrap();
        let meta = store
            .head(HeadRequest::new(url("k")))
            .now_or_never()
            .unwrap()
            .unwrap();
        assert_eq!(meta.last_modified, Some(time));
    }

    #[test]
    fn unfinished_uploads_are_counted() {
        let store = MemoryStore::with_buckets(["b"]);
        let create = CreateUpload::new(url("k"), Attributes::default());
        store.create_upload(create).now_or_never().unwrap().unwrap();
        assert_eq!((store.unfinished_uploads(), store.object_count()), (1, 0));
    }

    #[test]
    fn a_panic_in_another_thread_leaves_the_store_usable() {
        let store = MemoryStore::with_buckets(["b"]);
        let clone = store.clone();
        let thread = std::thread::spawn(move || {
            let _guard = clone.write();
            panic!("poisons the lock");
        });
        assert!(thread.join().is_err());
        store
            .put_bytes(url("k"), "x")
            .now_or_never()
            .unwrap()
            .unwrap();
        assert_eq!(store.object_count(), 1);
    }

    #[test]
    fn the_debug_text_shows_no_bytes() {
        let store = MemoryStore::with_buckets(["b"]);
        store
            .put_bytes(url("k"), "secret")
            .now_or_never()
            .unwrap()
            .unwrap();
        assert_eq!(
            format!("{store:?}"),
            "MemoryStore { buckets: [\"b\"], objects: 1, .. }"
        );
    }
}
