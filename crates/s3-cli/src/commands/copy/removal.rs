//! Removes the sources of `mv` after their copies are on disk, unless they have changed.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::job::absolute;
use super::task::LocalSource;
use crate::failure::Failure;

/// The failure of a source that is not the one that was copied any more.
pub(super) fn replaced() -> Failure {
    Failure::local("the source was changed meanwhile, so it was not removed")
        .with_hint("the copy has the old content")
}

/// Removes a source that was uploaded, unless it was changed meanwhile or lies elsewhere.
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

/// Returns whether a directory is another one or lies below it, with links resolved.
fn is_below(directory: &Path, root: &Path) -> io::Result<bool> {
    Ok(directory.canonicalize()?.starts_with(root.canonicalize()?))
}

/// Waits until a file or a directory, and its name, are on the disk.
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
    fn a_file_or_a_directory_that_is_not_there_cannot_be_on_the_disk() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        assert!(sync_to_disk(&path).is_err());
        fs::write(&path, "content").unwrap();
        sync_to_disk(&path).unwrap();
        sync_to_disk(directory.path()).unwrap();
    }
}
