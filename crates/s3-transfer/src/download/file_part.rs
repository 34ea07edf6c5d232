//! Writes a downloaded part to disk through one buffer: to a range of a shared file, or to a file of its own.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use bytes::{Bytes, BytesMut};
use s3_core::Payload;

use crate::io::{BUFFER, Buffers, Target, TempFile, on_disk, write_at};

/// The bytes of one part, gathered in a buffer that is written to a file when it is full.
///
/// While the buffer is written, this part waits and other parts continue. Bytes in the buffer or in the file count as
/// filled; those of a write whose future is dropped do not.
#[derive(Debug)]
pub(crate) struct FilePart {
    part_file: PartFile,
    written: u64,
    buffer: Option<BytesMut>,
    buffers: Buffers,
}

#[derive(Debug)]
enum PartFile {
    /// A range of a file that other parts write as well.
    Shared { file: Arc<File>, start: u64 },
    /// A whole file. The first write creates it under a temporary name, the last one renames it. A file that fits into
    /// one buffer is created, written and renamed in one blocking call.
    Own {
        /// The only strong reference: a write that cannot upgrade its weak reference has been cancelled.
        target: Arc<Target>,
        len: u64,
        temp: Option<TempFile>,
    },
}

impl FilePart {
    /// Returns the range of `file` from `start`.
    pub(crate) fn shared(file: Arc<File>, start: u64, buffers: Buffers) -> Self {
        Self::new(PartFile::Shared { file, start }, buffers)
    }

    /// Returns a file of `len` bytes that is this part's alone.
    pub(crate) fn own(target: Target, len: u64, buffers: Buffers) -> Self {
        let target = Arc::new(target);
        let temp = None;
        Self::new(PartFile::Own { target, len, temp }, buffers)
    }

    fn new(part_file: PartFile, buffers: Buffers) -> Self {
        Self {
            part_file,
            written: 0,
            buffer: None,
            buffers,
        }
    }

    pub(crate) fn filled(&self) -> u64 {
        self.written + self.waiting() as u64
    }

    fn waiting(&self) -> usize {
        self.buffer.as_ref().map_or(0, BytesMut::len)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.waiting() >= BUFFER
    }

    pub(crate) fn clear(&mut self) {
        self.written = 0;
        self.give_back();
    }

    pub(crate) fn room(&mut self) -> (&mut BytesMut, usize) {
        let buffer = self.buffer.get_or_insert_with(|| self.buffers.take());
        let room = BUFFER.saturating_sub(buffer.len());
        (buffer, room)
    }

    /// Writes the buffered bytes and returns the buffer to the pool.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        if self.waiting() > 0 {
            return self.write(false).await;
        }
        self.give_back();
        Ok(())
    }

    /// Returns the bytes that have been written.
    pub(crate) fn written(&self) -> Payload {
        let (file, start) = match &self.part_file {
            PartFile::Shared { file, start } => (Some(file), *start),
            PartFile::Own { temp, .. } => (temp.as_ref().map(TempFile::file), 0),
        };
        file.map_or_else(Payload::empty, |file| {
            Payload::from_file(Arc::clone(file), start, self.written)
        })
    }

    /// Writes the buffered bytes, which are the last ones of the part.
    pub(crate) async fn finish(&mut self) -> io::Result<()> {
        match self.part_file {
            PartFile::Own { .. } => self.write(true).await,
            PartFile::Shared { .. } => self.flush().await,
        }
    }

    /// Returns the path of the file, for a finished part with its own file.
    pub(crate) fn into_path(mut self) -> PathBuf {
        match &mut self.part_file {
            PartFile::Own { target, .. } => match Arc::get_mut(target) {
                Some(target) => std::mem::take(&mut target.path),
                None => target.path.clone(),
            },
            PartFile::Shared { .. } => PathBuf::new(),
        }
    }

    async fn write(&mut self, last: bool) -> io::Result<()> {
        let buffer = self.buffer.take().unwrap_or_default();
        let count = buffer.len() as u64;
        let buffer = match &mut self.part_file {
            PartFile::Shared { file, start } => {
                let (file, offset) = (Arc::clone(file), *start + self.written);
                on_disk(move || write_at(&file, &buffer, offset).map(|()| buffer)).await?
            }
            PartFile::Own { target, len, temp } => {
                // The file moves into the write: if this future is dropped meanwhile, the part has neither file nor
                // bytes.
                let offset = std::mem::take(&mut self.written);
                let (so_far, target, len) = (temp.take(), Arc::downgrade(target), *len);
                let step = move || {
                    let temp = own_step(so_far, &target, len, &buffer, offset, last)?;
                    Ok((temp, buffer))
                };
                let (so_far, buffer) = on_disk(step).await?;
                *temp = so_far;
                self.written = offset;
                buffer
            }
        };
        self.written += count;
        self.buffers.put(buffer);
        Ok(())
    }

    fn give_back(&mut self) {
        if let Some(buffer) = self.buffer.take() {
            self.buffers.put(buffer);
        }
    }
}

