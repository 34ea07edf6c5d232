//! How far a stream of downloads runs ahead of its reader, in bytes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// So much may be on its way into memory or lie there before the reader has taken it.
const MOST: u64 = 48 << 20;

/// What is downloaded for a reader and is not read yet. Clone is a reference count.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReadAhead(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    room: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Bytes that are expected or there.
    bytes: u64,
    /// What has come so far: sizes that are not known are guessed by it.
    objects: u64,
    total: u64,
}

/// A download under way. Dropped, it is taken for failed.
#[derive(Debug)]
pub(crate) struct Expected {
    ahead: ReadAhead,
    bytes: u64,
}

impl ReadAhead {
    /// Waits until there is room for a download, of so many bytes if that is known.
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
        // A range may be asked for that is far longer than its object. One is always let in, however large.
        let bytes = size.unwrap_or(usual).min(MOST);
        if state.bytes > 0 && state.bytes + bytes > MOST {
            return None;
        }
        state.bytes += bytes;
        Some(Expected {
            ahead: self.clone(),
            bytes,
        })
    }

    /// The reader has taken so many bytes.
    pub(crate) fn take(&self, bytes: u64) {
        self.state().bytes -= bytes;
        self.0.room.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Expected {
    /// The download is there, and waits for its reader.
    pub(crate) fn arrived(mut self, bytes: u64) {
        let mut state = self.ahead.state();
        state.bytes = state.bytes - self.bytes + bytes;
        state.objects += 1;
        state.total += bytes;
        drop(state);
        // Nothing is left for `drop` to give back.
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
        let expected = ahead.room(Some(MOST)).now_or_never().unwrap();
        let mut waiting = Box::pin(ahead.room(Some(1)));
        assert!(waiting.as_mut().now_or_never().is_none());
        expected.arrived(MOST);
        assert!(waiting.as_mut().now_or_never().is_none());
        ahead.take(MOST);
        assert!(waiting.now_or_never().is_some());
    }

    #[test]
    fn unknown_sizes_are_guessed_and_failures_take_no_room() {
        let ahead = ReadAhead::default();
        let first = ahead.room(None).now_or_never().unwrap();
        first.arrived(MOST / 2);
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
        let large = ahead.room(Some(10 * MOST)).now_or_never().unwrap();
        assert!(ahead.room(Some(1)).now_or_never().is_none());
        large.arrived(10 * MOST);
        ahead.take(10 * MOST);
        assert!(ahead.room(Some(1)).now_or_never().is_some());
    }
}
