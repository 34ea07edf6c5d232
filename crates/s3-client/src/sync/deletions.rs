//! [`Deletions`]: collects the paths that a sync will delete from the target, in memory or in a temporary file.

use std::fs;
use std::io::{self, BufReader, Read, Seek, Write};
use std::path::Path;

use tempfile::SpooledTempFile;

use crate::error::{Error, Result};

/// Maximum number of bytes of paths in memory; more go to a temporary file. 1 MiB is some 10,000 paths.
const IN_MEMORY: usize = 1 << 20;

/// A path to delete.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Deletion {
    pub(crate) path: String,
    /// Length of the leading directory that is kept even if it is empty after the deletion.
    pub(crate) kept: usize,
}

/// Paths to delete, in the order in which they were found.
#[derive(Debug)]
pub(crate) struct Deletions {
    /// The records: length of the path, length of the kept directory, and the path.
    records: SpooledTempFile,
    count: u64,
}

impl Default for Deletions {
    fn default() -> Self {
        Self {
            records: SpooledTempFile::new(IN_MEMORY),
            count: 0,
        }
    }
}

impl Deletions {
    /// Returns the number of paths.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Adds a path. Its first `kept` bytes are a directory that is kept.
    pub(crate) fn push(&mut self, path: &str, kept: usize) -> io::Result<()> {
        for len in [path.len(), kept] {
            let len = u32::try_from(len).map_err(io::Error::other)?;
            self.records.write_all(&len.to_le_bytes())?;
        }
        self.records.write_all(path.as_bytes())?;
        self.count += 1;
        Ok(())
    }

    /// Returns the paths.
    pub(crate) fn into_paths(mut self) -> impl Iterator<Item = Result<Deletion>> + Send {
        let rewound = self.records.rewind();
        let mut records = BufReader::new(self.records);
        let mut failure = rewound.err();
        (0..self.count).map(move |_| {
            let path = failure.take().map_or(Ok(()), Err);
            path.and_then(|()| next_path(&mut records))
                .map_err(|error| Error::local("read what to delete", error))
        })
    }
}

fn next_path(records: &mut impl Read) -> io::Result<Deletion> {
    let mut next_length = || {
        let mut len = [0; 4];
        records.read_exact(&mut len)?;
        Ok::<_, io::Error>(u32::from_le_bytes(len) as usize)
    };
    let (len, kept) = (next_length()?, next_length()?);
    let mut path = vec![0; len];
    records.read_exact(&mut path)?;
    let path = String::from_utf8(path).map_err(io::Error::other)?;
    Ok(Deletion { path, kept })
}

/// Deletes a file or an empty directory below `directory`, and then its empty parent directories, but not through a
/// link that leaves `directory`. Returns `false` for a directory that is not empty any more.
pub(crate) fn delete_file(directory: &Path, deletion: &Deletion) -> Result<bool> {
    let path = &*deletion.path;
    let file = directory.join(path.trim_end_matches('/'));
    let failed = |error| Error::local(&format!("delete {}", file.display()), error);
    let parent = file.parent().unwrap_or(directory);
    let root = directory.canonicalize().map_err(failed)?;
    let mut parent = parent.canonicalize().map_err(failed)?;
    if !parent.starts_with(&root) {
        let problem = "a symbolic link leads out of the destination";
        return Err(failed(io::Error::other(problem)));
    }
    let removed = match path.ends_with('/') {
        true => fs::remove_dir(&file),
        false => fs::remove_file(&file),
    };
    match removed {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => return Ok(false),
        Err(error) => return Err(failed(error)),
    }
    let kept = directory.join(&path[..deletion.kept]);
    let kept = kept.canonicalize().unwrap_or_else(|_| root.clone());
    while parent != root && parent != kept && fs::remove_dir(&parent).is_ok() && parent.pop() {}
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_beyond_the_memory_come_back_in_order() {
        let mut deletions = Deletions::default();
        let paths: Vec<_> = (0..30_000).map(|n| format!("{n:060}\n\0")).collect();
        for path in &paths {
            deletions.push(path, path.len() - 2).unwrap();
        }
        assert!(deletions.records.is_rolled());
        assert_eq!(deletions.count(), 30_000);
        let all = deletions.into_paths().map(Result::unwrap);
        assert!(all.eq(paths.into_iter().map(|path| Deletion { kept: 60, path })));
    }
}