impl Drop for FilePart {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// Creates, writes and renames a small file in one blocking call.
pub(crate) async fn write_whole(target: Target, bytes: Bytes) -> io::Result<()> {
    let len = bytes.len() as u64;
    // Lives until the write is over or this future is dropped.
    let target = Arc::new(target);
    let weak = Arc::downgrade(&target);
    on_disk(move || own_step(None, &weak, len, &bytes, 0, true).map(drop)).await
}

/// Writes bytes to a part's own file. The first write creates the file, the last one renames it to its target. Blocks.
fn own_step(
    temp: Option<TempFile>,
    target: &Weak<Target>,
    len: u64,
    bytes: &[u8],
    offset: u64,
    last: bool,
) -> io::Result<Option<TempFile>> {
    let wanted = || target.upgrade().ok_or(io::ErrorKind::Interrupted);
    let temp = match temp {
        Some(temp) => temp,
        None => {
            let target = wanted()?;
            TempFile::create(&target.path, target.mode, len)?
        }
    };
    write_at(temp.file(), bytes, offset)?;
    if !last {
        return Ok(Some(temp));
    }
    temp.persist(&*wanted()?)?;
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    fn target(directory: &Path) -> Target {
        let path = directory.join("out");
        Target {
            path,
            mode: 0o600,
            replaces: true,
        }
    }

    fn push(part: &mut FilePart, bytes: &[u8]) {
        part.room().0.extend_from_slice(bytes);
    }

    #[tokio::test]
    async fn a_file_of_one_part_appears_with_its_last_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let mut part = FilePart::own(target(dir.path()), 4, Buffers::default());
        push(&mut part, b"ab");
        part.flush().await.unwrap();
        assert_eq!((part.filled(), part.waiting()), (2, 0));
        assert!(!dir.path().join("out").exists());
        push(&mut part, b"cd");
        part.finish().await.unwrap();
        assert_eq!(fs::read(dir.path().join("out")).unwrap(), b"abcd");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_cancelled_write_leaves_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let gone = Arc::downgrade(&Arc::new(target(dir.path())));
        assert!(own_step(None, &gone, 2, b"ab", 0, true).is_err());
        let alive = Arc::new(target(dir.path()));
        let weak = Arc::downgrade(&alive);
        let temp = own_step(None, &weak, 4, b"ab", 0, false).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        drop(alive);
        assert!(own_step(temp, &weak, 4, b"cd", 2, true).is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn all_writes_use_one_buffer_and_return_it() {
        let dir = tempfile::tempdir().unwrap();
        let buffers = Buffers::default();
        let buffer = buffers.take();
        let address = buffer.as_ptr();
        buffers.put(buffer);
        let file = Arc::new(fs::File::create(dir.path().join("f")).unwrap());
        let mut part = FilePart::shared(file, 3, buffers.clone());
        for piece in [b"ab", b"cd"] {
            push(&mut part, piece);
            assert_eq!(part.room().0.as_ptr(), address);
            part.flush().await.unwrap();
        }
        let _ = part.room();
        part.flush().await.unwrap();
        let idle = buffers.take();
        assert_eq!(idle.as_ptr(), address);
        buffers.put(idle);
        push(&mut part, b"lost");
        drop(part);
        assert_eq!(buffers.take().as_ptr(), address);
        assert_eq!(fs::read(dir.path().join("f")).unwrap(), b"\0\0\0abcd");
    }
}
