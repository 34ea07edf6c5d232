//! [`LocalData`]: the bytes of a download, in memory or in a local file.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::{fmt, fs};

use bytes::Bytes;
use s3_core::{ByteRange, S3Url};
use s3_transfer::MemoryShare;

use crate::error::{Error, Result};
use crate::scratch::Scratch;

/// Mode of a file in the temporary directory: readable by the owner only, like the directory.
const PRIVATE: u32 = 0o600;

/// The bytes of a download. Shared by all results for the same bytes.
pub(crate) struct LocalData {
    origin: Origin,
    storage: DataStorage,
    /// The file that in-memory bytes were written to.
    written: Mutex<Option<PathBuf>>,
}

/// The object and range of a download, and the temporary directory for its file.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) url: S3Url,
    pub(crate) range: Option<ByteRange>,
    pub(crate) scratch: Arc<Scratch>,
}

impl Origin {
    /// Returns a new path in the temporary directory.
    pub(crate) fn new_file(&self) -> PathBuf {
        self.scratch
            .new_file(self.url.as_str(), self.range.as_ref())
    }
}

enum DataStorage {
    Memory(
        Bytes,
        #[expect(dead_code, reason = "counts the bytes until it is dropped")] MemoryShare,
    ),
    /// A file in the temporary directory, removed with it.
    Scratch(PathBuf),
    /// A file at a path that the caller chose.
    File(PathBuf),
}

impl LocalData {
    /// Wraps bytes in memory.
    pub(crate) fn memory(origin: Origin, bytes: Bytes, memory: MemoryShare) -> Self {
        Self::new(origin, DataStorage::Memory(bytes, memory))
    }

    /// Wraps a file in the temporary directory.
    pub(crate) fn scratch_file(origin: Origin, path: PathBuf) -> Self {
        Self::new(origin, DataStorage::Scratch(path))
    }

    /// Wraps a file at a path that the caller chose, which is never removed.
    pub(crate) fn own_file(origin: Origin, path: PathBuf) -> Self {
        Self::new(origin, DataStorage::File(path))
    }

    fn new(origin: Origin, storage: DataStorage) -> Self {
        Self {
            origin,
            storage,
            written: Mutex::new(None),
        }
    }

    /// Returns the path of a file with the bytes; in-memory bytes are written at the first call.
    pub(crate) fn path(&self) -> Result<PathBuf> {
        let bytes = match &self.storage {
            DataStorage::File(path) => return Ok(path.clone()),
            _ if self.origin.scratch.is_closed() => return Err(self.closed()),
            DataStorage::Scratch(path) => return Ok(path.clone()),
            DataStorage::Memory(bytes, _) => bytes,
        };
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = &*written {
            return Ok(path.clone());
        }
        self.origin.scratch.directory()?;
        let path = self.origin.new_file();
        self.write(&path, bytes)?;
        *written = Some(path.clone());
        Ok(path)
    }

    fn write(&self, path: &Path, bytes: &Bytes) -> Result<()> {
        let create = || {
            fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(PRIVATE)
                .open(path)?
                .write_all(bytes)
        };
        create().map_err(|error| {
            // A partial file must not be mistaken for a complete one; the directory is removed anyway.
            _ = fs::remove_file(path);
            Error::local(
                &format!("write {} to {}", self.origin.url.as_str(), path.display()),
                error,
            )
        })
    }

    /// Returns the number of bytes in memory; 0 for a file.
    pub(crate) fn bytes_in_memory(&self) -> u64 {
        match &self.storage {
            DataStorage::Memory(bytes, _) => bytes.len() as u64,
            DataStorage::Scratch(_) | DataStorage::File(_) => 0,
        }
    }

    /// Returns the bytes, reading the file if they are in one.
    pub(crate) fn bytes(&self) -> Result<Bytes> {
        let path = match &self.storage {
            DataStorage::Memory(bytes, _) => return Ok(bytes.clone()),
            DataStorage::Scratch(_) if self.origin.scratch.is_closed() => return Err(self.closed()),
            DataStorage::Scratch(path) | DataStorage::File(path) => path,
        };
        let bytes = fs::read(path).map_err(|error| {
            Error::local(
                &format!("read {} from {}", self.origin.url.as_str(), path.display()),
                error,
            )
        })?;
        Ok(bytes.into())
    }

    fn closed(&self) -> Error {
        Error::Closed {
            action: format!("read {}", self.origin.url.as_str()),
        }
    }
}

impl fmt::Debug for LocalData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.storage {
            DataStorage::Memory(bytes, _) => write!(f, "{} bytes in memory", bytes.len()),
            DataStorage::Scratch(path) | DataStorage::File(path) => write!(f, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use s3_transfer::MemoryBudget;

    use super::*;
    use crate::ErrorClass;

    fn scratch() -> (tempfile::TempDir, Arc<Scratch>) {
        let root = tempfile::tempdir().unwrap();
        let scratch = Arc::new(Scratch::below(root.path(), false).unwrap());
        (root, scratch)
    }

    fn origin(scratch: &Arc<Scratch>) -> Origin {
        Origin {
            url: S3Url::parse("s3://b/k").unwrap(),
            range: None,
            scratch: Arc::clone(scratch),
        }
    }

    #[test]
    fn bytes_in_memory_are_written_once_and_survive_the_close() {
        let (_root, scratch) = scratch();
        let memory = MemoryBudget::new(5);
        let share = memory.hold(5);
        let data = LocalData::memory(origin(&scratch), Bytes::from("hello"), share);
        let path = data.path().unwrap();
        assert_eq!(
            (fs::read(&path).unwrap(), data.path().unwrap()),
            (b"hello".to_vec(), path.clone())
        );
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );

        scratch.close().unwrap();
        assert!(!path.exists());
        assert_eq!(data.bytes().unwrap(), "hello");
        let error = data.path().unwrap_err();
        assert!(matches!(error, Error::Closed { .. }), "{error}");
        assert_eq!(memory.taken(), 5);
        drop(data);
        assert_eq!(memory.taken(), 0);
    }

    #[test]
    fn closing_removes_files_of_the_scratch_directory_and_keeps_files_of_the_caller() {
        let (root, scratch) = scratch();
        let inside = scratch.new_file("s3://b/k", None);
        let outside = root.path().join("mine");
        for path in [&inside, &outside] {
            fs::write(path, "x").unwrap();
        }
        let ours = LocalData::scratch_file(origin(&scratch), inside);
        let theirs = LocalData::own_file(origin(&scratch), outside);
        assert_eq!(ours.bytes().unwrap(), "x");

        scratch.close().unwrap();
        assert!(matches!(ours.bytes().unwrap_err(), Error::Closed { .. }));
        assert_eq!(ours.path().unwrap_err().class(), ErrorClass::Other);
        assert_eq!(theirs.bytes().unwrap(), "x");
    }
}
