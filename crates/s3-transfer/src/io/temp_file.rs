//! [`TempFile`]: a file that is written under a temporary name next to its target, and renamed when it is complete.

use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;
use tempfile::TempPath;

use super::BUFFER;

/// Suffix of unfinished files. A killed process leaves them behind.
const SUFFIX: &str = ".s3-part";

/// Minimum size of a file that is preallocated. For smaller ones the call costs more than it saves.
const PREALLOCATE_FROM: u64 = 1 << 20;

/// A file that is being written in the directory of its target. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct TempFile {
    file: Arc<File>,
    temp: TempPath,
}

impl TempFile {
    /// Creates an empty file in the target's directory, so that the rename is atomic, and reserves room for `len`
    /// bytes. Blocks.
    ///
    /// `mode` is the permission of the finished file; bits in the process's umask are cleared.
    ///
    /// # Errors
    ///
    /// The errors of creating a file; `StorageFull` if the file system can tell that there is no room for `len` bytes.
    pub(crate) fn create(target: &Path, mode: u32, len: u64) -> io::Result<Self> {
        let directory = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let (file, temp) = loop {
            let (file, temp) = tempfile::Builder::new()
                .prefix(".")
                .suffix(SUFFIX)
                .permissions(Permissions::from_mode(mode))
                .tempfile_in(directory)?
                .into_parts();
            // The lock is held until the file is renamed or the process ends: the cleanup does not remove locked files.
            // On a file system without locks, locking fails, and the cleanup removes nothing. This call waits while a
            // search for orphans holds the lock.
            let _ = file.lock_shared();
            // The search may have removed the file before it was locked.
            if file.metadata()?.nlink() > 0 {
                break (file, temp);
            }
        };
        if len >= PREALLOCATE_FROM {
            preallocate(&file, len)?;
        }
        let file = Arc::new(file);
        Ok(Self { file, temp })
    }

    /// Returns the open file.
    pub(crate) fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// Renames the file to its target. Blocks.
    ///
    /// # Errors
    ///
    /// Those of a rename; `AlreadyExists` if the target exists and is not to be replaced.
    pub(crate) fn persist(self, target: &Target) -> io::Result<()> {
        let named = match target.replaces {
            true => self.temp.persist(&target.path),
            false => self.temp.persist_noclobber(&target.path),
        };
        named.map_err(|failure| failure.error)?;
        // The file now belongs to the caller, who may lock it.
        let _ = self.file.unlock();
        Ok(())
    }
}

/// Reserves disk space: extents are allocated once, and a full disk fails before the transfer.
fn preallocate(file: &File, len: u64) -> io::Result<()> {
    ignore_unsupported(fallocate(file, FallocateFlags::empty(), 0, len))
}

/// Ignores errors of file systems that cannot reserve space; writes fail later if the disk is full.
fn ignore_unsupported(result: Result<(), Errno>) -> io::Result<()> {
    match result {
        Err(Errno::NOSPC | Errno::DQUOT | Errno::FBIG) => Ok(result?),
        _ => Ok(()),
    }
}

/// Writes `bytes` at `offset`, in chunks of [`BUFFER`]. Blocks.
pub(crate) fn write_at(file: &File, bytes: &[u8], mut offset: u64) -> io::Result<()> {
    for piece in bytes.chunks(BUFFER) {
        file.write_all_at(piece, offset)?;
        offset += piece.len() as u64;
    }
    Ok(())
}

/// A file to be written: its path and permissions.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) path: PathBuf,
    pub(crate) mode: u32,
    /// Whether an existing file is replaced.
    pub(crate) replaces: bool,
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use super::*;

    fn names(directory: &Path) -> usize {
        std::fs::read_dir(directory).unwrap().count()
    }

    fn to(path: &Path, replaces: bool) -> Target {
        Target {
            path: path.to_owned(),
            mode: 0o600,
            replaces,
        }
    }

    #[test]
    fn a_file_that_is_there_is_replaced_or_stays() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("x");
        std::fs::write(&target, "old").unwrap();
        let temp = TempFile::create(&target, 0o600, 0).unwrap();
        let error = temp.persist(&to(&target, false)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&target).unwrap(), b"old");
        assert_eq!(names(dir.path()), 1);
        let temp = TempFile::create(&target, 0o600, 0).unwrap();
        temp.persist(&to(&target, true)).unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), b"");
    }

    #[test]
    fn the_target_appears_only_at_the_end_and_nothing_else_stays() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("x");
        let temp = TempFile::create(&target, 0o600, 0).unwrap();
        assert!(!target.exists());
        temp.persist(&to(&target, true)).unwrap();
        assert!(target.exists());
        drop(TempFile::create(&dir.path().join("y"), 0o600, 0).unwrap());
        assert_eq!(names(dir.path()), 1);
    }

    #[test]
    fn a_file_is_locked_until_it_is_renamed() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("x");
        let temp = TempFile::create(&target, 0o600, 0).unwrap();
        let held = Arc::clone(temp.file());
        let other = File::open(&*temp.temp).unwrap();
        assert!(other.try_lock().is_err());
        temp.persist(&to(&target, true)).unwrap();
        assert!(other.try_lock().is_ok());
        drop(held);
    }

    #[test]
    fn a_file_that_a_cleanup_removes_before_it_is_locked_is_created_again() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("x");
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    for entry in std::fs::read_dir(dir.path()).unwrap().flatten() {
                        if entry.path() == target {
                            continue;
                        }
                        // Locked until it is removed, as a cleanup does.
                        if let Ok(file) = File::open(entry.path())
                            && file.try_lock().is_ok()
                        {
                            let _ = std::fs::remove_file(entry.path());
                        }
                    }
                }
            });
            let outcomes: Vec<_> = (0..5000)
                .map(|_| {
                    let temp = TempFile::create(&target, 0o600, 0)?;
                    temp.persist(&to(&target, true))
                })
                .collect();
            done.store(true, Ordering::Relaxed);
            let lost = outcomes.iter().filter(|outcome| outcome.is_err()).count();
            assert_eq!(lost, 0);
        });
    }

    #[test]
    fn disk_space_is_reserved_before_the_first_write() {
        let dir = tempfile::tempdir().unwrap();
        let len = PREALLOCATE_FROM + 5;
        let temp = TempFile::create(&dir.path().join("x"), 0o600, len).unwrap();
        assert_eq!(temp.file().metadata().unwrap().len(), len);
    }

    #[test]
    fn reserving_more_than_the_disk_has_fails_and_leaves_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let error = TempFile::create(&dir.path().join("x"), 0o600, 1 << 50).unwrap_err();
        let kind = error.kind();
        assert!(
            matches!(
                kind,
                io::ErrorKind::StorageFull | io::ErrorKind::FileTooLarge
            ),
            "{error}"
        );
        assert_eq!(names(dir.path()), 0);
    }

    #[test]
    fn a_file_system_that_cannot_reserve_space_is_not_an_error() {
        for errno in [Errno::OPNOTSUPP, Errno::INVAL, Errno::NOSYS, Errno::INTR] {
            assert!(ignore_unsupported(Err(errno)).is_ok(), "{errno}");
        }
        for errno in [Errno::NOSPC, Errno::DQUOT] {
            assert!(ignore_unsupported(Err(errno)).is_err(), "{errno}");
        }
    }
}
