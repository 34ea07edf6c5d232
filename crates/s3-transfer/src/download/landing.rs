//! Where an object lands: decided when its size is known, handed out in segments, joined at the end.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use s3_core::{Error, ErrorKind, Operation, Result};

use super::segment::Segment;
use super::{Destination, Landed};
use crate::io::{TempFile, local_failure, run_blocking};

/// The mode of a file that the caller names: what any program would create.
const PUBLIC: u32 = 0o666;
/// The mode of a file in a scratch directory.
const PRIVATE: u32 = 0o600;

#[derive(Debug)]
pub(crate) struct Landing {
    destination: Destination,
    ground: Mutex<Ground>,
}

#[derive(Debug)]
enum Ground {
    Unopened,
    /// What no segment has taken yet; `None` if one segment takes all.
    Memory(Option<BytesMut>),
    File(TempFile),
}

impl Landing {
    pub(crate) fn new(destination: Destination) -> Self {
        Self {
            destination,
            ground: Mutex::new(Ground::Unopened),
        }
    }

    /// Returns the file that `len` bytes would go to, and its mode; `None` for memory.
    fn file_for(&self, len: u64) -> Option<(&Path, u32)> {
        match &self.destination {
            Destination::Memory => None,
            Destination::File(path) => Some((path, PUBLIC)),
            Destination::Auto { memory_up_to, path } => {
                (len > *memory_up_to).then_some((path, PRIVATE))
            }
        }
    }

    /// Makes room for `len` bytes, which come in one segment if `single`.
    pub(crate) async fn open(&self, len: u64, single: bool) -> Result<()> {
        let ground = match self.file_for(len) {
            Some((path, mode)) => {
                let target = path.to_owned();
                let created = run_blocking(move || TempFile::create(&target, mode)).await;
                Ground::File(created.map_err(|cause| local_failure(Operation::Get, path, cause))?)
            }
            None => {
                // Asked for although a single segment makes its own: the size is the server's word.
                let room = room(len)?;
                Ground::Memory((!single).then_some(room))
            }
        };
        *self.ground() = ground;
        Ok(())
    }

    /// Hands out the next segment. Segments are handed out in order, each once.
    pub(crate) fn segment(&self, offset: u64, len: u64) -> Result<Segment> {
        Ok(match &mut *self.ground() {
            Ground::File(temp) => Segment::file(temp.file(), offset),
            Ground::Memory(None) => Segment::whole(in_memory(len)?),
            Ground::Memory(Some(rest)) => {
                let behind = rest.split_off(in_memory(len)?);
                Segment::Slice(std::mem::replace(rest, behind))
            }
            Ground::Unopened => unreachable!("a landing is opened before segments are handed out"),
        })
    }

    /// Gives up: an unfinished file is removed at once, although parts that are being cancelled still hold the landing.
    pub(crate) fn abandon(&self) {
        *self.ground() = Ground::Unopened;
    }

    /// Joins the segments, given in order.
    pub(crate) async fn finish(&self, segments: Vec<Segment>) -> Result<Landed> {
        let ground = std::mem::replace(&mut *self.ground(), Ground::Unopened);
        match ground {
            Ground::File(temp) => self.name(temp).await.map(Landed::File),
            _ => Ok(Landed::Memory(join(segments))),
        }
    }

    async fn name(&self, temp: TempFile) -> Result<PathBuf> {
        let failed = |cause| match self.file_for(u64::MAX) {
            Some((path, _)) => local_failure(Operation::Get, path, cause),
            None => unreachable!("a file has landed, so there is a path"),
        };
        run_blocking(move || temp.persist()).await.map_err(failed)
    }

    /// Returns the error of a write into this landing.
    pub(crate) fn failure(&self, cause: std::io::Error) -> Error {
        let path = self
            .file_for(u64::MAX)
            .map_or(Path::new("memory"), |(path, _)| path);
        local_failure(Operation::Get, path, cause)
    }

    fn ground(&self) -> MutexGuard<'_, Ground> {
        self.ground.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn in_memory(len: u64) -> Result<usize> {
    usize::try_from(len).map_err(|_| too_large(len))
}

/// Returns an empty buffer for `len` bytes; without so much memory an error, where `BytesMut` would end the process.
fn room(len: u64) -> Result<BytesMut> {
    let mut room = Vec::new();
    room.try_reserve_exact(in_memory(len)?)
        .map_err(|_| too_large(len))?;
    // Only an empty vector without room is refused.
    Ok(Bytes::from(room).try_into_mut().unwrap_or_default())
}

fn too_large(len: u64) -> Error {
    Error::new(ErrorKind::InvalidInput, Operation::Get)
        .with_message(format!("{len} bytes do not fit into this machine's memory"))
        .with_hint("download to a file instead")
}

fn join(segments: Vec<Segment>) -> Bytes {
    let mut joined = BytesMut::new();
    for segment in segments {
        match segment {
            Segment::Whole {
                frame: Some(frame), ..
            } => return frame,
            Segment::Whole { buffer, .. } => return buffer.freeze(),
            // Neighbours in one allocation: this moves a pointer, not bytes.
            Segment::Slice(buffer) => joined.unsplit(buffer),
            Segment::File { .. } => {}
        }
    }
    joined.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn slices_are_joined_in_place() {
        let landing = Landing::new(Destination::Memory);
        landing.open(6, false).await.unwrap();
        let mut first = landing.segment(0, 2).unwrap();
        let mut second = landing.segment(2, 4).unwrap();
        second.push(Bytes::from_static(b"cdef")).await.unwrap();
        first.push(Bytes::from_static(b"ab")).await.unwrap();
        let Segment::Slice(buffer) = &first else {
            panic!("a slice")
        };
        let start = buffer.as_ptr();
        let Landed::Memory(bytes) = landing.finish(vec![first, second]).await.unwrap() else {
            panic!("memory");
        };
        assert_eq!(bytes, "abcdef");
        assert_eq!(bytes.as_ptr(), start);
    }

    #[tokio::test]
    async fn one_frame_is_not_copied() {
        let landing = Landing::new(Destination::Memory);
        landing.open(3, true).await.unwrap();
        let mut segment = landing.segment(0, 3).unwrap();
        let frame = Bytes::from(vec![1, 2, 3]);
        let start = frame.as_ptr();
        segment.push(frame).await.unwrap();
        let Landed::Memory(bytes) = landing.finish(vec![segment]).await.unwrap() else {
            panic!("memory");
        };
        assert_eq!(bytes.as_ptr(), start);
    }
}
