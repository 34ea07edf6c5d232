//! Destination of a part's bytes: memory, a file or a stream. A retry continues after the bytes that are stored.

use std::io;

use bytes::{Bytes, BytesMut};
use s3_core::{ETag, Payload};

use super::ObjectData;
use super::file_part::FilePart;
use super::frames::FrameSender;
use crate::etag_md5::has_md5;
use crate::io::{Buffers, run_blocking};

#[derive(Debug)]
pub(crate) enum PartStorage {
    /// A buffer with room for the whole part: its own, or a slice of a larger one.
    Memory(BytesMut),
    /// A range of a file, or its own file.
    File(FilePart),
    /// Frames for a reader.
    Frames(FrameSender),
    /// The whole object, stored in one step.
    Stored(ObjectData),
}

impl PartStorage {
    /// Returns how many bytes have been stored: where the next attempt resumes.
    pub(crate) fn filled(&self) -> u64 {
        match self {
            Self::Memory(buffer) => buffer.len() as u64,
            Self::File(part) => part.filled(),
            Self::Frames(frames) => frames.filled(),
            Self::Stored(_) => 0,
        }
    }

    /// Discards the stored bytes so that the next attempt starts over; `false` if some were already sent to the reader.
    pub(crate) fn clear(&mut self) -> bool {
        match self {
            Self::Memory(buffer) => buffer.clear(),
            Self::File(part) => part.clear(),
            Self::Frames(frames) => return frames.clear(),
            Self::Stored(_) => {}
        }
        true
    }

    /// Returns where the next bytes go, and how many of them fit before the storage must be [flushed](Self::flush).
    pub(crate) fn room(&mut self) -> (&mut BytesMut, usize) {
        match self {
            Self::Memory(buffer) => (buffer, usize::MAX),
            Self::File(part) => part.room(),
            Self::Frames(frames) => frames.room(),
            Self::Stored(_) => unreachable!("the whole object is stored"),
        }
    }

    /// Returns whether the storage is to be flushed.
    pub(crate) fn is_full(&self) -> bool {
        match self {
            Self::File(part) => part.is_full(),
            Self::Frames(frames) => frames.is_full(),
            _ => false,
        }
    }

    /// Returns whether an early flush completes without waiting for the reader, which may never read.
    pub(crate) fn has_room(&self) -> bool {
        match self {
            Self::Frames(frames) => frames.has_room(),
            _ => true,
        }
    }

    /// Passes buffered bytes on to the file or the reader.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(part) => part.flush().await,
            Self::Frames(frames) => {
                frames.flush().await;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Returns whether the stored bytes, which are read again, have this MD5. `true` for frames and whole objects.
    pub(crate) async fn has_md5(&mut self, etag: ETag) -> io::Result<bool> {
        match self {
            Self::Memory(buffer) => {
                let bytes = std::mem::take(buffer).freeze();
                let payload = Payload::from(bytes.clone());
                let same = run_blocking(move || has_md5(&payload, &etag)).await;
                *buffer = bytes.try_into_mut().unwrap_or_else(BytesMut::from);
                same
            }
            Self::File(part) => {
                part.flush().await?;
                let payload = part.written();
                run_blocking(move || has_md5(&payload, &etag)).await
            }
            Self::Frames(_) | Self::Stored(_) => Ok(true),
        }
    }

    /// Flushes the last bytes of the part. If the part has its own file, renames it to its target.
    pub(crate) async fn finish(&mut self) -> io::Result<()> {
        match self {
            Self::File(part) => part.finish().await,
            other => other.flush().await,
        }
    }

    /// Returns the object whose only part this is.
    pub(crate) fn into_data(self, buffers: &Buffers) -> ObjectData {
        match self {
            Self::Memory(buffer) => ObjectData::Memory(buffers.results.freeze(buffer)),
            Self::File(part) => ObjectData::File(part.into_path()),
            Self::Stored(data) => data,
            Self::Frames(_) => ObjectData::Memory(Bytes::new()),
        }
    }
}
