//! [`ResultBuffers`]: pool of buffers for downloads to memory, which are reused after their reader has dropped them.
//!
//! The allocator returns a large allocation to the system when it is freed, and the system zeroes the pages of the next
//! one: for an object of 1 MiB that takes half as long as reading it. A caller that reads objects one after the other
//! gets the same few buffers instead.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, Weak};

use bytes::{Bytes, BytesMut};

use crate::sync::{Mutex, MutexGuard};

/// Minimum size of a reused buffer. 64 KiB: glibc trims a heap with 128 KiB of free memory at its end, which are two
/// such buffers.
const MIN_SIZE: usize = 64 << 10;
/// Maximum size of a reused buffer: one part.
const MAX_SIZE: usize = 8 << 20;
/// Maximum number of bytes in free buffers.
const MAX_FREE: usize = 16 << 20;

/// Free buffers of results. Clone is a reference count.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResultBuffers(Arc<Mutex<FreeBuffers>>);

#[derive(Debug, Default)]
struct FreeBuffers {
    /// The buffer used last is at the back.
    buffers: VecDeque<BytesMut>,
    bytes: usize,
}

impl ResultBuffers {
    /// Returns a free buffer for `len` bytes that is at most an eighth larger.
    pub(crate) fn take(&self, len: usize) -> Option<BytesMut> {
        if !(MIN_SIZE..=MAX_SIZE).contains(&len) {
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

    /// Converts a buffer to a result, whose memory returns to the pool when its last reader drops it.
    pub(crate) fn freeze(&self, buffer: BytesMut) -> Bytes {
        if !(MIN_SIZE..=MAX_SIZE).contains(&buffer.capacity()) {
            return buffer.freeze();
        }
        let pool = Arc::downgrade(&self.0);
        Bytes::from_owner(PooledBuffer { buffer, pool })
    }
}

impl FreeBuffers {
    fn put(&mut self, buffer: BytesMut) {
        self.bytes += buffer.capacity();
        self.buffers.push_back(buffer);
        while self.bytes > MAX_FREE
            && let Some(oldest) = self.buffers.pop_front()
        {
            self.bytes -= oldest.capacity();
        }
    }
}

/// A buffer in use by a reader.
struct PooledBuffer {
    buffer: BytesMut,
    /// The pool, which may be dropped before the buffer.
    pool: Weak<Mutex<FreeBuffers>>,
}

impl AsRef<[u8]> for PooledBuffer {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for PooledBuffer {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade() {
            let mut buffer = std::mem::take(&mut self.buffer);
            buffer.clear();
            lock(&pool).put(buffer);
        }
    }
}

fn lock(free: &Mutex<FreeBuffers>) -> MutexGuard<'_, FreeBuffers> {
    free.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full(len: usize) -> BytesMut {
        BytesMut::zeroed(len)
    }

    #[test]
    fn a_buffer_returns_to_the_pool_when_its_last_reader_drops_it() {
        let results = ResultBuffers::default();
        let bytes = results.freeze(full(1 << 20));
        let address = bytes.as_ptr();
        let reader = bytes.slice(7..9);
        drop(bytes);
        assert!(results.take(1 << 20).is_none());
        drop(reader);
        let again = results.take(1 << 20).unwrap();
        assert_eq!((again.as_ptr(), again.len()), (address, 0));
        assert_eq!(again.capacity(), 1 << 20);
        assert!(results.take(1 << 20).is_none());
    }

    #[test]
    fn a_buffer_that_is_more_than_an_eighth_larger_is_not_taken() {
        let results = ResultBuffers::default();
        drop(results.freeze(full(1 << 20)));
        assert!(results.take((1 << 20) + 1).is_none());
        assert!(results.take(900_000).is_none());
        assert!(results.take(1_000_000).is_some());
    }

    #[test]
    fn buffers_outside_the_size_limits_are_not_kept() {
        let results = ResultBuffers::default();
        for len in [MIN_SIZE - 1, MAX_SIZE + 1] {
            drop(results.freeze(full(len)));
            assert!(results.take(len).is_none());
        }
    }

    #[test]
    fn the_oldest_free_buffers_are_dropped_at_the_limit() {
        let results = ResultBuffers::default();
        let in_use: Vec<_> = (0..20)
            .map(|n| results.freeze(full((1 << 20) - n)))
            .collect();
        let addresses: Vec<_> = in_use.iter().map(|bytes| bytes.as_ptr()).collect();
        drop(in_use);
        let free = lock(&results.0);
        assert!(free.bytes <= MAX_FREE);
        let kept: Vec<_> = free.buffers.iter().map(|buffer| buffer.as_ptr()).collect();
        assert_eq!(kept, addresses[4..]);
        assert_eq!(
            free.bytes,
            free.buffers.iter().map(BytesMut::capacity).sum::<usize>()
        );
    }

    #[test]
    fn results_outlive_the_pool() {
        let results = ResultBuffers::default();
        let bytes = results.freeze(full(1 << 20));
        drop(results);
        assert_eq!(bytes.len(), 1 << 20);
    }
}
