//! [`Assembly`]: memory buffer or temporary file of a multi-part download, split among the parts and joined.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use s3_core::{ETag, Error, ErrorKind, Operation, Payload, Result};

use super::file_part::FilePart;
use super::object::checksum_mismatch;
use super::part_storage::PartStorage;
use super::{Destination, ObjectData};
use crate::etag_md5::has_md5;
use crate::io::{Buffers, Target, TempFile, local_failure, on_disk, run_blocking};

/// Mode of the file of `Destination::File` and `NewFile`, before the umask.
const PUBLIC: u32 = 0o666;
/// Mode of the file of `Destination::Auto`, which is in a scratch directory.
const PRIVATE: u32 = 0o600;

/// A file larger than this is created on a blocking thread: on tmpfs, allocating its space may take as long as writing
/// it. 64 MiB, a few ms.
const LARGE_ALLOCATION: u64 = 64 << 20;

impl Destination {
    /// Returns the target file for `len` bytes, or `None` if they go to memory; `Auto` then takes them from its memory
    /// share.
    pub(super) fn file_for(&self, len: u64) -> Option<Target> {
        let mode = match self {
            Self::Memory => return None,
            Self::File(_) | Self::NewFile(_) => PUBLIC,
            Self::Auto { memory, .. } if memory.take(len) => return None,
            Self::Auto { .. } => PRIVATE,
        };
        let path = self.path().to_owned();
        let replaces = !matches!(self, Self::NewFile(_));
        Some(Target {
            path,
            mode,
            replaces,
        })
    }

    /// Returns the path for errors of writes.
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Memory => Path::new("memory"),
            Self::File(path) | Self::NewFile(path) => path,
            Self::Auto { path, .. } => path,
        }
    }
}

/// Storage for all parts of an object.
#[derive(Debug)]
pub(crate) struct Assembly(Mutex<Storage>);

