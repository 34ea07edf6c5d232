//! Removes the sources of `mv` after their copies are on disk, unless they have changed.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::job::absolute;
use super::task::LocalSource;
use crate::failure::Failure;

/// Returns the failure for a source that was replaced since it was copied.
pub(super) fn replaced() -> Failure {
    Failure::local("the source changed during the copy, so it was not removed")
        .with_hint("the copy has the old content")
}

/// Removes a source that was uploaded, unless it was changed during the upload or a symbolic link leads out of the
/// source.
pub(super) fn remove_source(source: &LocalSource, size: Option<u64>) -> Result<(), Failure> {
    let (path, root) = match source {
        LocalSource::Stdin => return Ok(()),
        LocalSource::File { path, root, .. } | LocalSource::Directory { path, root } => {
            (path, root)
        }
    };
    let failed = |error| Failure::of_file("remove", path, &error);
    if let (Some(root), Some(parent)) = (root, path.parent())
        && !is_below(parent, root).map_err(failed)?
    {
        let message = format!(
            "{} is outside of the source, where a symbolic link leads, so it was not removed",
            path.display()
        );
        return Err(Failure::local(message).with_hint("the copy is complete"));
    }
    let LocalSource::File { modified, .. } = source else {
        return fs::remove_dir(path).map_err(failed);
    };
    let now = fs::metadata(path).map_err(failed)?;
    if now.modified().ok() != *modified || size.is_some_and(|size| size != now.len()) {
        let message = format!(
            "{} was changed while it was uploaded, so it was not removed",
            path.display()
        );
        return Err(Failure::local(message));
    }
    fs::remove_file(path).map_err(failed)
}

/// Returns whether a directory is `root` or below it, with symbolic links resolved.
fn is_below(directory: &Path, root: &Path) -> io::Result<bool> {
    Ok(directory.canonicalize()?.starts_with(root.canonicalize()?))
}

/// Syncs a file or a directory, and its name in the parent directory, to disk.
pub(super) fn sync_to_disk(path: &Path) -> Result<(), Failure> {
    let path = absolute(path)?;
    let sync = |path: &Path| File::open(path)?.sync_all();
    let directory = path.parent().unwrap_or(&path);
    let synced = sync(&path).and_then(|()| match sync(directory) {
        // Some file systems cannot sync a directory.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        synced => synced,
    });
    synced.map_err(|error| Failure::of_file("write", &path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syncing_a_missing_file_or_directory_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        assert!(sync_to_disk(&path).is_err());
        fs::write(&path, "content").unwrap();
        sync_to_disk(&path).unwrap();
        sync_to_disk(directory.path()).unwrap();
    }
}
