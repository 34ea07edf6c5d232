//! [`Scratch`]: the client's temporary directory for downloads, created when needed, locked, and removed at the end.

use std::fs::File;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::{fs, process};

use s3_core::ByteRange;

use crate::error::{Error, Result};
use crate::local_name::local_name;

/// Maximum number of attempts to remove the directory while a cancelled download still writes to it.
const REMOVE_ATTEMPTS: u32 = 5;

/// The prefix of the directory's name: Metaflow's, and a capital letter, which Metaflow's names do not have.
/// Directories that are kept have another letter, so that no cleanup removes them.
pub(crate) const PREFIX: &str = "metaflow.s3.R";
const KEPT_PREFIX: &str = "metaflow.s3.K";
/// The number of random characters: 8 after the last dot, as in Metaflow.
pub(crate) const RANDOM: usize = 7;

/// A directory `<tmproot>/metaflow.s3.RXXXXXXX` that is created when the first download needs a file, and removed with
/// the last handle or object of a client.
///
/// It is locked while the process that created it runs, so that a cleanup skips directories in use.
///
/// Its path is absolute, so a change of the working directory has no effect on it. Only the process that created it
/// removes it: a forked child that drops its copy of the client leaves its parent's files alone.
#[derive(Debug)]
pub(crate) struct Scratch {
    tmproot: PathBuf,
    made: OnceLock<Directory>,
    making: Mutex<()>,
    keep: bool,
    closed: AtomicBool,
    /// Whether a file was to be written, but the directory could not be created.
    failed: AtomicBool,
    serial: AtomicU64,
}

/// The directory after its creation.
#[derive(Debug)]
struct Directory {
    path: PathBuf,
    /// Holds the lock.
    _open: File,
    owner: u32,
}

impl Scratch {
    /// Chooses the path of the directory below `tmproot`, which must exist; whether it is writable is not checked. With
    /// `keep`, the directory is never removed.
    pub(crate) fn below(tmproot: &Path, keep: bool) -> Result<Self> {
        let tmproot = tmproot
            .canonicalize()
            .map_err(|error| Error::tmproot(tmproot, error))?;
        Ok(Self {
            tmproot,
            made: OnceLock::new(),
            making: Mutex::new(()),
            keep,
            closed: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            serial: AtomicU64::new(0),
        })
    }

    /// Returns the directory, and creates it if necessary.
    pub(crate) fn directory(&self) -> Result<&Path> {
        if let Some(made) = self.made.get() {
            return Ok(&made.path);
        }
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_closed() {
            return Err(Error::Closed {
                action: "make a temporary directory".to_owned(),
            });
        }
        if self.made.get().is_none() {
            let made = make(&self.tmproot, self.keep)
                .map_err(|error| Error::tmproot(&self.tmproot, error))?;
            _ = self.made.set(made);
        }
        Ok(&self.made.get().expect("set under the lock").path)
    }

    /// Returns the directory, or `None` if it cannot be created or after [`close`](Self::close).
    pub(crate) fn path(&self) -> Option<&Path> {
        match self.is_closed() {
            true => None,
            false => self.directory().ok(),
        }
    }

    /// Returns whether the directory was created and not yet closed.
    pub(crate) fn is_in_use(&self) -> bool {
        self.made.get().is_some() && !self.is_closed()
    }

