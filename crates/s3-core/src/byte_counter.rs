//! [`ByteCounter`]: bytes of a request or response that have moved over the network.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts the bytes of a payload or of a page that have moved over the network. Clone is a reference count; two counters
/// are equal if they share their count.
///
/// It shows that an attempt makes progress before the response is complete. It counts what the backend passes to and
/// reads from the operating system, headers and repeated bytes included, so it does not measure how much has arrived. A
/// backend without a network counts nothing.
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
    /// Adds bytes that have moved.
    pub fn add(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Returns the count itself.
    #[cfg(feature = "sdk")]
    pub(crate) fn as_atomic(&self) -> &AtomicU64 {
        &self.0
    }

    /// Returns the number of bytes that have moved so far.
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
