//! What a case works with: a store, a bucket, and the few calls that every case makes.

use std::any::Any;
use std::fmt;

use bytes::Bytes;
use s3_core::{
    GetRequest, GetResponse, HeadRequest, ListRequest, ListUploads, ListedUpload, ObjectMeta,
    PutRequest, PutResponse, S3Prefix, S3Url, SharedStore, Store, StoreExt,
};

use super::demand::done;

/// A store and a bucket that one case has for itself.
///
/// The helpers panic when the store fails, with the store's error.
pub struct Harness {
    /// The backend.
    pub store: SharedStore,
    /// A bucket that exists. Names with `-other`, `-missing` and `-b…` behind it are used by the cases too.
    pub bucket: String,
    /// What every key begins with: empty in a bucket of the case's own, unique to the case in a shared one.
    pub prefix: String,
    /// Cases that the backend is known to fail, and why: `("get::one_byte_comes_back", "…")`.
    pub known_failures: &'static [(&'static str, &'static str)],
    /// What must live as long as the case: a server, a temporary directory.
    pub keep_alive: Box<dyn Any + Send + Sync>,
}

impl Harness {
    /// Returns a harness of a store and a bucket that the case has for itself.
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

    /// Puts all keys behind a prefix, in a bucket that cases share.
    #[must_use]
    pub fn with_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Names cases that the backend is known to fail, and why.
    ///
    /// Meant for servers of others, whose faults the [`Capabilities`](s3_core::Capabilities) have no word for. The
    /// cases are run all the same; one that passes is an error, so that the list stays true.
    #[must_use]
    pub fn failing(mut self, cases: &'static [(&'static str, &'static str)]) -> Self {
        self.known_failures = cases;
        self
    }

    /// Returns why the backend fails a case, if it is known to.
    pub(super) fn known_failure(&self, case: &str) -> Option<&'static str> {
        self.known_failures
            .iter()
            .find(|(name, _)| *name == case)
            .map(|&(_, reason)| reason)
    }

    /// Keeps a value until the case is over.
    #[must_use]
    pub fn keeping(mut self, value: impl Any + Send + Sync) -> Self {
        self.keep_alive = Box::new(value);
        self
    }

    /// Returns the URL of a key of the case.
    #[must_use]
    pub fn url(&self, key: &str) -> S3Url {
        S3Url::from_parts(&self.bucket, &format!("{}{key}", self.prefix))
            .unwrap_or_else(|error| panic!("the case uses a key that is none: {error}"))
    }

    /// Returns a prefix of keys of the case; the empty one is all of them.
    #[must_use]
    pub fn prefix(&self, prefix: &str) -> S3Prefix {
        prefix_in(&self.bucket, &format!("{}{prefix}", self.prefix))
    }

    /// Returns a request to list the keys that begin with `prefix`.
    #[must_use]
    pub fn listing(&self, prefix: &str) -> ListRequest {
        ListRequest::new(self.prefix(prefix))
    }

    /// Returns the key of a listed URL as the case wrote it.
    #[must_use]
    pub fn name(&self, url: &S3Url) -> String {
        self.strip(url.key())
    }

    /// Returns a key or a prefix without what every key of the case begins with.
    #[must_use]
    pub fn strip(&self, key: &str) -> String {
        let name = key.strip_prefix(&self.prefix);
        name.unwrap_or_else(|| panic!("{key:?} does not begin with {:?}", self.prefix))
            .to_owned()
    }

    /// Writes an object.
    pub async fn put(&self, key: &str, bytes: impl Into<Bytes> + Send) -> PutResponse {
        done(self.store.put_bytes(self.url(key), bytes).await)
    }

    /// Writes empty objects.
    pub async fn put_all(&self, keys: &[&str]) {
        for key in keys {
            self.put(key, "").await;
        }
    }

    /// Writes an object as the request says, of which `change` sets the rest.
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
        done(self.store.get(GetRequest::new(self.url(key))).await)
    }

    /// Reads a whole object.
    pub async fn read(&self, key: &str) -> Bytes {
        done(self.store.get_bytes(self.url(key)).await)
    }

    /// Reads an object's description.
    pub async fn head(&self, key: &str) -> ObjectMeta {
        done(self.store.head(HeadRequest::new(self.url(key))).await)
    }

    /// Returns whether there is an object.
    pub async fn exists(&self, key: &str) -> bool {
        done(self.store.exists(self.url(key)).await)
    }

    /// Returns the uploads of the case that are not finished, of the first page.
    pub async fn unfinished(&self) -> Vec<ListedUpload> {
        done(
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
        .unwrap_or_else(|error| panic!("the case uses a prefix that is none: {error}"))
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
