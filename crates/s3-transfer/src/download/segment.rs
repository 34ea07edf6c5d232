//! The share of a destination that one part fills, in order, over as many attempts as it takes.

use std::fs::File;
use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use crate::io::write_at;

/// Frames are gathered to this size before they are written: large enough for the disk, small enough for the
/// processor's cache.
const WRITE_BATCH: usize = 512 << 10;

#[derive(Debug)]
pub(crate) enum Segment {
    /// One part is the whole: a body that arrives in one frame is kept as it is.
    Whole {
        expected: usize,
        frame: Option<Bytes>,
        buffer: BytesMut,
    },
    /// A slice of one large buffer, rejoined at the end without copying.
    Slice(BytesMut),
    /// A range of a file.
    File {
        file: Arc<File>,
        start: u64,
        written: u64,
        pending: Vec<Bytes>,
        waiting: usize,
    },
}

impl Segment {
    pub(crate) fn whole(expected: usize) -> Self {
        Self::Whole {
            expected,
            frame: None,
            buffer: BytesMut::new(),
        }
    }

    pub(crate) fn file(file: Arc<File>, start: u64) -> Self {
        Self::File {
            file,
            start,
            written: 0,
            pending: Vec::new(),
            waiting: 0,
        }
    }

    /// Returns how many bytes the segment holds: where the next attempt begins.
    pub(crate) fn filled(&self) -> u64 {
        match self {
            Self::Whole { frame, buffer, .. } => {
                frame.as_ref().map_or(buffer.len(), Bytes::len) as u64
            }
            Self::Slice(buffer) => buffer.len() as u64,
            Self::File {
                written, waiting, ..
            } => written + *waiting as u64,
        }
    }

    /// Forgets everything; the next attempt begins at the start.
    pub(crate) fn clear(&mut self) {
        match self {
            Self::Whole { frame, buffer, .. } => {
                *frame = None;
                buffer.clear();
            }
            Self::Slice(buffer) => buffer.clear(),
            Self::File {
                written,
                pending,
                waiting,
                ..
            } => {
                (*written, *waiting) = (0, 0);
                pending.clear();
            }
        }
    }

    /// Takes the next bytes. May wait for the disk.
    pub(crate) async fn push(&mut self, bytes: Bytes) -> io::Result<()> {
        match self {
            Self::Whole {
                expected,
                frame,
                buffer,
            } => {
                if buffer.is_empty() && bytes.len() == *expected {
                    *frame = Some(bytes);
                } else {
                    buffer.reserve(expected.saturating_sub(buffer.len()));
                    buffer.extend_from_slice(&bytes);
                }
                Ok(())
            }
            Self::Slice(buffer) => {
                buffer.extend_from_slice(&bytes);
                Ok(())
            }
            Self::File {
                pending, waiting, ..
            } => {
                *waiting += bytes.len();
                pending.push(bytes);
                if *waiting >= WRITE_BATCH {
                    self.flush().await
                } else {
                    Ok(())
                }
            }
        }
    }

    /// Brings everything to the file. Frames stay pending until they are known to be written, so a dropped future
    /// loses nothing.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        let Self::File {
            file,
            start,
            written,
            pending,
            waiting,
        } = self
        else {
            return Ok(());
        };
        if pending.is_empty() {
            return Ok(());
        }
        write_at(Arc::clone(file), *start + *written, pending.clone()).await?;
        *written += *waiting as u64;
        *waiting = 0;
        pending.clear();
        Ok(())
    }
}
