//! [`Journal`]: the records of one transfer, on disk.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crc_fast::{CrcAlgorithm, checksum};
use rustix::fs::OFlags;
use rustix::process::geteuid;
use serde_json::Value;

/// The flag that makes opening a symbolic link an error.
pub(super) const NO_FOLLOW: i32 = OFlags::NOFOLLOW.bits().cast_signed();

/// The records of one transfer, locked for this process. Each is a line: the CRC32C of its JSON, and the JSON.
#[derive(Debug)]
pub(super) struct Journal {
    file: Arc<File>,
    path: PathBuf,
}

impl Journal {
    /// Opens or creates a journal and returns its records up to the first that is cut or spoilt, which is cut off with
    /// everything behind it. `None` if another process has it; an error also if the file system has no locks.
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
            // The last owner of the lock may have removed the file meanwhile.
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

    /// Returns the lock of the journal, for writes that continue after the transfer was dropped.
    pub(super) fn lock(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// Returns the records of a journal, and whether a process has it. Leaves it as it is.
    pub(super) fn peek(path: &Path) -> io::Result<(Vec<Value>, bool)> {
        let file = File::open(path)?;
        let is_in_use = file.try_lock_shared().is_err();
        Ok((read(&file)?.0, is_in_use))
    }

    /// Replaces all records by a header, which is on disk when this returns.
    pub(super) fn begin(&mut self, header: &Value) -> io::Result<()> {
        self.file.set_len(0)?;
        self.append(header)?;
        self.file.sync_all()?;
        sync_directory(&self.path)
    }

    /// Adds a record.
    pub(super) fn append(&mut self, record: &Value) -> io::Result<()> {
        let json = record.to_string();
        let crc = checksum(CrcAlgorithm::Crc32Iscsi, json.as_bytes());
        (&*self.file).write_all(format!("{crc:08x} {json}\n").as_bytes())
    }

    /// Removes the journal: the transfer is over.
    pub(super) fn remove(self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }
}

/// Rejects a directory in which others can place journals: those name files and uploads to remove.
pub(super) fn check_owner(directory: &Path) -> io::Result<()> {
    let found = fs::metadata(directory)?;
    if found.uid() != geteuid().as_raw() {
        return Err(io::Error::other("the directory belongs to another user"));
    }
    match found.mode() & 0o022 {
        0 => Ok(()),
        _ => Err(io::Error::other("others can write to the directory")),
    }
}

/// Returns the records up to the first that is cut or spoilt, and how many bytes they are.
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

/// Returns the record of a line; `None` if it is cut or spoilt.
fn parse(line: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?;
    let (crc, json) = text.split_once(' ')?;
    let crc = u64::from_str_radix(crc, 16).ok()?;
    let is_whole = checksum(CrcAlgorithm::Crc32Iscsi, json.as_bytes()) == crc;
    is_whole.then(|| serde_json::from_str(json).ok())?
}

/// Waits until the name of a file is on disk.
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
    fn records_come_back_up_to_the_first_that_is_spoilt() {
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
            // The records that were cut off are not read the next time either.
            assert_eq!(records(&path).len(), line, "byte {at}");
            fs::write(&path, &whole[..at]).unwrap();
            assert_eq!(records(&path).len(), line, "cut at {at}");
        }
    }

    #[test]
    fn one_process_has_a_journal_and_removes_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let (journal, _) = Journal::open(&path).unwrap().unwrap();
        assert!(Journal::open(&path).unwrap().is_none());
        journal.remove().unwrap();
        assert!(!path.exists());
        assert!(Journal::open(&path).unwrap().is_some());
    }
}
