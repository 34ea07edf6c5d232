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

/// How often the removal is tried while a download that is being cancelled still writes to the directory.
const REMOVE_ATTEMPTS: u32 = 5;

/// The prefix of the directory's name: Metaflow's, and a capital letter, which Metaflow's names do not have. Directories
/// that are kept have another letter, so that no cleanup removes them.
pub(crate) const PREFIX: &str = "metaflow.s3.R";
const KEPT_PREFIX: &str = "metaflow.s3.K";
/// The number of random characters: 8 after the last dot, as in Metaflow.
pub(crate) const RANDOM: usize = 7;

/// A directory `<tmproot>/metaflow.s3.RXXXXXXX`, removed with the last handle or object of a client.
///
/// The process that created it holds a lock on it, so that a cleanup can tell that it is in use. Only that process removes
/// it: a forked child that drops its copy of the client leaves the files of its parent alone. The path is absolute, so
/// that a change of the working directory does not matter.
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
    /// Creates the directory with mode 0700. With `keep`, it is never removed.
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
        // Without support for locks this fails, and no cleanup ever removes the directory.
        // It waits for a search that holds the lock.
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

    /// Returns a new path in the directory.
    pub(crate) fn new_file(&self, url: &str, range: Option<&ByteRange>) -> PathBuf {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        self.path.join(local_name(url, range, serial))
    }

    /// Removes the directory and its content. Further calls do nothing.
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
    fn the_directory_is_private_named_as_in_metaflow_and_removed_by_close() {
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
    fn dropping_removes_the_directory_unless_it_is_kept() {
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
    fn a_directory_that_is_already_gone_is_not_an_error() {
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
