//! [`Journal`]: the file of a resumable transfer: a header and a record per completed part, each with a CRC32C.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crc_fast::{CrcAlgorithm, checksum};
use rustix::fs::OFlags;
use rustix::process::geteuid;
use serde_json::Value;

/// Open flag that makes opening a symbolic link an error.
pub(super) const NO_FOLLOW: i32 = OFlags::NOFOLLOW.bits().cast_signed();

/// The journal file of one transfer, locked for this process. Each record is a line: the CRC32C of its JSON, and the
/// JSON.
#[derive(Debug)]
pub(super) struct Journal {
    file: Arc<File>,
    path: PathBuf,
}

impl Journal {
    /// Opens or creates a journal and returns its records up to the first truncated or corrupt one, which is cut off
    /// with everything behind it. `None` if another process has locked it; an error also if the file system has no
    /// locks.
    pub(super) fn open(path: &Path) -> io::Result<Option<(Self, Vec<Value>)>> {
        if let Some(directory) = path.parent() {
            let mut builder = DirBuilder::new();
            builder.recursive(true).mode(0o700).create(directory)?;
            check_owner(directory)?;
        }
        loop {
            let mut options = OpenOptions::new();
            let file = options.read(true).append(true).create(true).mode(0o600);
            let file = file.custom_flags(NO_FOLLOW).open(path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
            // The process that held the lock before may have removed the file.
            if file.metadata()?.nlink() == 0 {
                continue;
            }
            let (records, whole) = read(&file)?;
            file.set_len(whole)?;
            let (file, path) = (Arc::new(file), path.to_owned());
            return Ok(Some((Self { file, path }, records)));
        }
    }

    /// Returns the path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the lock of the journal, for writes that may continue after the transfer was dropped.
    pub(super) fn lock(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// Returns the records of a journal, and whether a process has locked it. Does not change it.
    pub(super) fn peek(path: &Path) -> io::Result<(Vec<Value>, bool)> {
        let file = File::open(path)?;
        let is_in_use = file.try_lock_shared().is_err();
        Ok((read(&file)?.0, is_in_use))
    }

    /// Replaces all records with a header, and syncs it to disk.
    pub(super) fn begin(&mut self, header: &Value) -> io::Result<()> {
        self.file.set_len(0)?;
        self.append(header)?;
        self.file.sync_all()?;
        sync_directory(&self.path)
    }

    /// Appends a record.
    pub(super) fn append(&mut self, record: &Value) -> io::Result<()> {
        let json = record.to_string();
        let crc = checksum(CrcAlgorithm::Crc32Iscsi, json.as_bytes());
        (&*self.file).write_all(format!("{crc:08x} {json}\n").as_bytes())
    }

    /// Removes the journal of a transfer that has ended.
    pub(super) fn remove(self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }
}

/// Returns an error for a directory in which other users can create journals, because journals name files and uploads
/// to remove.
pub(super) fn check_owner(directory: &Path) -> io::Result<()> {
    let found = fs::metadata(directory)?;
    if found.uid() != geteuid().as_raw() {
        return Err(io::Error::other("the directory belongs to another user"));
    }
    match found.mode() & 0o022 {
        0 => Ok(()),
        _ => Err(io::Error::other("other users can write to the directory")),
    }
}

/// Returns the records up to the first truncated or corrupt one, and their length in bytes.
fn read(mut file: &File) -> io::Result<(Vec<Value>, u64)> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let (mut records, mut whole) = (Vec::new(), 0);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let Some(record) = parse(line) else {
            break;
        };
        records.push(record);
        whole += line.len() as u64;
    }
    Ok((records, whole))
}

/// Parses a line; `None` if it is truncated or corrupt.
fn parse(line: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?;
    let (crc, json) = text.split_once(' ')?;
    let crc = u64::from_str_radix(crc, 16).ok()?;
    let is_whole = checksum(CrcAlgorithm::Crc32Iscsi, json.as_bytes()) == crc;
    is_whole.then(|| serde_json::from_str(json).ok())?
}

/// Syncs the directory of a file, so that its name is on disk.
pub(super) fn sync_directory(file: &Path) -> io::Result<()> {
    match file.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => File::open(directory)?.sync_all(),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn records(path: &Path) -> Vec<Value> {
        Journal::open(path).unwrap().unwrap().1
    }

    #[test]
    fn records_are_read_up_to_the_first_corrupt_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state/journal");
        let (mut journal, none) = Journal::open(&path).unwrap().unwrap();
        assert!(none.is_empty());
        journal.begin(&json!({"n": 0})).unwrap();
        for n in 1..4 {
            journal.append(&json!({"n": n})).unwrap();
        }
        drop(journal);
        assert_eq!(records(&path).len(), 4);
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut spoilt = whole.clone();
            spoilt[at] ^= 1;
            fs::write(&path, &spoilt).unwrap();
            let line = whole[..at].iter().filter(|byte| **byte == b'\n').count();
            assert_eq!(records(&path).len(), line, "byte {at}");
            // The records that were cut off do not reappear when the journal is read again.
            assert_eq!(records(&path).len(), line, "byte {at}");
            fs::write(&path, &whole[..at]).unwrap();
            assert_eq!(records(&path).len(), line, "cut at {at}");
        }
    }

    #[test]
    fn a_journal_is_locked_by_one_process_which_removes_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let (journal, _) = Journal::open(&path).unwrap().unwrap();
        assert!(Journal::open(&path).unwrap().is_none());
        journal.remove().unwrap();
        assert!(!path.exists());
        assert!(Journal::open(&path).unwrap().is_some());
    }
}