#[derive(Debug)]
enum Storage {
    Memory {
        /// The rest of the buffer, from which parts are split off.
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

impl Assembly {
    /// Provides storage for `len` bytes.
    pub(crate) async fn open(to: &Destination, len: u64, buffers: &Buffers) -> Result<Self> {
        let storage = match to.file_for(len) {
            None => Storage::Memory {
                rest: allocate(len, buffers)?,
            },
            Some(target) => {
                let create = move || {
                    let temp = TempFile::create(&target.path, target.mode, len)?;
                    Ok((temp, target))
                };
                let created = if len > LARGE_ALLOCATION {
                    run_blocking(create).await
                } else {
                    on_disk(create).await
                };
                let (temp, target) =
                    created.map_err(|cause| local_failure(Operation::Get, to.path(), cause))?;
                Storage::File {
                    temp,
                    target,
                    buffers: buffers.clone(),
                }
            }
        };
        Ok(Self(Mutex::new(storage)))
    }

    /// Returns the storage of the next part. Parts take theirs in order, each once.
    pub(crate) fn part(&self, offset: u64, len: u64) -> Result<PartStorage> {
        match &mut *self.storage() {
            Storage::File { temp, buffers, .. } => {
                let part = FilePart::shared(Arc::clone(temp.file()), offset, buffers.clone());
                Ok(PartStorage::File(part))
            }
            Storage::Memory { rest } => {
                let behind = rest.split_off(in_memory(len)?);
                Ok(PartStorage::Memory(std::mem::replace(rest, behind)))
            }
            Storage::Closed => Err(abandoned()),
        }
    }

    /// Removes an unfinished file at once, even if parts that are being cancelled still hold the assembly.
    pub(crate) fn abandon(&self) {
        *self.storage() = Storage::Closed;
    }

    /// Joins the parts, given in order. Reads all bytes again to compare them with `md5`, if that is given.
    pub(crate) async fn finish(
        &self,
        parts: Vec<PartStorage>,
        md5: Option<&ETag>,
    ) -> Result<ObjectData> {
        let storage = std::mem::replace(&mut *self.storage(), Storage::Closed);
        let (temp, target) = match storage {
            Storage::File { temp, target, .. } => (temp, target),
            // A buffer that was split into parts does not return to the pool: it no longer knows its size.
            Storage::Memory { .. } => {
                let bytes = join(parts).freeze();
                if let Some(etag) = md5 {
                    compare(Ok(Payload::from(bytes.clone())), etag).await?;
                }
                return Ok(ObjectData::Memory(bytes));
            }
            Storage::Closed => return Err(abandoned()),
        };
        if let Some(etag) = md5 {
            let file = Arc::clone(temp.file());
            let payload = file
                .metadata()
                .map(|data| Payload::from_file(file, 0, data.len()));
            compare(payload, etag).await?;
        }
        // Lives until the file has its final name or this future is dropped.
        let target = Arc::new(target);
        let weak = Arc::downgrade(&target);
        let name = move || {
            let target = weak.upgrade().ok_or(std::io::ErrorKind::Interrupted)?;
            temp.persist(&target)
        };
        match on_disk(name).await {
            Ok(()) => Ok(ObjectData::File(target.path.clone())),
            Err(cause) => Err(local_failure(Operation::Get, &target.path, cause)),
        }
    }

    fn storage(&self) -> MutexGuard<'_, Storage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn in_memory(len: u64) -> Result<usize> {
    usize::try_from(len).map_err(|_| too_large(len))
}

fn abandoned() -> Error {
    Error::new(ErrorKind::Cancelled, Operation::Get).with_message("the download was cancelled")
}

/// Returns an empty buffer with room for `len` bytes. Returns an error if memory is short, where `BytesMut` would abort
/// the process.
pub(super) fn allocate(len: u64, buffers: &Buffers) -> Result<BytesMut> {
    let capacity = in_memory(len)?;
    if let Some(used) = buffers.results.take(capacity) {
        return Ok(used);
    }
    let mut buffer = Vec::new();
    buffer
        .try_reserve_exact(capacity)
        .map_err(|_| too_large(len))?;
    // `try_into_mut` fails only for an empty vector without capacity.
    Ok(Bytes::from(buffer).try_into_mut().unwrap_or_default())
}

fn too_large(len: u64) -> Error {
    Error::new(ErrorKind::InvalidInput, Operation::Get)
        .with_message(format!("{len} bytes do not fit into this machine's memory"))
        .with_hint("download to a file instead")
}

/// Fails if the MD5 of the bytes is not `etag`.
async fn compare(payload: io::Result<Payload>, etag: &ETag) -> Result<()> {
    let etag = etag.clone();
    match run_blocking(move || has_md5(&payload?, &etag)).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(checksum_mismatch()),
        Err(cause) => Err(local_failure(
            Operation::Get,
            Path::new("the download"),
            cause,
        )),
    }
}

fn join(parts: Vec<PartStorage>) -> BytesMut {
    let mut joined = BytesMut::new();
    for part in parts {
        if let PartStorage::Memory(buffer) = part {
            // The buffers are adjacent in one allocation, so no bytes are copied.
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
        let assembly = Assembly::open(&Destination::Memory, 6, &buffers).await;
        let assembly = assembly.unwrap();
        let mut first = assembly.part(0, 2).unwrap();
        let mut second = assembly.part(2, 4).unwrap();
        second.room().0.extend_from_slice(b"cdef");
        first.room().0.extend_from_slice(b"ab");
        let start = first.room().0.as_ptr();
        let ObjectData::Memory(bytes) = assembly.finish(vec![first, second], None).await.unwrap()
        else {
            panic!("memory");
        };
        assert_eq!(bytes, "abcdef");
        assert_eq!(bytes.as_ptr(), start);
    }

    #[tokio::test]
    async fn an_abandoned_file_is_gone_although_parts_hold_it() {
        let dir = tempfile::tempdir().unwrap();
        let to = Destination::File(dir.path().join("out"));
        let assembly = Assembly::open(&to, 6, &Buffers::default()).await.unwrap();
        let _part = assembly.part(0, 3).unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        assembly.abandon();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        let late = assembly.part(3, 3).unwrap_err();
        assert_eq!(late.kind(), ErrorKind::Cancelled);
    }
}
