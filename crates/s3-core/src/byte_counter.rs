//! [`ByteCounter`]: counts the bytes of a request or response that were sent or received, to detect stalls.

use std::fmt;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts the bytes of a payload, a page or a body that were sent or received over the network. Clone is a reference
/// count; two counters are equal if they share their count.
///
/// It shows that an attempt makes progress before the response is complete. It counts the bytes that the backend passes
/// to and reads from the operating system, headers and repeated bytes included, so it does not measure how much has
/// arrived. A backend without a network counts nothing.
///
/// # Examples
///
/// ```
/// use s3_core::{ByteCounter, Payload};
///
/// let sent = ByteCounter::default();
/// let payload = Payload::from("hiss").counted_by(sent.clone());
/// // A store does this while it sends.
/// if let Some(count) = payload.byte_counter() {
///     count.add(payload.len());
/// }
/// assert_eq!(sent.bytes(), 4);
/// ```
#[derive(Clone)]
pub struct ByteCounter(Arc<dyn AsRef<AtomicU64> + Send + Sync>);

/// The count of a counter that is not part of a larger struct.
struct OwnCount(AtomicU64);

impl AsRef<AtomicU64> for OwnCount {
    fn as_ref(&self) -> &AtomicU64 {
        &self.0
    }
}

impl ByteCounter {
    /// Returns a counter whose count is a field of `counts`. Allocates nothing.
    #[must_use]
    pub fn within<Counts>(counts: Arc<Counts>) -> Self
    where
        Counts: AsRef<AtomicU64> + Send + Sync + 'static,
    {
        Self(counts)
    }

    /// Adds bytes that were sent or received.
    pub fn add(&self, bytes: u64) {
        (*self.0).as_ref().fetch_add(bytes, Ordering::Relaxed);
    }

    /// Returns the atomic that holds the count.
    #[cfg(feature = "sdk")]
    pub(crate) fn as_atomic(&self) -> &AtomicU64 {
        (*self.0).as_ref()
    }

    /// Returns the number of bytes sent or received so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        (*self.0).as_ref().load(Ordering::Relaxed)
    }
}

impl Default for ByteCounter {
    fn default() -> Self {
        Self::within(Arc::new(OwnCount(AtomicU64::new(0))))
    }
}

impl fmt::Debug for ByteCounter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ByteCounter").field(&self.bytes()).finish()
    }
}

impl PartialEq for ByteCounter {
    fn eq(&self, other: &Self) -> bool {
        ptr::addr_eq(Arc::as_ptr(&self.0), Arc::as_ptr(&other.0))
    }
}

impl Eq for ByteCounter {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_equal_if_they_share_their_count() {
        let counts = Arc::new(OwnCount(AtomicU64::new(5)));
        let counter = ByteCounter::within(Arc::clone(&counts));
        counter.clone().add(2);
        assert_eq!(counter.bytes(), 7);
        assert_eq!(counter, ByteCounter::within(counts));
        assert_ne!(ByteCounter::default(), ByteCounter::default());
    }
}
