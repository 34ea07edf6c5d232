//! [`Orphan`]: a stale temporary directory, partial file or upload of a killed process, and the search for local ones.

use std::fmt;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use s3_core::{S3Url, UploadId};

use crate::resume::PARTIAL_SUFFIX;
use crate::scratch::{PREFIX, RANDOM};

/// Prefix and suffix of the names of unfinished downloads, and the number of random characters between them.
pub(crate) const PART: (&str, &str, usize) = (".", ".s3-part", 6);

/// A directory, file or upload that a process left when it was killed, or lost its connection while it created an
/// upload.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Orphan {
    /// A client's temporary directory, `metaflow.s3.RXXXXXXX`, whose process is gone.
    Directory {
        /// The path of the directory.
        path: PathBuf,
    },
    /// An unfinished download next to its target, `.XXXXXX.s3-part`, whose process is gone.
    File {
        /// The path of the file.
        path: PathBuf,
    },
    /// A multipart upload that was neither completed nor aborted. Its parts are billed until it is aborted.
    Upload {
        /// The URL of the object.
        url: S3Url,
        /// The ID of the upload.
        upload: UploadId,
    },
}

impl Orphan {
    /// Removes a local orphan. Returns `false` if it is already gone or in use again. Blocks.
    pub fn remove_local(&self) -> io::Result<bool> {
        let (path, remove): (_, fn(&Path) -> io::Result<()>) = match self {
            Self::Directory { path } => (path, |path| fs::remove_dir_all(path)),
            Self::File { path } => (path, |path| fs::remove_file(path)),
            Self::Upload { .. } => return Ok(false),
        };
        let done = match unused(path) {
            Ok(Some(_lock)) => remove(path).map(|()| true),
            Ok(None) => Ok(false),
            Err(error) => Err(error),
        };
        match done {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            done => done,
        }
    }
}

/// Prints the path or URL.
impl fmt::Display for Orphan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory { path } | Self::File { path } => path.display().fmt(f),
            Self::Upload { url, .. } => url.fmt(f),
        }
    }
}

/// Finds temporary directories of clients and unfinished downloads in `directory` that are older than `older_than`, are
/// not in use, and belong to the owner of the directory `ours`. Blocks.
pub(crate) fn find(
    directory: &Path,
    ours: &Metadata,
    older_than: Duration,
) -> io::Result<Vec<Orphan>> {
    let now = SystemTime::now();
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            continue;
        };
        let is_directory = is_named(name, (PREFIX, "", RANDOM));
        if !is_directory && !is_named(name, PART) {
            continue;
        }
        // The metadata of the entry itself: symbolic links are ignored.
        let Ok(about) = entry.metadata() else {
            continue;
        };
        let kind = about.file_type();
        let right = if is_directory {
            kind.is_dir()
        } else {
            kind.is_file()
        };
        let changed = about.modified().unwrap_or(now);
        let old = now
            .duration_since(changed)
            .is_ok_and(|age| age >= older_than);
        let path = entry.path();
        if !right || !old || about.uid() != ours.uid() || !matches!(unused(&path), Ok(Some(_))) {
            continue;
        }
        found.push(match is_directory {
            true => Orphan::Directory { path },
            false => Orphan::File { path },
        });
    }
    Ok(found)
}

/// Returns whether a file name is that of an unfinished download.
pub(crate) fn is_unfinished_download(name: &str) -> bool {
    is_named(name, PART) || (name.starts_with('.') && name.ends_with(PARTIAL_SUFFIX))
}

fn is_named(name: &str, (before, after, random): (&str, &str, usize)) -> bool {
    let middle = name
        .strip_prefix(before)
        .and_then(|rest| rest.strip_suffix(after));
    middle.is_some_and(|middle| {
        middle.len() == random && middle.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// Locks a path; `None` if another process has locked it.
fn unused(path: &Path) -> io::Result<Option<File>> {
    let file = File::open(path)?;
    // A file that cannot be locked counts as in use.
    Ok(file.try_lock().is_ok().then_some(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(found: &[Orphan]) -> Vec<String> {
        let path = |orphan: &Orphan| match orphan {
            Orphan::Directory { path } | Orphan::File { path } => path.clone(),
            Orphan::Upload { .. } => unreachable!("only local ones"),
        };
        let name = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        let mut names: Vec<_> = found.iter().map(path).map(name).collect();
        names.sort();
        names
    }

    #[test]
    fn only_our_names_of_the_right_type_are_found() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for name in [
            "metaflow.s3.Rabc123Z",
            "metaflow.s3.Kabc123Z",
            "metaflow.s3.abcdefgh",
            "metaflow.s3.R",
            ".dddddd.s3-part",
        ] {
            fs::create_dir(at(name)).unwrap();
        }
        for name in [
            ".abc123.s3-part",
            ".abc123.s3-part2",
            "abc123.s3-part",
            ".abc1234.s3-part",
            "..abc12.s3-part",
            ".abc1\u{e9}3.s3-part",
        ] {
            fs::write(at(name), "").unwrap();
        }
        fs::write(at("metaflow.s3.Rfffffff"), "").unwrap();
        fs::write(at("target"), "").unwrap();
        std::os::unix::fs::symlink(at("target"), at(".linked.s3-part")).unwrap();
        std::os::unix::fs::symlink(dir.path(), at("metaflow.s3.Rlinked7")).unwrap();
        let ours = fs::metadata(dir.path()).unwrap();
        let found = find(dir.path(), &ours, Duration::ZERO).unwrap();
        assert_eq!(names(&found), [".abc123.s3-part", "metaflow.s3.Rabc123Z"]);
        assert!(
            find(dir.path(), &ours, Duration::from_secs(60))
                .unwrap()
                .is_empty()
        );
        for orphan in &found {
            orphan.remove_local().unwrap();
            orphan.remove_local().unwrap();
        }
        assert!(find(dir.path(), &ours, Duration::ZERO).unwrap().is_empty());
        assert!(at("target").exists() && at("metaflow.s3.abcdefgh").exists());
    }

    #[test]
    fn locked_entries_are_in_use_and_not_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".abc123.s3-part");
        let file = File::create(&path).unwrap();
        file.try_lock_shared().unwrap();
        let ours = fs::metadata(dir.path()).unwrap();
        assert!(find(dir.path(), &ours, Duration::ZERO).unwrap().is_empty());
        Orphan::File { path: path.clone() }.remove_local().unwrap();
        assert!(path.exists());
        drop(file);
        assert_eq!(find(dir.path(), &ours, Duration::ZERO).unwrap().len(), 1);
    }
}
