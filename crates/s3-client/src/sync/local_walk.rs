//! [`LocalWalk`]: walks the files below a directory in the byte order of their keys.

use std::collections::VecDeque;
use std::fmt;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;
use std::vec;

use crate::error::{Error, Result};
use crate::orphan::is_unfinished_download;

/// Decides whether a path below a source is included. For a directory, whose path ends in a slash, it decides whether
/// anything below may be included.
pub type PathFilter = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// An item of a walk.
#[derive(Debug)]
#[non_exhaustive]
pub enum LocalEntry {
    /// A regular file.
    File(FoundFile),
    /// A directory below the start, returned before its entries. Only [with directories](LocalWalk::with_directories).
    Directory(FoundDirectory),
    /// An entry that cannot be read, or whose name cannot be a key.
    Unreadable(PathBuf, Error),
    /// A socket, a pipe or a device.
    Special(PathBuf),
}

/// A regular file below the start of a walk.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FoundFile {
    /// The path, including that of the start.
    pub path: PathBuf,
    /// The path relative to the start, with slashes.
    pub below: String,
    /// The size in bytes.
    pub size: u64,
    /// The modification time.
    pub modified: Option<SystemTime>,
}

/// A directory below the start of a walk.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FoundDirectory {
    /// The path, including that of the start.
    pub path: PathBuf,
    /// The path relative to the start, with a slash at its end.
    pub below: String,
    /// Whether the directory has no entries at all, not even ones that the walk skips.
    pub is_empty: bool,
}

/// An iterator over the files below a directory, in the byte order of their keys: a directory sorts as its name and a
/// slash.
///
/// Symbolic links are followed or skipped; a link to one of its parent directories is skipped. Unfinished downloads of
/// this crate are skipped. Memory is bounded by the names of one directory per depth. Reading blocks.
pub struct LocalWalk {
    levels: Vec<Level>,
    follow_links: bool,
    with_directories: bool,
    admits: PathFilter,
    /// Unreadable entries of the directory entered last, which have no place in the order.
    unreadable: VecDeque<LocalEntry>,
}

struct Level {
    path: PathBuf,
    /// The path relative to the start: empty, or with a slash at its end.
    below: String,
    /// Device and inode, to detect loops of links.
    identity: (u64, u64),
    /// The names in order; those of directories end in a slash.
    names: vec::IntoIter<Box<str>>,
}

impl LocalWalk {
    /// Starts a walk below a directory.
    ///
    /// # Errors
    ///
    /// [`Error::LocalFileNotFound`] or [`Error::Local`] for a directory that is missing or cannot be read.
    pub fn new(start: &Path, follow_links: bool, admits: PathFilter) -> Result<Self> {
        let mut walk = Self {
            levels: Vec::new(),
            follow_links,
            with_directories: false,
            admits,
            unreadable: VecDeque::new(),
        };
        let identity = fs::metadata(start)
            .map(|found| identity(&found))
            .map_err(|error| Error::local_file(start, error))?;
        walk.enter(start.to_owned(), String::new(), identity)
            .map_err(|error| Error::local_file(start, error))?;
        Ok(walk)
    }

    /// Returns directories too.
    #[must_use]
    pub fn with_directories(mut self) -> Self {
        self.with_directories = true;
        self
    }

    /// Reads the names of a directory; returns whether it is empty.
    fn enter(&mut self, path: PathBuf, below: String, identity: (u64, u64)) -> io::Result<bool> {
        let mut names: Vec<Box<str>> = Vec::new();
        let mut is_empty = true;
        for entry in fs::read_dir(&path)? {
            let entry = entry?;
            is_empty = false;
            let name = match entry.file_name().into_string() {
                Ok(name) => name,
                Err(name) => {
                    let shown = format!("{below}{}", name.to_string_lossy());
                    let error = io::Error::other("the name is not UTF-8, so it cannot be a key");
                    self.fail(&shown, entry.path(), error);
                    continue;
                }
            };
            let kind = entry.file_type()?;
            let is_link = kind.is_symlink();
            if (is_link && !self.follow_links) || is_unfinished_download(&name) {
                continue;
            }
            let is_directory = match is_link {
                false => kind.is_dir(),
                true => match fs::metadata(entry.path()) {
                    Ok(target) => target.is_dir(),
                    Err(error) => {
                        self.fail(&format!("{below}{name}"), entry.path(), error);
                        continue;
                    }
                },
            };
            names.push(match is_directory {
                true => format!("{name}/").into(),
                false => name.into(),
            });
        }
        names.sort_unstable();
        self.levels.push(Level {
            path,
            below,
            identity,
            names: names.into_iter(),
        });
        Ok(is_empty)
    }

    fn fail(&mut self, below: &str, path: PathBuf, error: io::Error) {
        if (self.admits)(below) {
            let action = format!("read {}", path.display());
            let error = Error::local(&action, error);
            self.unreadable
                .push_back(LocalEntry::Unreadable(path, error));
        }
    }

