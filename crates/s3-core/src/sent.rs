//! How much of a payload has left.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A count of the bytes of a request that have been handed to the network. Clone is a reference count.
///
/// Whoever sends a payload over a slow line can tell with it that the attempt moves, long before there is an answer. It
/// counts what a backend has given to the operating system, the request's head and repeated bytes included, so it is a
/// sign of life and no measure of what has arrived. A backend without a network counts nothing.
///
/// # Examples
///
/// ```
/// use s3_core::{Payload, Sent};
///
/// let sent = Sent::default();
/// let payload = Payload::from("hiss").counted_by(sent.clone());
/// // A store does this while it sends.
/// if let Some(count) = payload.sent() {
///     count.add(payload.len());
/// }
/// assert_eq!(sent.bytes(), 4);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Sent(Arc<AtomicU64>);

impl Sent {
    /// Counts bytes that have left.
    pub fn add(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Returns the bytes that have left so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