    /// Returns the error that prevented the creation of the directory, if a file was to be written there.
    pub(crate) fn failure(&self) -> Option<Error> {
        match self.failed.load(Ordering::Acquire) {
            true => self.directory().err(),
            false => None,
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Returns a path in the directory that was not returned before. If the directory cannot be created, writing to the
    /// path fails, and [`directory`](Self::directory) returns the reason.
    pub(crate) fn new_file(&self, url: &str, range: Option<&ByteRange>) -> PathBuf {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        let directory = match self.directory() {
            Ok(path) => path.to_owned(),
            Err(_) => {
                self.failed.store(true, Ordering::Release);
                self.tmproot.join("no.directory")
            }
        };
        directory.join(local_name(url, range, serial))
    }

    /// Removes the directory and its content. Further calls do nothing.
    pub(crate) fn close(&self) -> Result<()> {
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        let closed = self.closed.swap(true, Ordering::AcqRel);
        let Some(made) = self.made.get().filter(|_| !closed && !self.keep) else {
            return Ok(());
        };
        if made.owner != process::id() {
            return Ok(());
        }
        remove(&made.path).map_err(|error| {
            let action = format!("remove the temporary directory {}", made.path.display());
            Error::local(&action, error)
        })
    }
}

fn make(tmproot: &Path, keep: bool) -> io::Result<Directory> {
    loop {
        let directory = tempfile::Builder::new()
            .prefix(if keep { KEPT_PREFIX } else { PREFIX })
            .rand_bytes(RANDOM)
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir_in(tmproot)?;
        if let Some(open) = lock(directory.path())? {
            return Ok(Directory {
                path: directory.keep(),
                _open: open,
                owner: process::id(),
            });
        }
    }
}

/// Opens a new directory and locks it; `None` if a cleanup has removed it before it was locked.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let open = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        open => open?,
    };
    // On a file system without locks, locking fails, and the cleanup removes nothing.
    // This call waits while a search for orphans holds the lock.
    let _ = open.lock_shared();
    let is_there = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        named => named?.ino() == open.metadata()?.ino(),
    };
    Ok(is_there.then_some(open))
}

fn remove(path: &Path) -> io::Result<()> {
    let mut result = Ok(());
    for _ in 0..REMOVE_ATTEMPTS {
        result = fs::remove_dir_all(path);
        match &result {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            _ => return result,
        }
    }
    result
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::warn!(%error, "temporary files stay behind");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorClass;

    fn tmproot() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn the_directory_is_private_named_as_in_metaflow_and_removed_by_close() {
        let root = tmproot();
        let scratch = Scratch::below(root.path(), false).unwrap();
        let path = scratch.path().unwrap().to_owned();
        let name = path.file_name().unwrap().to_str().unwrap();
        assert_eq!(name.strip_prefix("metaflow.s3.").unwrap().len(), 8);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o700
        );
        fs::write(scratch.new_file("s3://b/k", None), "x").unwrap();

        scratch.close().unwrap();
        assert!(!path.exists());
        assert_eq!(scratch.path(), None);
        scratch.close().unwrap();
    }

    #[test]
    fn dropping_removes_the_directory_unless_it_is_kept() {
        let root = tmproot();
        let made = |keep| {
            let scratch = Scratch::below(root.path(), keep).unwrap();
            assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
            scratch.directory().unwrap();
            scratch
        };
        drop(made(false));
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
        drop(made(true));
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_directory_that_a_cleanup_removes_before_it_is_locked_is_made_again() {
        let root = tmproot();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    for entry in fs::read_dir(root.path()).unwrap().flatten() {
                        let path = entry.path();
                        let _ = crate::Orphan::Directory { path }.remove_local();
                    }
                }
            });
            let made: Vec<_> = (0..200)
                .map(|_| {
                    let made = make(root.path(), false)?;
                    let is_there = made.path.exists();
                    fs::remove_dir_all(&made.path).map(|()| is_there)
                })
                .collect();
            done.store(true, Ordering::Relaxed);
            assert!(made.iter().all(|made| matches!(made, Ok(true))), "{made:?}");
        });
    }

    #[test]
    fn another_process_never_removes_the_directory() {
        let root = tmproot();
        let mut scratch = Scratch::below(root.path(), false).unwrap();
        let path = scratch.directory().unwrap().to_owned();
        scratch.made.get_mut().unwrap().owner += 1;
        drop(scratch);
        assert!(path.exists());
    }

    #[test]
    fn a_directory_that_is_already_gone_is_not_an_error() {
        let root = tmproot();
        let scratch = Scratch::below(root.path(), false).unwrap();
        fs::remove_dir_all(scratch.directory().unwrap()).unwrap();
        scratch.close().unwrap();
    }

    #[test]
    fn a_missing_tmproot_is_an_error_that_names_it() {
        let error = Scratch::below(Path::new("/nonexistent/tmp"), false).unwrap_err();
        assert_eq!(error.class(), ErrorClass::Other);
        assert!(error.to_string().contains("/nonexistent/tmp"), "{error}");
    }
}