    /// Handles one name; `None` if it has no entry.
    fn visit(&mut self, path: PathBuf, below: String) -> Option<LocalEntry> {
        if !(self.admits)(&below) {
            return None;
        }
        let found = match fs::metadata(&path) {
            Ok(found) => found,
            Err(error) => {
                let error = Error::local(&format!("read {}", path.display()), error);
                return Some(LocalEntry::Unreadable(path, error));
            }
        };
        if below.ends_with('/') {
            let identity = identity(&found);
            if self.levels.iter().any(|level| level.identity == identity) {
                return None;
            }
            return match self.enter(path.clone(), below.clone(), identity) {
                Ok(is_empty) => self.with_directories.then_some({
                    LocalEntry::Directory(FoundDirectory {
                        path,
                        below,
                        is_empty,
                    })
                }),
                Err(error) => {
                    let error = Error::local(&format!("read {}", path.display()), error);
                    Some(LocalEntry::Unreadable(path, error))
                }
            };
        }
        if !found.is_file() {
            return Some(LocalEntry::Special(path));
        }
        Some(LocalEntry::File(FoundFile {
            path,
            below,
            size: found.len(),
            modified: found.modified().ok(),
        }))
    }
}

impl Iterator for LocalWalk {
    type Item = LocalEntry;

    fn next(&mut self) -> Option<LocalEntry> {
        loop {
            if let Some(unreadable) = self.unreadable.pop_front() {
                return Some(unreadable);
            }
            let level = self.levels.last_mut()?;
            let Some(name) = level.names.next() else {
                self.levels.pop();
                continue;
            };
            let path = level.path.join(name.trim_end_matches('/'));
            let below = format!("{}{name}", level.below);
            if let Some(found) = self.visit(path, below) {
                return Some(found);
            }
        }
    }
}

impl fmt::Debug for LocalWalk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalWalk")
            .field("follow_links", &self.follow_links)
            .finish_non_exhaustive()
    }
}

fn identity(directory: &Metadata) -> (u64, u64) {
    (directory.dev(), directory.ino())
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    use super::*;

    fn names(start: &Path, follow_links: bool, admits: PathFilter) -> Vec<String> {
        shown(LocalWalk::new(start, follow_links, admits).unwrap())
    }

    fn shown(walk: LocalWalk) -> Vec<String> {
        walk.map(|found| match found {
            LocalEntry::File(file) => file.below,
            LocalEntry::Directory(found) if found.is_empty => format!("{} (empty)", found.below),
            LocalEntry::Directory(found) => found.below,
            LocalEntry::Unreadable(path, _) => format!("unreadable {}", path.display()),
            LocalEntry::Special(path) => format!("special {}", path.display()),
        })
        .collect()
    }

    fn all() -> PathFilter {
        Arc::new(|_: &str| true)
    }

    fn write(dir: &tempfile::TempDir, names: &[&str]) {
        for name in names {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
    }

    #[test]
    fn files_come_in_the_byte_order_of_their_keys() {
        let dir = tempfile::tempdir().unwrap();
        write(
            &dir,
            &["a/x", "a!", "a-b", "a.b", "a0", "b/c/d", ".abc123.s3-part"],
        );
        let names = names(dir.path(), true, all());
        assert_eq!(names, ["a!", "a-b", "a.b", "a/x", "a0", "b/c/d"]);
    }

    #[test]
    fn directories_come_before_their_entries_when_asked() {
        let dir = tempfile::tempdir().unwrap();
        write(&dir, &["a-b", "a/x", "b/.abc123.s3-part"]);
        fs::create_dir_all(dir.path().join("a/c/d")).unwrap();
        let walk = LocalWalk::new(dir.path(), true, all()).unwrap();
        let shown = shown(walk.with_directories());
        assert_eq!(shown, ["a-b", "a/", "a/c/", "a/c/d/ (empty)", "a/x", "b/"]);
    }

    #[test]
    fn loops_of_links_end_and_unreadable_entries_are_reported() {
        let dir = tempfile::tempdir().unwrap();
        write(&dir, &["d/f"]);
        symlink("..", dir.path().join("d/up")).unwrap();
        symlink("d", dir.path().join("e")).unwrap();
        symlink("nowhere", dir.path().join("g")).unwrap();
        let odd = dir.path().join(std::ffi::OsStr::from_bytes(b"\xff"));
        fs::write(&odd, "").unwrap();
        let mut found = names(dir.path(), true, all());
        found.sort();
        let unreadable =
            ["g", "\u{fffd}"].map(|name| format!("unreadable {}/{name}", dir.path().display()));
        assert_eq!(found, ["d/f", "e/f", &unreadable[0], &unreadable[1]]);
        let own = names(dir.path(), false, Arc::new(|path: &str| path.is_ascii()));
        assert_eq!(own, ["d/f"]);
    }

    #[test]
    fn a_directory_that_is_not_admitted_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        write(&dir, &["a/x", "b/x"]);
        let filter: PathFilter = Arc::new(|path: &str| path != "a/");
        assert_eq!(names(dir.path(), true, filter), ["b/x"]);
    }
}
