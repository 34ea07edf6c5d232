//! [`Progress`]: counters of a running job: bytes kept, heartbeats, local waits.
//!
//! Bytes and heartbeats are counted separately. Any event of the server shows that an attempt has not stalled. Only
//! bytes that need not be sent again justify another attempt; otherwise a server that interrupts every body would be
//! retried forever.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use s3_core::ByteCounter;

/// Counters shared by a job and the layers around it. Clone is a reference count.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<ProgressCounters>);

#[derive(Debug, Default)]
struct ProgressCounters {
    bytes: AtomicU64,
    heartbeats: AtomicU64,
    local_waits: AtomicUsize,
}

impl AsRef<AtomicU64> for ProgressCounters {
    fn as_ref(&self) -> &AtomicU64 {
        &self.heartbeats
    }
}

impl Progress {
    /// Adds bytes that have moved and need not move again.
    pub fn add(&self, bytes: u64) {
        self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Raises the number of bytes that the job has stored. Does not lower it: bytes that are lost and received again
    /// count once.
    pub fn reach(&self, held: u64) {
        self.0.bytes.fetch_max(held, Ordering::Relaxed);
    }

    /// Records an event of the server that is not progress, such as response headers.
    pub fn heartbeat(&self) {
        self.0.heartbeats.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns a counter whose bytes count as heartbeats, for a store that receives bytes before it responds.
    pub(crate) fn heartbeat_counter(&self) -> ByteCounter {
        ByteCounter::within(Arc::clone(&self.0))
    }

    /// Returns a number that changes with every byte and heartbeat.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.bytes()
            .wrapping_add(self.0.heartbeats.load(Ordering::Relaxed))
    }

    /// Returns the bytes moved so far, over all attempts.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    /// Marks a wait for a local resource, such as the disk or the memory budget, until the guard is dropped. Such a
    /// wait is not a stall.
    #[must_use]
    pub fn local_wait(&self) -> LocalWait {
        self.0.local_waits.fetch_add(1, Ordering::Relaxed);
        LocalWait(self.clone())
    }

    /// Returns whether the job waits for a local resource.
    #[must_use]
    pub fn is_local_wait(&self) -> bool {
        self.0.local_waits.load(Ordering::Relaxed) > 0
    }
}

/// Ends a wait when dropped; see [`Progress::local_wait`].
#[derive(Debug)]
pub struct LocalWait(Progress);

impl Drop for LocalWait {
    fn drop(&mut self) {
        self.0.0.local_waits.fetch_sub(1, Ordering::Relaxed);
    }
}
