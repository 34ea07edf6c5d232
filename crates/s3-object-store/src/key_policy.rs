//! [`UnlistableKeys`]: policy of listings for keys that object_store cannot represent, such as `a//b`: skip or fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Policy of listings for a key that is not an object_store path, such as `a//b` or `./x`: object_store would read
/// another object under that path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnlistableKeys {
    /// Skips the key, counts it, and warns once per listing.
    #[default]
    Skip,
    /// Fails the listing.
    Error,
}

/// Counts the keys that one listing skips, and warns when it ends.
#[derive(Debug)]
pub(crate) struct SkippedKeys {
    listing: String,
    count: u64,
    total: Arc<AtomicU64>,
}

impl SkippedKeys {
    pub(crate) fn new(listing: &str, total: &Arc<AtomicU64>) -> Self {
        Self {
            listing: listing.to_owned(),
            count: 0,
            total: Arc::clone(total),
        }
    }

    pub(crate) fn add(&mut self) {
        self.count += 1;
        self.total.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for SkippedKeys {
    fn drop(&mut self) {
        if self.count > 0 {
            tracing::warn!(
                listing = self.listing,
                keys = self.count,
                "keys that are not paths of object_store were left out of a listing"
            );
        }
    }
}
