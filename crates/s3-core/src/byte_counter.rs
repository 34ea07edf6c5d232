//! How much of a request or of its answer has moved.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A count of the bytes of a payload that have been handed to the network, or of a page that have come from it. Clone
/// is a reference count; two are equal if they are the same count.
///
/// Whoever sends a payload or asks for a page over a slow line can tell with it that the attempt moves, long before
/// there is an answer, or all of it. It counts what a backend has given to the operating system or got from it, the request's
/// head and repeated bytes included, so it is a sign of life and no measure of what has arrived. A backend without a
/// network counts nothing.
///
/// # Examples
///
/// ```
/// use s3_core::{ByteCounter, Payload};
///
/// let moved = ByteCounter::default();
/// let payload = Payload::from("hiss").counted_by(moved.clone());
/// // A store does this while it sends.
/// if let Some(count) = payload.moved() {
///     count.add(payload.len());
/// }
/// assert_eq!(moved.bytes(), 4);
/// ```
#[derive(Clone, Debug, Default)]
pub struct ByteCounter(Arc<AtomicU64>);

impl ByteCounter {
    /// Counts bytes that have moved.
    pub fn add(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Returns the count itself.
    #[cfg(feature = "sdk")]
    pub(crate) fn as_atomic(&self) -> &AtomicU64 {
        &self.0
    }

    /// Returns the bytes that have moved so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl PartialEq for ByteCounter {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for ByteCounter {}
