//! [`Deletions`]: the paths that only the target has, kept until it is certain that they may go.

use std::fs;
use std::io::{self, BufReader, Read, Seek, Write};
use std::path::Path;

use tempfile::SpooledTempFile;

use crate::error::{Error, Result};

/// How many bytes of paths stay in memory; more go to a temporary file. 1 MiB is some 10,000 paths.
const IN_MEMORY: usize = 1 << 20;

/// Paths to delete, in the order in which they were found.
#[derive(Debug)]
pub(crate) struct Deletions {
    /// The length of each path, and the path.
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
    /// Returns how many paths there are.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    pub(crate) fn push(&mut self, path: &str) -> io::Result<()> {
        let len = u32::try_from(path.len()).map_err(io::Error::other)?;
        self.records.write_all(&len.to_le_bytes())?;
        self.records.write_all(path.as_bytes())?;
        self.count += 1;
        Ok(())
    }

    /// Returns the paths.
    pub(crate) fn into_paths(mut self) -> impl Iterator<Item = Result<String>> + Send {
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

fn next_path(records: &mut impl Read) -> io::Result<String> {
    let mut len = [0; 4];
    records.read_exact(&mut len)?;
    let mut path = vec![0; u32::from_le_bytes(len) as usize];
    records.read_exact(&mut path)?;
    String::from_utf8(path).map_err(io::Error::other)
}

/// Deletes a file below a directory, and the directories that are empty then, but not through a link that leaves it.
pub(crate) fn delete_file(directory: &Path, path: &str) -> Result<()> {
    let file = directory.join(path);
    let failed = |error| Error::local(&format!("delete {}", file.display()), error);
    let parent = file.parent().unwrap_or(directory);
    let root = directory.canonicalize().map_err(failed)?;
    let mut parent = parent.canonicalize().map_err(failed)?;
    if !parent.starts_with(&root) {
        let problem = "a symbolic link leads out of the destination";
        return Err(failed(io::Error::other(problem)));
    }
    fs::remove_file(&file).map_err(failed)?;
    while parent != root && fs::remove_dir(&parent).is_ok() && parent.pop() {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_beyond_the_memory_come_back_in_order() {
        let mut deletions = Deletions::default();
        let paths: Vec<_> = (0..30_000).map(|n| format!("{n:060}\n\0")).collect();
        for path in &paths {
            deletions.push(path).unwrap();
        }
        assert!(deletions.records.is_rolled());
        assert_eq!(deletions.count(), 30_000);
        let all: Vec<_> = deletions.into_paths().map(Result::unwrap).collect();
        assert_eq!(all, paths);
    }
}
