//! [`S3Registry`]: a DataFusion `ObjectStoreRegistry` that creates the `ObjectStore` of a bucket on first use.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::object_store::{DefaultObjectStoreRegistry, ObjectStoreRegistry};
use object_store_0_13::ObjectStore;
use s3_core::Encryption;
use s3_object_store::UnlistableKeys;
use s3_object_store::v0_13::S3ObjectStore;
use s3_transfer::Transfer;
use url::Url;

/// Creates the store of a bucket on first use; all stores share one engine and its threads.
///
/// Other schemes and explicitly registered stores are handled by the default registry of DataFusion.
#[derive(Debug)]
pub struct S3Registry {
    any_bucket: S3ObjectStore,
    buckets: Mutex<HashMap<String, Arc<dyn ObjectStore>>>,
    others: DefaultObjectStoreRegistry,
}

impl S3Registry {
    /// Returns a registry over an engine, such as that of a client. It does not use the encryption of the client: set
    /// it with [`with_encryption`](Self::with_encryption).
    ///
    /// # Errors
    ///
    /// If the threads of its stores cannot be started.
    pub fn new(transfer: Transfer) -> io::Result<Self> {
        Ok(Self {
            any_bucket: S3ObjectStore::builder(transfer, "").build()?,
            buckets: Mutex::default(),
            others: DefaultObjectStoreRegistry::new(),
        })
    }

    /// Returns a registry whose stores pin each object to the first version that they list, head or read. A query fails
    /// if it reads an object that was replaced later.
    ///
    /// Its stores are new, so it does not contain registered stores.
    #[must_use]
    pub fn pinned(&self) -> Self {
        Self {
            any_bucket: self.any_bucket.pinned(),
            buckets: Mutex::default(),
            others: DefaultObjectStoreRegistry::new(),
        }
    }

    /// Returns a registry over the same engine and threads with this policy for keys that are not object_store paths;
    /// `Skip` by default. It does not contain registered stores.
    #[must_use]
    pub fn with_unlistable_keys(&self, policy: UnlistableKeys) -> Self {
        Self {
            any_bucket: self.any_bucket.with_unlistable_keys(policy),
            buckets: Mutex::default(),
            others: DefaultObjectStoreRegistry::new(),
        }
    }

    /// Returns a registry over the same engine and threads whose stores write and copy objects with this server-side
    /// encryption. It does not contain registered stores.
    #[must_use]
    pub fn with_encryption(&self, encryption: Encryption) -> Self {
        Self {
            any_bucket: self.any_bucket.with_encryption(encryption),
            buckets: Mutex::default(),
            others: DefaultObjectStoreRegistry::new(),
        }
    }

    fn buckets(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<dyn ObjectStore>>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the bucket of an `s3://` URL.
fn bucket_of(url: &Url) -> Option<&str> {
    url.host_str().filter(|_| url.scheme() == "s3")
}

impl ObjectStoreRegistry for S3Registry {
    fn register_store(
        &self,
        url: &Url,
        store: Arc<dyn ObjectStore>,
    ) -> Option<Arc<dyn ObjectStore>> {
        match bucket_of(url) {
            Some(bucket) => self.buckets().insert(bucket.to_owned(), store),
            None => self.others.register_store(url, store),
        }
    }

    fn deregister_store(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        let Some(bucket) = bucket_of(url) else {
            return self.others.deregister_store(url);
        };
        let missing = || DataFusionError::Execution(format!("no store is registered for {url}"));
        self.buckets().remove(bucket).ok_or_else(missing)
    }

    fn get_store(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        let Some(bucket) = bucket_of(url) else {
            return self.others.get_store(url);
        };
        let mut buckets = self.buckets();
        let store = buckets
            .entry(bucket.to_owned())
            .or_insert_with(|| Arc::new(self.any_bucket.for_bucket(bucket)));
        Ok(Arc::clone(store))
    }
}

#[cfg(test)]
mod tests {
    use object_store_0_13::memory::InMemory;
    use s3_core::MemoryStore;
    use s3_transfer::TransferConfig;

    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn each_bucket_has_one_store() {
        let memory = MemoryStore::with_buckets(["a", "b"]);
        let registry = S3Registry::new(Transfer::new(memory, TransferConfig::default())).unwrap();
        let get = |text| registry.get_store(&url(text)).unwrap();
        let (a, b) = (get("s3://a/x"), get("s3://b/x"));
        assert!(Arc::ptr_eq(&a, &get("s3://a/other")));
        assert!(!Arc::ptr_eq(&a, &b));
        assert_eq!(
            (a.to_string(), b.to_string()),
            ("S3(a)".into(), "S3(b)".into())
        );

        let own: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let before = registry.register_store(&url("s3://a"), Arc::clone(&own));
        assert!(before.is_some_and(|before| Arc::ptr_eq(&before, &a)));
        assert!(Arc::ptr_eq(&get("s3://a/x"), &own));
        // Registries that are derived from it have none of its stores.
        for other in [
            registry.pinned(),
            registry.with_unlistable_keys(UnlistableKeys::Error),
            registry.with_encryption(Encryption::new("AES256")),
        ] {
            let store = other.get_store(&url("s3://a")).unwrap();
            assert_eq!(store.to_string(), "S3(a)");
        }
        let gone = registry.deregister_store(&url("s3://a")).unwrap();
        assert!(Arc::ptr_eq(&gone, &own));
        registry.deregister_store(&url("s3://a")).unwrap_err();
        // Another store is created.
        assert_eq!(get("s3://a/x").to_string(), "S3(a)");
        assert!(!Arc::ptr_eq(&get("s3://a/x"), &a));
    }

    #[test]
    fn other_schemes_are_those_of_datafusion() {
        let memory = MemoryStore::with_buckets(["a"]);
        let registry = S3Registry::new(Transfer::new(memory, TransferConfig::default())).unwrap();
        let file = registry.get_store(&url("file:///tmp/x")).unwrap();
        assert!(file.to_string().starts_with("LocalFileSystem"), "{file}");
        let http = url("http://host/x");
        registry.get_store(&http).unwrap_err();
        let own: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        assert!(registry.register_store(&http, Arc::clone(&own)).is_none());
        assert!(Arc::ptr_eq(&registry.get_store(&http).unwrap(), &own));
        assert!(Arc::ptr_eq(
            &registry.deregister_store(&http).unwrap(),
            &own
        ));
        registry.get_store(&http).unwrap_err();
    }
}
