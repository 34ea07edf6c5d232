//! Buffers between the network and the disk, used again and again.

use std::sync::{Arc, PoisonError};

use bytes::BytesMut;

use super::results::Results;
use crate::sync::{Mutex, MutexGuard};

/// How much is gathered before it is written: 256 KiB. Smaller writes cost more calls, larger ones leave the
/// processor's cache, and writes of 2 MiB cost ext4 twice as much; see docs/TUNING.md.
pub(crate) const BUFFER: usize = 256 << 10;

/// The most buffers that wait for their next use, 16 MiB together. Those in use are bounded by the memory budget.
const IDLE: usize = 64;

/// A list of free buffers, the one used last on top: it may still be in the cache. Clone is a reference count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Buffers {
    free: Arc<Mutex<Vec<BytesMut>>>,
    /// The memory of what goes to the caller instead of a file.
    pub(crate) results: Results,
}

impl Buffers {
    /// Returns an empty buffer with room for `BUFFER` bytes.
    pub(crate) fn take(&self) -> BytesMut {
        let free = self.free().pop();
        free.unwrap_or_else(|| BytesMut::with_capacity(BUFFER))
    }

    /// Takes a buffer back. One that has grown or has been cut is dropped.
    pub(crate) fn put(&self, mut buffer: BytesMut) {
        buffer.clear();
        let mut free = self.free();
        if buffer.capacity() == BUFFER && free.len() < IDLE {
            free.push(buffer);
        }
    }

    fn free(&self) -> MutexGuard<'_, Vec<BytesMut>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_that_came_back_is_used_again() {
        let buffers = Buffers::default();
        let mut first = buffers.take();
        first.extend_from_slice(b"abc");
        let place = first.as_ptr();
        buffers.put(first);
        let second = buffers.take();
        assert_eq!((second.as_ptr(), second.len()), (place, 0));
        assert_ne!(buffers.take().as_ptr(), place);
    }

    #[test]
    fn no_more_than_a_few_wait_and_none_of_another_size() {
        let buffers = Buffers::default();
        for _ in 0..IDLE + 5 {
            buffers.put(BytesMut::with_capacity(BUFFER));
        }
        assert_eq!(buffers.free().len(), IDLE);
        buffers.free().clear();
        buffers.put(BytesMut::with_capacity(BUFFER * 2));
        assert_eq!(buffers.free().len(), 0);
    }
}
