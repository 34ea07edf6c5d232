//! [`ReadBuffer`]: bytes of a connection that were received and not consumed yet.

use std::io;
use std::task::{Context, Poll};

use bytes::BytesMut;

use super::connection::Io;

/// Initial size of a read: enough for a head and a small object in one system call.
const SIZE: usize = 8 << 10;

/// Maximum capacity of a buffer that is kept with an idle connection.
const KEPT: usize = 16 << 10;

/// The bytes of a connection that are read but not consumed.
#[derive(Default)]
pub(super) struct ReadBuffer {
    bytes: BytesMut,
    /// Offset of the first unconsumed byte.
    start: usize,
}

impl ReadBuffer {
    pub(super) fn unread(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    pub(super) fn is_empty(&self) -> bool {
        self.start == self.bytes.len()
    }

    pub(super) fn consume(&mut self, count: usize) {
        self.start += count;
        if self.is_empty() {
            self.bytes.clear();
            self.start = 0;
        }
    }

    /// Reads once, as many bytes as have arrived and fit. Returns 0 at the end of the stream.
    ///
    /// A full buffer grows to twice its size. A caller that leaves bytes unread must limit how many.
    pub(super) fn poll_more(
        &mut self,
        io: &mut Io,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if self.bytes.len() == self.bytes.capacity() {
            self.make_room();
        }
        io.poll_read(cx, &mut self.bytes)
    }

    fn make_room(&mut self) {
        if self.start > 0 {
            let left = self.bytes.len() - self.start;
            self.bytes.copy_within(self.start.., 0);
            self.bytes.truncate(left);
            self.start = 0;
        } else {
            self.bytes.reserve(self.bytes.len().max(SIZE));
        }
    }

    /// Frees the memory that a long head took.
    pub(super) fn shrink(&mut self) {
        if self.is_empty() && self.bytes.capacity() > KEPT {
            self.bytes = BytesMut::new();
        }
    }
}
