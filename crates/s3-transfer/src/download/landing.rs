//! Where an object of several parts lands: opened when its size is known, handed out in segments, joined at the end.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use s3_core::{Error, ErrorKind, Operation, Result};

use super::file_part::FilePart;
use super::segment::Segment;
use super::{Destination, ObjectData};
use crate::io::{Buffers, Target, TempFile, local_failure, on_disk, run_blocking};

/// The mode of a file that the caller names: what any program would create.
const PUBLIC: u32 = 0o666;
/// The mode of a file in a scratch directory.
const PRIVATE: u32 = 0o600;

/// Making room for more than this may take as long as touching all of it (tmpfs does), so that no thread that runs
/// transfers does it itself. 64 MiB, a few ms.
const MUCH_ROOM: u64 = 64 << 20;

impl Destination {
    /// Returns the file that `len` bytes go to; `None` for memory, of which their share is then taken.
    pub(super) fn place(&self, len: u64) -> Option<Target> {
        let (path, mode) = match self {
            Self::Memory => return None,
            Self::File(path) => (path, PUBLIC),
            Self::Auto { memory, .. } if memory.take(len) => return None,
            Self::Auto { path, .. } => (path, PRIVATE),
        };
        let path = path.clone();
        Some(Target { path, mode })
    }

    /// Returns the error of a write to this destination.
    pub(super) fn failure(&self, cause: std::io::Error) -> Error {
        let path = match self {
            Self::Memory => Path::new("memory"),
            Self::File(path) | Self::Auto { path, .. } => path,
        };
        local_failure(Operation::Get, path, cause)
    }
}

/// Room for all parts of an object.
#[derive(Debug)]
pub(crate) struct Landing(Mutex<Ground>);

#[derive(Debug)]
enum Ground {
    Memory {
        /// What no segment has taken yet.
        rest: BytesMut,
    },
    File {
        temp: TempFile,
        target: Target,
        buffers: Buffers,
    },
    /// Finished or abandoned.
    Closed,
}

impl Landing {
    /// Makes room for `len` bytes.
    pub(crate) async fn open(to: &Destination, len: u64, buffers: &Buffers) -> Result<Self> {
        let ground = match to.place(len) {
            None => Ground::Memory {
                rest: room(len, buffers)?,
            },
            Some(target) => {
                let create = move || {
                    let temp = TempFile::create(&target.path, target.mode, len)?;
                    Ok((temp, target))
                };
                let created = if len > MUCH_ROOM {
                    run_blocking(create).await
                } else {
                    on_disk(create).await
                };
                let (temp, target) = created.map_err(|cause| to.failure(cause))?;
                Ground::File {
                    temp,
                    target,
                    buffers: buffers.clone(),
                }
            }
        };
        Ok(Self(Mutex::new(ground)))
    }

    /// Hands out the next segment. Segments are handed out in order, each once.
    pub(crate) fn segment(&self, offset: u64, len: u64) -> Result<Segment> {
        match &mut *self.ground() {
            Ground::File { temp, buffers, .. } => {
                let part = FilePart::shared(Arc::clone(temp.file()), offset, buffers.clone());
                Ok(Segment::File(part))
            }
            Ground::Memory { rest } => {
                let behind = rest.split_off(in_memory(len)?);
                Ok(Segment::Memory(std::mem::replace(rest, behind)))
            }
            Ground::Closed => Err(given_up()),
        }
    }

    /// Gives up: an unfinished file is removed at once, although parts that are being cancelled still hold the landing.
    pub(crate) fn abandon(&self) {
        *self.ground() = Ground::Closed;
    }

    /// Joins the segments, given in order.
    pub(crate) async fn finish(&self, segments: Vec<Segment>) -> Result<ObjectData> {
        let ground = std::mem::replace(&mut *self.ground(), Ground::Closed);
        let (temp, target) = match ground {
            Ground::File { temp, target, .. } => (temp, target),
            // What was cut into segments is not lent: it no longer says how large it is.
            Ground::Memory { .. } => return Ok(ObjectData::Memory(join(segments).freeze())),
            Ground::Closed => return Err(given_up()),
        };
        // Lives until the file has its name or this future is dropped.
        let target = Arc::new(target);
        let weak = Arc::downgrade(&target);
        let name = move || {
            let target = weak.upgrade().ok_or(std::io::ErrorKind::Interrupted)?;
            temp.persist(&target.path)
        };
        match on_disk(name).await {
            Ok(()) => Ok(ObjectData::File(target.path.clone())),
            Err(cause) => Err(local_failure(Operation::Get, &target.path, cause)),
        }
    }

    fn ground(&self) -> MutexGuard<'_, Ground> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn in_memory(len: u64) -> Result<usize> {
    usize::try_from(len).map_err(|_| too_large(len))
}

fn given_up() -> Error {
    Error::new(ErrorKind::Cancelled, Operation::Get).with_message("the download has been given up")
}

/// Returns an empty buffer for `len` bytes; without so much memory an error, where `BytesMut` would end the process.
pub(super) fn room(len: u64, buffers: &Buffers) -> Result<BytesMut> {
    let capacity = in_memory(len)?;
    if let Some(used) = buffers.results.take(capacity) {
        return Ok(used);
    }
    let mut room = Vec::new();
    room.try_reserve_exact(capacity)
        .map_err(|_| too_large(len))?;
    // Only an empty vector without room is refused.
    Ok(Bytes::from(room).try_into_mut().unwrap_or_default())
}

fn too_large(len: u64) -> Error {
    Error::new(ErrorKind::InvalidInput, Operation::Get)
        .with_message(format!("{len} bytes do not fit into this machine's memory"))
        .with_hint("download to a file instead")
}

fn join(segments: Vec<Segment>) -> BytesMut {
    let mut joined = BytesMut::new();
    for segment in segments {
        if let Segment::Memory(buffer) = segment {
            // Neighbours in one allocation: this moves a pointer, not bytes.
            joined.unsplit(buffer);
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn slices_are_joined_in_place() {
        let buffers = Buffers::default();
        let landing = Landing::open(&Destination::Memory, 6, &buffers).await;
        let landing = landing.unwrap();
        let mut first = landing.segment(0, 2).unwrap();
        let mut second = landing.segment(2, 4).unwrap();
        second.room().0.extend_from_slice(b"cdef");
        first.room().0.extend_from_slice(b"ab");
        let start = first.room().0.as_ptr();
        let ObjectData::Memory(bytes) = landing.finish(vec![first, second]).await.unwrap() else {
            panic!("memory");
        };
        assert_eq!(bytes, "abcdef");
        assert_eq!(bytes.as_ptr(), start);
    }

    #[tokio::test]
    async fn an_abandoned_file_is_gone_although_parts_hold_it() {
        let dir = tempfile::tempdir().unwrap();
        let to = Destination::File(dir.path().join("out"));
        let landing = Landing::open(&to, 6, &Buffers::default()).await.unwrap();
        let _part = landing.segment(0, 3).unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        landing.abandon();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        let late = landing.segment(3, 3).unwrap_err();
        assert_eq!(late.kind(), ErrorKind::Cancelled);
    }
}
