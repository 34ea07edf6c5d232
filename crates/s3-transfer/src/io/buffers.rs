//! [`Buffers`]: pool of 256 KiB buffers, which gather downloaded bytes for a local file or the reader of a stream.

use std::sync::{Arc, PoisonError};

use bytes::BytesMut;

use super::results::ResultBuffers;
use crate::sync::{Mutex, MutexGuard};

/// The size of a write: 256 KiB. Smaller writes cost more system calls, larger ones exceed the CPU cache, and writes of
/// 2 MiB take ext4 twice the CPU time; see docs/TUNING.md.
pub(crate) const BUFFER: usize = 256 << 10;

/// Maximum number of free buffers: 16 MiB. The memory budget bounds those in use.
const MAX_FREE: usize = 64;

/// Stack of free buffers. The one used last is taken first, because it may be in the CPU cache. Clone is a reference
/// count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Buffers {
    free: Arc<Mutex<Vec<BytesMut>>>,
    /// Buffers for results in memory.
    pub(crate) results: ResultBuffers,
}

impl Buffers {
    /// Returns an empty buffer with room for `BUFFER` bytes.
    pub(crate) fn take(&self) -> BytesMut {
        let free = self.free().pop();
        free.unwrap_or_else(|| BytesMut::with_capacity(BUFFER))
    }

    /// Returns a buffer to the pool. A buffer of another size is dropped.
    pub(crate) fn put(&self, mut buffer: BytesMut) {
        buffer.clear();
        let mut free = self.free();
        if buffer.capacity() == BUFFER && free.len() < MAX_FREE {
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
    fn a_returned_buffer_is_reused() {
        let buffers = Buffers::default();
        let mut first = buffers.take();
        first.extend_from_slice(b"abc");
        let address = first.as_ptr();
        buffers.put(first);
        let second = buffers.take();
        assert_eq!((second.as_ptr(), second.len()), (address, 0));
        assert_ne!(buffers.take().as_ptr(), address);
    }

    #[test]
    fn few_buffers_are_kept_and_none_of_another_size() {
        let buffers = Buffers::default();
        for _ in 0..MAX_FREE + 5 {
            buffers.put(BytesMut::with_capacity(BUFFER));
        }
        assert_eq!(buffers.free().len(), MAX_FREE);
        buffers.free().clear();
        buffers.put(BytesMut::with_capacity(BUFFER * 2));
        assert_eq!(buffers.free().len(), 0);
    }
}
