//! A file that appears under its name when it is complete, and not before.

use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempPath;

/// What the names of unfinished files end in; a killed process leaves at most these behind.
const SUFFIX: &str = ".s3-part";

/// A file being written beside its target. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct TempFile {
    file: Arc<File>,
    temp: TempPath,
    target: PathBuf,
}

impl TempFile {
    /// Creates an empty file in the target's directory, so that the rename at the end is atomic. Blocks.
    ///
    /// `mode` is the permission of the finished file, less the process's umask.
    pub(crate) fn create(target: &Path, mode: u32) -> io::Result<Self> {
        let directory = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let (file, temp) = tempfile::Builder::new()
            .prefix(".")
            .suffix(SUFFIX)
            .permissions(Permissions::from_mode(mode))
            .tempfile_in(directory)?
            .into_parts();
        Ok(Self {
            file: Arc::new(file),
            temp,
            target: target.to_owned(),
        })
    }

    pub(crate) fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// Gives the file its name, replacing what is there. Blocks.
    pub(crate) fn persist(self) -> io::Result<PathBuf> {
        self.temp
            .persist(&self.target)
            .map_err(|failure| failure.error)?;
        Ok(self.target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_appears_only_at_the_end_and_nothing_else_stays() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("x");
        let temp = TempFile::create(&target, 0o600).unwrap();
        assert!(!target.exists());
        temp.persist().unwrap();
        assert!(target.exists());
        drop(TempFile::create(&dir.path().join("y"), 0o600).unwrap());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
