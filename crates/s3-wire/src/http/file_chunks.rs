//! [`FileChunks`]: reads a file range of a request body in chunks, into pooled buffers.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinHandle;

use super::trailer::CHUNK;

/// Maximum number of unused buffers that are kept for the next uploads, 4 MiB together.
const MAX_UNUSED: usize = 16;

/// Pool of unused buffers of [`CHUNK`] bytes.
#[derive(Default)]
pub(super) struct BufferPool(Mutex<Vec<Vec<u8>>>);

impl BufferPool {
    fn take(&self) -> Vec<u8> {
        let unused = self.lock().pop();
        unused.unwrap_or_else(|| vec![0; CHUNK])
    }

    fn put_back(&self, buffer: Vec<u8>) {
        let mut unused = self.lock();
        if unused.len() < MAX_UNUSED {
            unused.push(buffer);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A range of a file.
#[derive(Clone, Copy)]
pub(super) struct FileRange<'a> {
    pub(super) file: &'a Arc<File>,
    pub(super) offset: u64,
    pub(super) len: u64,
    /// Metadata that the file must have when its last byte has been read.
    pub(super) version: Option<&'a Arc<Metadata>>,
}

impl FileRange<'_> {
    /// Fails if the size or the times of the file have changed. Blocks.
    pub(super) fn check_version(&self) -> io::Result<()> {
        check_version(self.file, self.version.map(|version| &**version))
    }
}

/// Reads a file range chunk by chunk: on this thread if it may block, otherwise on tokio's blocking threads, one chunk
/// ahead of the sender.
pub(super) struct FileChunks<'a> {
    /// The unread range of the file.
    rest: FileRange<'a>,
    buffers: &'a BufferPool,
    blocking_io: bool,
    ahead: Option<PendingRead>,
}

/// The first `len` bytes of a buffer.
pub(super) struct FileChunk {
    buffer: Vec<u8>,
    len: usize,
}

impl FileChunk {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[..self.len]
    }
}

impl<'a> FileChunks<'a> {
    pub(super) fn new(range: FileRange<'a>, blocking_io: bool, buffers: &'a BufferPool) -> Self {
        Self {
            rest: range,
            buffers,
            blocking_io,
            ahead: None,
        }
    }

    /// Returns the next chunk; `None` after the last.
    pub(super) async fn next(&mut self) -> io::Result<Option<FileChunk>> {
        if self.blocking_io {
            return self.read_here();
        }
        if self.ahead.is_none() {
            self.ahead = self.start_read();
        }
        let Some(reading) = &mut self.ahead else {
            return Ok(None);
        };
        let chunk = joined((&mut reading.0).await)?;
        // The next chunk is read while this one is being sent.
        self.ahead = self.start_read();
        Ok(Some(chunk))
    }

    /// Returns the buffer of a sent chunk to the pool.
    pub(super) fn reuse(&self, chunk: FileChunk) {
        self.buffers.put_back(chunk.buffer);
    }

    fn read_here(&mut self) -> io::Result<Option<FileChunk>> {
        let Some((offset, len)) = self.claim() else {
            return Ok(None);
        };
        let mut buffer = self.buffers.take();
        read_exact_at(self.rest.file, offset, &mut buffer[..len])?;
        if self.rest.len == 0 {
            self.rest.check_version()?;
        }
        Ok(Some(FileChunk { buffer, len }))
    }

    fn start_read(&mut self) -> Option<PendingRead> {
        let (offset, len) = self.claim()?;
        let file = Arc::clone(self.rest.file);
        let version = self.rest.version.filter(|_| self.rest.len == 0).cloned();
        let mut buffer = self.buffers.take();
        Some(PendingRead(tokio::task::spawn_blocking(move || {
            read_exact_at(&file, offset, &mut buffer[..len])?;
            check_version(&file, version.as_deref())?;
            Ok(FileChunk { buffer, len })
        })))
    }

    /// Removes the next chunk from the unread range. Returns its offset and length.
    fn claim(&mut self) -> Option<(u64, usize)> {
        let FileRange { offset, len, .. } = self.rest;
        let taken = usize::try_from(len).map_or(CHUNK, |len| len.min(CHUNK));
        self.rest.offset += taken as u64;
        self.rest.len -= taken as u64;
        (taken > 0).then_some((offset, taken))
    }
}

/// A read on another thread. If it is dropped before it has started, it never starts.
struct PendingRead(JoinHandle<io::Result<FileChunk>>);

impl Drop for PendingRead {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Appends a whole file range to `buffer`. For small ranges.
pub(super) async fn append_file(
    range: FileRange<'_>,
    blocking_io: bool,
    mut buffer: Vec<u8>,
) -> io::Result<Vec<u8>> {
    let start = buffer.len();
    let len = usize::try_from(range.len).map_err(io::Error::other)?;
    let offset = range.offset;
    buffer.resize(start + len, 0);
    if blocking_io {
        read_exact_at(range.file, offset, &mut buffer[start..])?;
        range.check_version()?;
        return Ok(buffer);
    }
    let file = Arc::clone(range.file);
    let version = range.version.cloned();
    let reading = tokio::task::spawn_blocking(move || {
        read_exact_at(&file, offset, &mut buffer[start..])?;
        check_version(&file, version.as_deref())?;
        Ok(buffer)
    });
    joined(reading.await)
}

fn joined<T>(outcome: Result<io::Result<T>, tokio::task::JoinError>) -> io::Result<T> {
    outcome.unwrap_or_else(|_| Err(io::Error::other("the runtime is shutting down")))
}

fn read_exact_at(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
    file.read_exact_at(buffer, offset)
        .map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => file_was_truncated(),
            _ => error,
        })
}

fn check_version(file: &File, version: Option<&Metadata>) -> io::Result<()> {
    let Some(version) = version else {
        return Ok(());
    };
    let times = |found: &Metadata| {
        [
            found.mtime(),
            found.mtime_nsec(),
            found.ctime(),
            found.ctime_nsec(),
        ]
    };
    let now = file.metadata()?;
    match now.len() == version.len() && times(&now) == times(version) {
        true => Ok(()),
        false => {
            let text = "the file was changed while it was being uploaded";
            Err(io::Error::other(text))
        }
    }
}

/// Returns the error for a file that ends before the body does.
pub(super) fn file_was_truncated() -> io::Error {
    let text = "the file was truncated during the upload";
    io::Error::new(io::ErrorKind::UnexpectedEof, text)
}
