//! Walks a local directory in the order of keys.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::vec;

use crate::failure::Failure;
use crate::filter::Filter;

/// What a walk finds.
#[derive(Debug)]
pub(crate) enum Found {
    /// A regular file.
    File(FoundFile),
    /// An entry that cannot be read or named.
    Failed { path: PathBuf, failure: Failure },
    /// A socket, a pipe or a device.
    Special(PathBuf),
}

/// A regular file below the start.
#[derive(Debug)]
pub(crate) struct FoundFile {
    pub(crate) path: PathBuf,
    /// The path below the start, with slashes.
    pub(crate) below: String,
    pub(crate) size: u64,
    pub(crate) modified: Option<SystemTime>,
}

/// The files below a directory, in the byte order of their keys: a directory sorts as its name and a slash.
///
/// Memory is bounded by the names of one directory per depth.
#[derive(Debug)]
pub(crate) struct Walk {
    levels: Vec<Level>,
    follow_links: bool,
    filter: Filter,
}

#[derive(Debug)]
struct Level {
    /// Of the directory, to cut loops of links.
    identity: (u64, u64),
    entries: vec::IntoIter<Entry>,
}

#[derive(Debug)]
struct Entry {
    path: PathBuf,
    /// The path below the start; with a slash at the end for a directory.
    below: String,
    found: Result<Metadata, Failure>,
}

impl Walk {
    /// Starts a walk below `start`, which has to be a directory.
    pub(crate) fn new(start: &Path, follow_links: bool, filter: Filter) -> Result<Self, Failure> {
        let mut walk = Self {
            levels: Vec::new(),
            follow_links,
            filter,
        };
        let metadata = fs::metadata(start);
        let metadata = metadata.map_err(|error| Failure::of_file("read", start, &error))?;
        walk.enter(start, "", &metadata)?;
        Ok(walk)
    }

    fn enter(&mut self, path: &Path, below: &str, metadata: &Metadata) -> Result<(), Failure> {
        let failed = |error| Failure::of_file("read", path, &error);
        let mut entries = Vec::new();
        for entry in fs::read_dir(path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            entries.extend(self.entry(&entry.path(), below));
        }
        entries.sort_unstable_by(|one, other| one.below.cmp(&other.below));
        self.levels.push(Level {
            identity: (metadata.dev(), metadata.ino()),
            entries: entries.into_iter(),
        });
        Ok(())
    }

    /// Describes an entry; `None` for a link that is not followed.
    fn entry(&self, path: &Path, below: &str) -> Option<Entry> {
        let name = path.file_name().unwrap_or_default();
        let Some(text) = name.to_str() else {
            let failure = Failure::local("the name is not UTF-8, so it cannot be a key");
            return Some(Entry {
                path: path.to_owned(),
                below: format!("{below}{}", name.to_string_lossy()),
                found: Err(failure),
            });
        };
        let link = match fs::symlink_metadata(path) {
            Ok(metadata) => metadata.is_symlink(),
            Err(_) => false,
        };
        if link && !self.follow_links {
            return None;
        }
        let found = fs::metadata(path).map_err(|error| match link {
            true => Failure::not_found(format!("the link is broken: {error}")),
            false => Failure::of_file("read", path, &error),
        });
        let is_directory = found.as_ref().is_ok_and(Metadata::is_dir);
        let slash = if is_directory { "/" } else { "" };
        Some(Entry {
            path: path.to_owned(),
            below: format!("{below}{text}{slash}"),
            found,
        })
    }

    /// Handles one entry; `None` if there is nothing to tell about it.
    fn visit(&mut self, entry: Entry) -> Option<Found> {
        let Entry { path, below, found } = entry;
        let metadata = match found {
            Ok(metadata) => metadata,
            Err(_) if !self.filter.admits(&below) => return None,
            Err(failure) => return Some(Found::Failed { path, failure }),
        };
        if metadata.is_dir() {
            let identity = (metadata.dev(), metadata.ino());
            let is_loop = self.levels.iter().any(|level| level.identity == identity);
            if is_loop || self.filter.prunes(&below) {
                return None;
            }
            let entered = self.enter(&path, &below, &metadata);
            return entered.err().map(|failure| Found::Failed { path, failure });
        }
        if !self.filter.admits(&below) {
            return None;
        }
        if !metadata.is_file() {
            return Some(Found::Special(path));
        }
        Some(Found::File(FoundFile {
            path,
            below,
            size: metadata.len(),
            modified: metadata.modified().ok(),
        }))
    }
}

impl Iterator for Walk {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        loop {
            let level = self.levels.last_mut()?;
            let Some(entry) = level.entries.next() else {
                self.levels.pop();
                continue;
            };
            if let Some(found) = self.visit(entry) {
                return Some(found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn names(walk: Walk) -> Vec<String> {
        walk.map(|found| match found {
            Found::File(file) => file.below,
            Found::Failed { path, .. } => format!("failed {}", path.display()),
            Found::Special(path) => format!("special {}", path.display()),
        })
        .collect()
    }

    #[test]
    fn files_come_in_the_byte_order_of_their_keys() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a/x", "a!", "a-b", "a.b", "a0", "b/c/d"] {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        let walk = Walk::new(dir.path(), true, Filter::default()).unwrap();
        assert_eq!(names(walk), ["a!", "a-b", "a.b", "a/x", "a0", "b/c/d"]);
    }

    #[test]
    fn loops_of_links_are_cut_and_broken_links_fail_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("d")).unwrap();
        fs::write(dir.path().join("d/f"), "").unwrap();
        symlink("..", dir.path().join("d/up")).unwrap();
        symlink("d", dir.path().join("e")).unwrap();
        symlink("nowhere", dir.path().join("g")).unwrap();
        let all = names(Walk::new(dir.path(), true, Filter::default()).unwrap());
        let broken = format!("failed {}", dir.path().join("g").display());
        assert_eq!(all, ["d/f", "e/f", &broken]);
        let own = names(Walk::new(dir.path(), false, Filter::default()).unwrap());
        assert_eq!(own, ["d/f"]);
    }
}
