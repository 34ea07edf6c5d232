//! File systems on which names that differ in case only are one name.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

/// Returns whether the file system of a directory is one. Makes the directory, and for a moment a file in it.
pub(super) fn folds_case(directory: &Path) -> bool {
    // `run` may move to one directory several times at once.
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!(".mfs3-case-{}-{count}", process::id());
    let path = directory.join(&name);
    let made = fs::create_dir_all(directory).and_then(|()| File::create_new(&path));
    if made.is_err() {
        // The transfers tell why.
        return false;
    }
    let folds = directory.join(name.to_uppercase()).exists();
    let _ = fs::remove_file(&path);
    folds
}

/// Returns whether all names of an existing path below a directory are on the disk as they are written here.
pub(super) fn is_exact(directory: &Path, path: &Path) -> io::Result<bool> {
    for part in path.ancestors().take_while(|part| *part != directory) {
        let (Some(parent), Some(name)) = (part.parent(), part.file_name()) else {
            break;
        };
        let mut names = fs::read_dir(parent)?;
        if !names.any(|entry| entry.is_ok_and(|entry| entry.file_name() == name)) {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_another_case_is_not_exact() {
        let directory = tempfile::tempdir().unwrap();
        let made = directory.path().join("D");
        folds_case(&made);
        assert_eq!(fs::read_dir(&made).unwrap().count(), 0);
        fs::write(made.join("f"), "f").unwrap();
        assert!(is_exact(directory.path(), &made.join("f")).unwrap());
        assert!(!is_exact(directory.path(), &made.join("F")).unwrap());
    }
}
