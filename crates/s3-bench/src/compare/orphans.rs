//! Removes temporary directories (`s3-bench-<pid>`) of benchmark processes that were killed.

use std::fs;
use std::io;
use std::path::Path;

const NAME: &str = "s3-bench-";

/// Returns the name of this process's temporary directories: `s3-bench-<pid>`.
pub(crate) fn own_name() -> String {
    format!("{NAME}{}", std::process::id())
}

/// Removes the directories of benchmark processes that have ended.
pub(crate) fn remove(folders: &[&Path]) -> io::Result<()> {
    for folder in folders {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if is_left(&entry.file_name().to_string_lossy()) {
                match fs::remove_dir_all(entry.path()) {
                    // It belongs to another user.
                    Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
                    removed => removed?,
                }
            }
        }
    }
    Ok(())
}

fn is_left(name: &str) -> bool {
    let process = name
        .strip_prefix(NAME)
        .and_then(|id| id.parse::<u32>().ok());
    process.is_some_and(|id| !Path::new("/proc").join(id.to_string()).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_of_processes_that_are_gone_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        // No process has a number beyond 2^22.
        let names = [
            own_name(),
            "s3-bench-5000000".to_owned(),
            "s3-bench-x".to_owned(),
        ];
        for name in &names {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        remove(&[folder.path()]).unwrap();
        let is_there = names.map(|name| folder.path().join(name).exists());
        assert_eq!(is_there, [true, false, true]);
    }
}
