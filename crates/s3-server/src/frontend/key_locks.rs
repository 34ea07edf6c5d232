//! [`KeyLocks`]: a lock per key, under which an object and its extras change in one step.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use s3_core::S3Url;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

/// The read-write locks of the keys that are in use.
///
/// A task that holds one takes no other, except through [`write_all`](Self::write_all), which locks in the order of
/// keys. It takes its [`WritePermit`](super::write_conditions::WritePermit) first.
#[derive(Debug, Default)]
pub(super) struct KeyLocks(Mutex<HashMap<S3Url, Arc<RwLock<()>>>>);

/// A lock that is held or waited for.
pub(super) struct KeyGuard<'locks> {
    locks: &'locks KeyLocks,
    url: S3Url,
    held: Option<Held>,
}

enum Held {
    Shared(#[expect(dead_code, reason = "held")] OwnedRwLockReadGuard<()>),
    Alone(#[expect(dead_code, reason = "held")] OwnedRwLockWriteGuard<()>),
}

impl KeyLocks {
    /// Locks an object and its extras for reading.
    pub(super) async fn read(&self, url: &S3Url) -> KeyGuard<'_> {
        let mut guard = self.waiting(url);
        guard.held = Some(Held::Shared(self.lock_of(url).read_owned().await));
        guard
    }

    /// Locks an object and its extras for writing.
    pub(super) async fn write(&self, url: &S3Url) -> KeyGuard<'_> {
        let mut guard = self.waiting(url);
        guard.held = Some(Held::Alone(self.lock_of(url).write_owned().await));
        guard
    }

    /// Locks several objects for writing, in the order of their URLs, so that two requests cannot deadlock.
    pub(super) async fn write_all(
        &self,
        urls: impl Iterator<Item = &S3Url> + Send,
    ) -> Vec<KeyGuard<'_>> {
        let mut urls: Vec<_> = urls.collect();
        urls.sort_unstable_by_key(|url| url.as_str());
        urls.dedup();
        let mut guards = Vec::with_capacity(urls.len());
        for url in urls {
            guards.push(self.write(url).await);
        }
        guards
    }

    fn waiting(&self, url: &S3Url) -> KeyGuard<'_> {
        KeyGuard {
            locks: self,
            url: url.clone(),
            held: None,
        }
    }

    fn lock_of(&self, url: &S3Url) -> Arc<RwLock<()>> {
        Arc::clone(self.table().entry(url.clone()).or_default())
    }

    fn table(&self) -> MutexGuard<'_, HashMap<S3Url, Arc<RwLock<()>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes the lock from the table with its last user, including a user that stopped waiting.
impl Drop for KeyGuard<'_> {
    fn drop(&mut self) {
        self.held = None;
        let mut table = self.locks.table();
        if { table.get(&self.url) }.is_some_and(|lock| Arc::strong_count(lock) == 1) {
            table.remove(&self.url);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_lock_is_per_key_and_lives_as_long_as_it_is_used() {
        let locks = KeyLocks::default();
        let [a, b] = ["s3://b/a", "s3://b/b"].map(|url| S3Url::parse(url).unwrap());
        let second = Duration::from_secs(1);
        let reading = locks.read(&a).await;
        let both = locks.read(&a).await;
        assert!(timeout(second, locks.write(&a)).await.is_err());
        let writing = locks.write(&b).await;
        assert!(timeout(second, locks.read(&b)).await.is_err());
        assert!(
            timeout(second, locks.write_all([&b, &a, &b].into_iter()))
                .await
                .is_err()
        );
        drop((reading, both, writing));
        assert_eq!(locks.write_all([&b, &a, &b].into_iter()).await.len(), 2);
        assert!(locks.table().is_empty());
    }
}
