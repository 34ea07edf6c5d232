//! The temporary directory of a client.

use std::fs::File;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::{fs, process};

use s3_core::ByteRange;

use crate::error::{Error, Result};
use crate::local_name::local_name;

/// How often removing the directory is tried again when a download that is being cancelled still writes into it.
const REMOVE_ATTEMPTS: u32 = 5;

/// What the names of all such directories begin with, as Metaflow's do, and the letter of ours: in Metaflow's there are
/// no capitals. Directories that stay for ever have another, so that nobody sweeps them.
pub(crate) const PREFIX: &str = "metaflow.s3.R";
const KEPT_PREFIX: &str = "metaflow.s3.K";
/// How many characters follow, so that there are 8 of them behind the last dot, as in Metaflow.
pub(crate) const RANDOM: usize = 7;

/// A directory `<tmproot>/metaflow.s3.RXXXXXXX` that goes away with the last handle or object of a client.
///
/// It is locked as long as the process lives that made it, so that a sweep can tell what is in use.
///
/// Its path is absolute, so that a change of the working directory harms nobody. Only the process that made it removes
/// it: a forked child that drops its copy of the client leaves its parent's files alone.
#[derive(Debug)]
pub(crate) struct Scratch {
    path: PathBuf,
    /// Holds the lock.
    _open: File,
    owner: u32,
    keep: bool,
    closed: AtomicBool,
    serial: AtomicU64,
}

impl Scratch {
    /// Creates the directory, for the owner's eyes only. With `keep`, it stays for ever.
    pub(crate) fn create(tmproot: &Path, keep: bool) -> Result<Self> {
        let (path, open) =
            Self::create_in(tmproot, keep).map_err(|error| Error::tmproot(tmproot, error))?;
        Ok(Self {
            path,
            _open: open,
            owner: process::id(),
            keep,
            closed: AtomicBool::new(false),
            serial: AtomicU64::new(0),
        })
    }

    fn create_in(tmproot: &Path, keep: bool) -> io::Result<(PathBuf, File)> {
        let directory = tempfile::Builder::new()
            .prefix(if keep { KEPT_PREFIX } else { PREFIX })
            .rand_bytes(RANDOM)
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir_in(tmproot.canonicalize()?)?;
        let open = File::open(directory.path())?;
        // A file system without locks says so, and then nothing of it is ever swept.
        // It waits for a search that looks whether somebody uses it.
        let _ = open.lock_shared();
        Ok((directory.keep(), open))
    }

    /// Returns the directory, or `None` after [`close`](Self::close).
    pub(crate) fn path(&self) -> Option<&Path> {
        (!self.is_closed()).then_some(self.path.as_path())
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Returns a path in the directory that was never given before.
    pub(crate) fn new_file(&self, url: &str, range: Option<&ByteRange>) -> PathBuf {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        self.path.join(local_name(url, range, serial))
    }

    /// Removes the directory and all that is in it, now. The second time nothing happens.
    pub(crate) fn close(&self) -> Result<()> {
        if self.closed.swap(true, Ordering::AcqRel) || self.keep || self.owner != process::id() {
            return Ok(());
        }
        self.remove().map_err(|error| {
            Error::local(
                &format!("remove the temporary directory {}", self.path.display()),
                error,
            )
        })
    }

    fn remove(&self) -> io::Result<()> {
        let mut result = Ok(());
        for _ in 0..REMOVE_ATTEMPTS {
            result = fs::remove_dir_all(&self.path);
            match &result {
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                _ => return result,
            }
        }
        result
    }
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
    fn the_directory_is_private_named_as_in_metaflow_and_goes_on_close() {
        let root = tmproot();
        let scratch = Scratch::create(root.path(), false).unwrap();
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
    fn dropping_removes_and_keeping_keeps() {
        let root = tmproot();
        drop(Scratch::create(root.path(), false).unwrap());
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
        drop(Scratch::create(root.path(), true).unwrap());
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }

    #[test]
    fn another_process_never_removes_the_directory() {
        let root = tmproot();
        let mut scratch = Scratch::create(root.path(), false).unwrap();
        scratch.owner += 1;
        let path = scratch.path.clone();
        drop(scratch);
        assert!(path.exists());
    }

    #[test]
    fn a_directory_that_is_gone_already_is_no_error() {
        let root = tmproot();
        let scratch = Scratch::create(root.path(), false).unwrap();
        fs::remove_dir_all(&scratch.path).unwrap();
        scratch.close().unwrap();
    }

    #[test]
    fn a_missing_tmproot_is_an_error_that_names_it() {
        let error = Scratch::create(Path::new("/nonexistent/tmp"), false).unwrap_err();
        assert_eq!(error.class(), ErrorClass::Other);
        assert!(error.to_string().contains("/nonexistent/tmp"), "{error}");
    }
}
