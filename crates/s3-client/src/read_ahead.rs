//! Read-ahead budget: how many bytes a stream of downloads may be ahead of its reader.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// How many bytes may be in flight or in memory and not yet read: 48 MiB.
const MAX_AHEAD: u64 = 48 << 20;

/// The bytes that are expected or downloaded and not yet read. Clone is a reference count.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReadAhead(Arc<Budget>);

#[derive(Debug, Default)]
struct Budget {
    state: Mutex<Counters>,
    room: Notify,
}

#[derive(Debug, Default)]
struct Counters {
    /// Bytes that are expected or downloaded.
    bytes: u64,
    /// Objects and bytes so far, to estimate unknown sizes.
    objects: u64,
    total: u64,
}

/// A download in flight. Dropping it counts as its failure.
#[derive(Debug)]
pub(crate) struct Expected {
    ahead: ReadAhead,
    bytes: u64,
}

impl ReadAhead {
    /// Waits until there is room for a download, of `size` bytes if that is known.
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
        // A range may be far longer than its object. A single download always has room.
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

    /// Gives back bytes that were read.
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
        // `drop` has nothing to give back.
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
    fn unknown_sizes_are_guessed_and_failures_take_no_room() {
        let ahead = ReadAhead::default();
        let first = ahead.room(None).now_or_never().unwrap();
        first.arrived(MAX_AHEAD / 2);
        let second = ahead.room(None).now_or_never().unwrap();
        assert!(ahead.room(None).now_or_never().is_none());
        drop(second);
        assert!(ahead.room(None).now_or_never().is_some());
    }

    #[test]
    fn the_longest_of_ranges_are_no_more_than_all_room() {
        let ahead = ReadAhead::default();
        let first = ahead.room(Some(1)).now_or_never().unwrap();
        assert!(ahead.room(Some(u64::MAX)).now_or_never().is_none());
        first.arrived(0);
        assert!(ahead.room(Some(u64::MAX)).now_or_never().is_some());
    }

    #[test]
    fn an_object_larger_than_all_room_comes_alone() {
        let ahead = ReadAhead::default();
        let large = ahead.room(Some(10 * MAX_AHEAD)).now_or_never().unwrap();
        assert!(ahead.room(Some(1)).now_or_never().is_none());
        large.arrived(10 * MAX_AHEAD);
        ahead.take(10 * MAX_AHEAD);
        assert!(ahead.room(Some(1)).now_or_never().is_some());
    }
}
