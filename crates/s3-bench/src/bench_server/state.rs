//! State of a benchmark server, shared by its connections: stored objects, multipart uploads, data pool, counters.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::config::BenchServerConfig;
use super::counters::Counters;
use super::keys::{KeptKey, Keys, push_hex};
use super::pool::Pool;

/// Pool, counters, stored objects and unfinished uploads.
#[derive(Debug)]
pub(super) struct State {
    pub(super) config: BenchServerConfig,
    pub(super) pool: Pool,
    pub(super) counters: Counters,
    left: Mutex<Left>,
}

/// The only bucket that stores uploads.
pub(super) const KEEP: &str = "keep";

/// Returns a value with the form of an ETag, without quotes, from the first bytes and the length of a kept object.
pub(super) fn kept_etag(body: &[u8]) -> String {
    let begin = body.iter().take(8);
    let mut etag = String::with_capacity(32);
    push_hex(begin.fold(0, |a, b| a << 8 | u64::from(*b)), &mut etag);
    push_hex(body.len() as u64, &mut etag);
    etag
}

#[derive(Debug, Default)]
struct Left {
    objects: BTreeMap<String, Bytes>,
    /// By upload and part number. In buckets that discard uploads, parts are empty.
    uploads: HashMap<String, BTreeMap<u32, Bytes>>,
    last_upload: u64,
}

impl State {
    pub(super) fn new(config: BenchServerConfig) -> io::Result<Arc<Self>> {
        Ok(Arc::new(Self {
            pool: Pool::new(config.pool_bytes)?,
            config,
            counters: Counters::default(),
            left: Mutex::default(),
        }))
    }

    fn left(&self) -> MutexGuard<'_, Left> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn reset(&self) {
        self.counters.reset();
        let mut left = self.left();
        left.objects.clear();
        left.uploads.clear();
    }

    pub(super) fn kept(&self, key: &str) -> Option<Bytes> {
        self.left().objects.get(key).cloned()
    }

    pub(super) fn keep(&self, key: String, body: Bytes) {
        self.left().objects.insert(key, body);
    }

    pub(super) fn forget(&self, key: &str) {
        self.left().objects.remove(key);
    }

    pub(super) fn keys(&self, bucket: &str) -> Keys {
        if bucket != KEEP {
            return Keys::of_bucket(bucket);
        }
        let left = self.left();
        let listed = left.objects.iter().map(|(key, body)| KeptKey {
            key: key.clone(),
            size: body.len() as u64,
            etag: kept_etag(body),
        });
        Keys::Kept(listed.collect())
    }

    pub(super) fn begin_upload(&self) -> String {
        let mut left = self.left();
        left.last_upload += 1;
        let id = format!("upload{:012}", left.last_upload);
        left.uploads.insert(id.clone(), BTreeMap::new());
        id
    }

    /// Stores a part. `false` if the upload does not exist.
    pub(super) fn add_part(&self, upload: &str, number: u32, body: Bytes) -> bool {
        let mut left = self.left();
        let Some(parts) = left.uploads.get_mut(upload) else {
            return false;
        };
        parts.insert(number, body);
        true
    }

    /// Removes an upload and returns its parts in order of their numbers; `None` if it does not exist.
    pub(super) fn end_upload(&self, upload: &str) -> Option<Vec<Bytes>> {
        let parts = self.left().uploads.remove(upload)?;
        Some(parts.into_values().collect())
    }
}
