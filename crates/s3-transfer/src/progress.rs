//! How far a job is: what the stall rule and the retry policy go by.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// A count of bytes moved, shared between a job and the layers around it. Clone is a reference count.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    bytes: AtomicU64,
    waits: AtomicUsize,
}

impl Progress {
    /// Counts bytes that have moved.
    pub fn add(&self, bytes: u64) {
        self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Returns the bytes moved so far, over all attempts.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    /// Says that the job waits for something of our own, the disk or the memory budget, until the guard is dropped.
    /// Such a wait is no stall.
    #[must_use]
    pub fn own_wait(&self) -> OwnWait {
        self.0.waits.fetch_add(1, Ordering::Relaxed);
        OwnWait(self.clone())
    }

    /// Returns whether the job waits for something of our own.
    #[must_use]
    pub fn is_own_wait(&self) -> bool {
        self.0.waits.load(Ordering::Relaxed) > 0
    }
}

/// Ends a wait when dropped; see [`Progress::own_wait`].
#[derive(Debug)]
pub struct OwnWait(Progress);

impl Drop for OwnWait {
    fn drop(&mut self) {
        self.0.0.waits.fetch_sub(1, Ordering::Relaxed);
    }
}
