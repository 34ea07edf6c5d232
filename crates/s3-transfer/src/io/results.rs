//! The memory of results, used again once their reader has dropped them.
//!
//! A large allocation is given back to the system when it is freed, and the next one is made of pages that the system
//! has to fill with zeros first: for an object of 1 MiB that takes as long as half of reading it. Whoever reads
//! objects one after the other gets the same few buffers again and again instead.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, Weak};

use bytes::{Bytes, BytesMut};

use crate::sync::{Mutex, MutexGuard};

/// From this size on it pays: what glibc takes from the system piece by piece. 128 KiB.
const FROM: usize = 128 << 10;
/// And up to this size: a part. Objects of several parts are rare enough to get memory of their own.
const UP_TO: usize = 8 << 20;
/// The most bytes that wait for their next use.
const IDLE: usize = 16 << 20;

/// Buffers of results that nobody holds any more. Clone is a reference count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Results(Arc<Mutex<Free>>);

#[derive(Debug, Default)]
struct Free {
    /// The one used last is at the back.
    buffers: VecDeque<BytesMut>,
    bytes: usize,
}

impl Results {
    /// Returns an empty buffer for `len` bytes that was used before, if there is one that is hardly larger.
    pub(crate) fn take(&self, len: usize) -> Option<BytesMut> {
        if !(FROM..=UP_TO).contains(&len) {
            return None;
        }
        let fits = len..=len + len / 8;
        let mut free = lock(&self.0);
        let mut from_the_back = free.buffers.iter().rev();
        let behind = from_the_back.position(|buffer| fits.contains(&buffer.capacity()))?;
        let index = free.buffers.len() - 1 - behind;
        let buffer = free.buffers.remove(index)?;
        free.bytes -= buffer.capacity();
        Some(buffer)
    }

    /// Makes a result of a buffer, whose memory comes back when the last reader has dropped it.
    pub(crate) fn lend(&self, buffer: BytesMut) -> Bytes {
        if !(FROM..=UP_TO).contains(&buffer.capacity()) {
            return buffer.freeze();
        }
        let home = Arc::downgrade(&self.0);
        Bytes::from_owner(Lent { buffer, home })
    }
}

impl Free {
    fn put(&mut self, buffer: BytesMut) {
        self.bytes += buffer.capacity();
        self.buffers.push_back(buffer);
        while self.bytes > IDLE
            && let Some(oldest) = self.buffers.pop_front()
        {
            self.bytes -= oldest.capacity();
        }
    }
}

/// A buffer that somebody reads.
struct Lent {
    buffer: BytesMut,
    /// Where it belongs, unless that is gone before it.
    home: Weak<Mutex<Free>>,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(home) = self.home.upgrade() {
            let mut buffer = std::mem::take(&mut self.buffer);
            buffer.clear();
            lock(&home).put(buffer);
        }
    }
}

fn lock(free: &Mutex<Free>) -> MutexGuard<'_, Free> {
    free.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full(len: usize) -> BytesMut {
        BytesMut::zeroed(len)
    }

    #[test]
    fn memory_comes_back_with_the_last_reader_and_not_before() {
        let results = Results::default();
        let bytes = results.lend(full(1 << 20));
        let place = bytes.as_ptr();
        let reader = bytes.slice(7..9);
        drop(bytes);
        assert!(results.take(1 << 20).is_none());
        drop(reader);
        let again = results.take(1 << 20).unwrap();
        assert_eq!((again.as_ptr(), again.len()), (place, 0));
        assert_eq!(again.capacity(), 1 << 20);
        assert!(results.take(1 << 20).is_none());
    }

    #[test]
    fn only_a_buffer_that_is_hardly_larger_is_taken() {
        let results = Results::default();
        drop(results.lend(full(1 << 20)));
        assert!(results.take((1 << 20) + 1).is_none());
        assert!(results.take(900_000).is_none());
        assert!(results.take(1_000_000).is_some());
    }

    #[test]
    fn what_is_too_small_or_too_large_is_not_kept() {
        let results = Results::default();
        for len in [FROM - 1, UP_TO + 1] {
            drop(results.lend(full(len)));
            assert!(results.take(len).is_none());
        }
    }

    #[test]
    fn no_more_waits_than_the_limit_and_the_oldest_go_first() {
        let results = Results::default();
        let lent: Vec<_> = (0..20).map(|n| results.lend(full((1 << 20) - n))).collect();
        let places: Vec<_> = lent.iter().map(|bytes| bytes.as_ptr()).collect();
        drop(lent);
        let free = lock(&results.0);
        assert!(free.bytes <= IDLE);
        let kept: Vec<_> = free.buffers.iter().map(|buffer| buffer.as_ptr()).collect();
        assert_eq!(kept, places[4..]);
        assert_eq!(
            free.bytes,
            free.buffers.iter().map(BytesMut::capacity).sum::<usize>()
        );
    }

    #[test]
    fn results_outlive_where_they_come_from() {
        let results = Results::default();
        let bytes = results.lend(full(1 << 20));
        drop(results);
        assert_eq!(bytes.len(), 1 << 20);
    }
}
