//! [`ReadAhead`]: limits the bytes that a stream of downloads may read ahead of its consumer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Maximum number of bytes that are in flight or in memory and not yet read: 48 MiB.
const MAX_AHEAD: u64 = 48 << 20;

/// The budget for bytes in flight or in memory that are not yet read. Clone is a reference count.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReadAhead(Arc<Budget>);

#[derive(Debug, Default)]
struct Budget {
    state: Mutex<Counters>,
    room: Notify,
}

#[derive(Debug, Default)]
struct Counters {
    /// Number of bytes in flight or in memory.
    bytes: u64,
    /// Numbers of objects and bytes so far, to estimate unknown sizes.
    objects: u64,
    total: u64,
}

/// A download in flight. Dropping it returns its bytes to the budget, as for a failed download.
#[derive(Debug)]
pub(crate) struct Expected {
    ahead: ReadAhead,
    bytes: u64,
}

impl ReadAhead {
    /// Waits until the budget has room for a download of `size` bytes, or of the average size if it is unknown.
    pub(crate) async fn room(&self, size: Option<u64>) -> Expected {
        loop {
            let room = self.0.room.notified();
            if let Some(expected) = self.try_room(size) {
                return expected;
            }
            room.await;
        }
    }

    fn try_room(&self, size: Option<u64>) -> Option<Expected> {
        let mut state = self.state();
        let usual = state.total.checked_div(state.objects).unwrap_or_default();
        // A range may be far longer than its object. One download always fits.
        let bytes = size.unwrap_or(usual).min(MAX_AHEAD);
        if state.bytes > 0 && state.bytes + bytes > MAX_AHEAD {
            return None;
        }
        state.bytes += bytes;
        Some(Expected {
            ahead: self.clone(),
            bytes,
        })
    }

    /// Returns bytes that were read to the budget.
    pub(crate) fn take(&self, bytes: u64) {
        self.state().bytes -= bytes;
        self.0.room.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, Counters> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Expected {
    /// Counts the download as complete, with `bytes` bytes in memory.
    pub(crate) fn arrived(mut self, bytes: u64) {
        let mut state = self.ahead.state();
        state.bytes = state.bytes - self.bytes + bytes;
        state.objects += 1;
        state.total += bytes;
        drop(state);
        // So that `drop` returns nothing to the budget.
        self.bytes = 0;
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        self.ahead.take(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_full_stream_waits_for_its_reader() {
        let ahead = ReadAhead::default();
        let expected = ahead.room(Some(MAX_AHEAD)).now_or_never().unwrap();
        let mut waiting = Box::pin(ahead.room(Some(1)));
        assert!(waiting.as_mut().now_or_never().is_none());
        expected.arrived(MAX_AHEAD);
        assert!(waiting.as_mut().now_or_never().is_none());
        ahead.take(MAX_AHEAD);
        assert!(waiting.now_or_never().is_some());
    }

    #[test]
    fn unknown_sizes_are_estimated_and_failures_return_their_bytes() {
        let ahead = ReadAhead::default();
        let first = ahead.room(None).now_or_never().unwrap();
        first.arrived(MAX_AHEAD / 2);
        let second = ahead.room(None).now_or_never().unwrap();
        assert!(ahead.room(None).now_or_never().is_none());
        drop(second);
        assert!(ahead.room(None).now_or_never().is_some());
    }

    #[test]
    fn a_huge_range_takes_at_most_the_whole_budget() {
        let ahead = ReadAhead::default();
        let first = ahead.room(Some(1)).now_or_never().unwrap();
        assert!(ahead.room(Some(u64::MAX)).now_or_never().is_none());
        first.arrived(0);
        assert!(ahead.room(Some(u64::MAX)).now_or_never().is_some());
    }

    #[test]
    fn an_object_larger_than_the_budget_is_downloaded_alone() {
        let ahead = ReadAhead::default();
        let large = ahead.room(Some(10 * MAX_AHEAD)).now_or_never().unwrap();
        assert!(ahead.room(Some(1)).now_or_never().is_none());
        large.arrived(10 * MAX_AHEAD);
        ahead.take(10 * MAX_AHEAD);
        assert!(ahead.room(Some(1)).now_or_never().is_some());
    }
}
