//! How far a job is: what the stall rule and the retry policy go by.
//!
//! The two want different things. Any sign of the other side shows that an attempt has not stalled; only bytes that
//! need not move again justify further attempts, or a server that breaks every answer would be asked for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// A count of bytes moved, shared between a job and the layers around it. Clone is a reference count.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    bytes: AtomicU64,
    signs: AtomicU64,
    waits: AtomicUsize,
}

impl Progress {
    /// Counts bytes that have moved and need not move again.
    pub fn add(&self, bytes: u64) {
        self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Says how many bytes the job holds. Bytes that were lost and have moved again do not count twice.
    pub fn reach(&self, held: u64) {
        self.0.bytes.fetch_max(held, Ordering::Relaxed);
    }

    /// Says that the other side has shown itself, which is no stall, although it may bring the job no further.
    pub fn sign(&self) {
        self.0.signs.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns a number that changes whenever the other side moves.
    #[must_use]
    pub fn pulse(&self) -> u64 {
        self.bytes()
            .wrapping_add(self.0.signs.load(Ordering::Relaxed))
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
