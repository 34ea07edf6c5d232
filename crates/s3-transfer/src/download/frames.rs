//! Queue of the frames of one part, from the attempt that receives them to the reader of the stream.
//!
//! A part sends a frame when a buffer is full, or as soon as the reader has taken everything that was sent. Its queue
//! has room for a whole part, so the attempt never waits for the reader.

use bytes::{Bytes, BytesMut};
use s3_core::Result;
use tokio::sync::mpsc;

use super::checksum::PartChecksum;
use crate::io::{BUFFER, Buffers};

/// Frames smaller than this are copied, so that they do not occupy a whole buffer: half a buffer.
const COPIED_BELOW: usize = BUFFER / 2;

/// Room for frames that are sent before their buffer is full: one for a waiting reader, the rest for interruptions.
const EARLY_FRAMES: usize = 8;

/// A message from a part to the reader.
#[derive(Debug)]
pub(super) enum Delivery {
    Frame(Bytes),
    /// All frames have been sent, or the part has failed.
    End(Result<PartChecksum>),
}

/// The sending half of a part's queue.
#[derive(Debug)]
pub(crate) struct FrameSender {
    queue: mpsc::Sender<Delivery>,
    /// The maximum length of the part, in bytes.
    len: u64,
    buffers: Buffers,
    buffer: Option<BytesMut>,
    sent: u64,
}

impl FrameSender {
    /// Returns the queue of a part of at most `len` bytes.
    pub(super) fn new(len: u64, buffers: &Buffers) -> (Self, mpsc::Receiver<Delivery>) {
        let frames = usize::try_from(len / BUFFER as u64).unwrap_or(usize::MAX);
        let (queue, deliveries) = mpsc::channel(frames.saturating_add(EARLY_FRAMES));
        let sender = Self {
            queue,
            len,
            buffers: buffers.clone(),
            buffer: None,
            sent: 0,
        };
        (sender, deliveries)
    }

    pub(super) fn filled(&self) -> u64 {
        self.sent + self.buffered() as u64
    }

    fn buffered(&self) -> usize {
        self.buffer.as_ref().map_or(0, BytesMut::len)
    }

    /// Drops the buffered bytes. Returns whether nothing has been sent yet.
    pub(super) fn clear(&mut self) -> bool {
        self.buffer = None;
        self.sent == 0
    }

    pub(super) fn room(&mut self) -> (&mut BytesMut, usize) {
        let buffer = self.buffer.get_or_insert_with(|| {
            let used = self.buffers.results.take(BUFFER);
            used.unwrap_or_else(|| BytesMut::with_capacity(BUFFER))
        });
        let room = BUFFER - buffer.len();
        (buffer, room)
    }

    pub(super) fn is_full(&self) -> bool {
        let reader_waits = self.queue.capacity() == self.queue.max_capacity();
        self.buffered() >= BUFFER || (self.buffered() > 0 && reader_waits)
    }

    /// Returns whether the queue has room for the buffered bytes and for all frames that may follow. Each interrupted
    /// attempt may add a short frame.
    pub(super) fn has_room(&self) -> bool {
        let full = self.len.saturating_sub(self.filled()) / BUFFER as u64;
        // The last frame, and one for a waiting reader.
        let most = usize::try_from(full)
            .unwrap_or(usize::MAX)
            .saturating_add(2);
        self.queue.capacity() > most
    }

    /// Sends the buffered bytes. A dropped reader is not an error: it has cancelled the part.
    pub(super) async fn flush(&mut self) {
        if self.buffered() == 0 {
            return;
        }
        // The buffer is emptied only after the queue has room.
        let Ok(permit) = self.queue.reserve().await else {
            return;
        };
        let frame = match &mut self.buffer {
            Some(buffer) if buffer.len() < COPIED_BELOW => {
                let frame = Bytes::copy_from_slice(buffer);
                buffer.clear();
                frame
            }
            buffer => {
                let full = buffer.take().unwrap_or_default();
                self.buffers.results.freeze(full)
            }
        };
        self.sent += frame.len() as u64;
        permit.send(Delivery::Frame(frame));
    }

    /// Tells the reader how the part ended.
    pub(super) async fn end(self, outcome: Result<PartChecksum>) {
        let _ = self.queue.send(Delivery::End(outcome)).await;
    }
}

impl Clone for FrameSender {
    /// Returns an empty sender to the same queue.
    fn clone(&self) -> Self {
        Self {
            queue: self.queue.clone(),
            len: self.len,
            buffers: self.buffers.clone(),
            buffer: None,
            sent: 0,
        }
    }
}
