//! The share of a destination that one part fills, in order, over as many attempts as it takes.

use std::io;

use bytes::BytesMut;

use super::file_part::FilePart;

#[derive(Debug)]
pub(crate) enum Segment {
    /// A buffer with room for the whole part: one of its own, or a slice of a larger one.
    Memory(BytesMut),
    /// A range of a file.
    File(FilePart),
}

impl Segment {
    /// Returns how many bytes the segment holds: where the next attempt begins.
    pub(crate) fn filled(&self) -> u64 {
        match self {
            Self::Memory(buffer) => buffer.len() as u64,
            Self::File(part) => part.filled(),
        }
    }

    /// Forgets everything; the next attempt begins at the start.
    pub(crate) fn clear(&mut self) {
        match self {
            Self::Memory(buffer) => buffer.clear(),
            Self::File(part) => part.clear(),
        }
    }

    /// Returns where the next bytes go, and how many of them fit before the segment must be [flushed](Self::flush).
    pub(crate) fn room(&mut self) -> (&mut BytesMut, usize) {
        match self {
            Self::Memory(buffer) => (buffer, usize::MAX),
            Self::File(part) => part.room(),
        }
    }

    /// Returns whether nothing more fits before the segment is flushed.
    pub(crate) fn is_full(&self) -> bool {
        matches!(self, Self::File(part) if part.is_full())
    }

    /// Brings what waits to its file. Waits for the disk.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::File(part) => part.flush().await,
        }
    }

    /// Flushes the last bytes of the part; a file that is the part's own gets its name.
    pub(crate) async fn finish(&mut self) -> io::Result<()> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::File(part) => part.finish().await,
        }
    }
}
