//! [`Harness`]: the store and bucket of a conformance case, and helpers for common calls.

use std::any::Any;
use std::fmt;

use bytes::Bytes;
use s3_core::{
    GetRequest, GetResponse, HeadRequest, ListRequest, ListUploads, ListedUpload, ObjectMeta,
    PutRequest, PutResponse, S3Prefix, S3Url, SharedStore, Store, StoreExt,
};

use super::assertions::succeeds;

/// A store and a bucket for one case.
///
/// The helpers panic with the store's error if a call fails.
pub struct Harness {
    /// The backend.
    pub store: SharedStore,
    /// An existing bucket. Cases also use its name followed by `-other`, `-missing` and `-b…`.
    pub bucket: String,
    /// The prefix of all keys: empty if the case has its own bucket, unique to the case in a shared one.
    pub prefix: String,
    /// Known failures of the backend, with reasons: `("get::one_byte_comes_back", "…")`.
    pub known_failures: &'static [(&'static str, &'static str)],
    /// A value that must live as long as the case: a server, a temporary directory.
    pub keep_alive: Box<dyn Any + Send + Sync>,
}

impl Harness {
    /// Returns a harness with its own store and bucket.
    #[must_use]
    pub fn new(store: impl Store, bucket: impl Into<String>) -> Self {
        Self {
            store: SharedStore::new(store),
            bucket: bucket.into(),
            prefix: String::new(),
            known_failures: &[],
            keep_alive: Box::new(()),
        }
    }

    /// Sets the prefix of all keys, in a shared bucket.
    #[must_use]
    pub fn with_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets the known failures of the backend, with reasons.
    ///
    /// For third-party servers whose faults are not covered by [`Capabilities`](s3_core::Capabilities). The cases still
    /// run; one that passes is an error, so that the list stays correct.
    #[must_use]
    pub fn failing(mut self, cases: &'static [(&'static str, &'static str)]) -> Self {
        self.known_failures = cases;
        self
    }

    /// Returns the reason of a known failure.
    pub(super) fn known_failure(&self, case: &str) -> Option<&'static str> {
        self.known_failures
            .iter()
            .find(|(name, _)| *name == case)
            .map(|&(_, reason)| reason)
    }

    /// Keeps a value alive until the end of the case.
    #[must_use]
    pub fn keeping(mut self, value: impl Any + Send + Sync) -> Self {
        self.keep_alive = Box::new(value);
        self
    }

    /// Returns the URL of a key of the case.
    #[must_use]
    pub fn url(&self, key: &str) -> S3Url {
        S3Url::from_parts(&self.bucket, &format!("{}{key}", self.prefix))
            .unwrap_or_else(|error| panic!("the case uses an invalid key: {error}"))
    }

    /// Returns a prefix of the keys of the case.
    #[must_use]
    pub fn prefix(&self, prefix: &str) -> S3Prefix {
        prefix_in(&self.bucket, &format!("{}{prefix}", self.prefix))
    }

    /// Returns a request to list the keys with `prefix`.
    #[must_use]
    pub fn listing(&self, prefix: &str) -> ListRequest {
        ListRequest::new(self.prefix(prefix))
    }

    /// Returns the key of a URL without the prefix of the case.
    #[must_use]
    pub fn name(&self, url: &S3Url) -> String {
        self.strip(url.key())
    }

    /// Returns a key or prefix without the prefix of the case.
    #[must_use]
    pub fn strip(&self, key: &str) -> String {
        let name = key.strip_prefix(&self.prefix);
        name.unwrap_or_else(|| panic!("{key:?} does not begin with {:?}", self.prefix))
            .to_owned()
    }

    /// Writes an object.
    pub async fn put(&self, key: &str, bytes: impl Into<Bytes> + Send) -> PutResponse {
        succeeds(self.store.put_bytes(self.url(key), bytes).await)
    }

    /// Writes empty objects.
    pub async fn put_all(&self, keys: &[&str]) {
        for key in keys {
            self.put(key, "").await;
        }
    }

    /// Writes an object with a request that `change` completes.
    pub async fn put_with(
        &self,
        key: &str,
        bytes: impl Into<Bytes> + Send,
        change: impl FnOnce(&mut PutRequest) + Send,
    ) -> s3_core::Result<PutResponse> {
        let mut request = PutRequest::new(self.url(key), bytes.into().into());
        change(&mut request);
        self.store.put(request).await
    }

    /// Opens an object for reading.
    pub async fn get(&self, key: &str) -> GetResponse {
        succeeds(self.store.get(GetRequest::new(self.url(key))).await)
    }

    /// Reads a whole object.
    pub async fn read(&self, key: &str) -> Bytes {
        succeeds(self.store.get_bytes(self.url(key)).await)
    }

    /// Reads the metadata of an object.
    pub async fn head(&self, key: &str) -> ObjectMeta {
        succeeds(self.store.head(HeadRequest::new(self.url(key))).await)
    }

    /// Returns whether the object exists.
    pub async fn exists(&self, key: &str) -> bool {
        succeeds(self.store.exists(self.url(key)).await)
    }

    /// Returns the first page of the unfinished uploads of the case.
    pub async fn unfinished(&self) -> Vec<ListedUpload> {
        succeeds(
            self.store
                .list_uploads(ListUploads::new(self.prefix("")))
                .await,
        )
        .uploads
    }
}

/// Returns a prefix of a bucket.
pub(super) fn prefix_in(bucket: &str, prefix: &str) -> S3Prefix {
    S3Prefix::from_parts(bucket, prefix)
        .unwrap_or_else(|error| panic!("the case uses an invalid prefix: {error}"))
}

impl fmt::Debug for Harness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Harness")
            .field("store", &self.store)
            .field("bucket", &self.bucket)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}
