//! Checks for orphans after a test: unfinished uploads, scratch directories and partial files.

use std::path::Path;

/// The names of files and directories that a client must not leave behind.
const SCRATCH: &str = "metaflow.s3.";
const UNFINISHED: &str = ".s3-part";

/// Fails if uploads are unfinished, or if `directories` contain scratch directories or partial files.
///
/// # Errors
///
/// A text that names the first orphan.
pub fn no_orphans(unfinished_uploads: usize, directories: &[&Path]) -> Result<(), String> {
    if unfinished_uploads > 0 {
        return Err(format!(
            "{unfinished_uploads} unfinished uploads are left on the server"
        ));
    }
    for directory in directories {
        let entries = std::fs::read_dir(directory).map_err(|error| error.to_string())?;
        for entry in entries.filter_map(Result::ok) {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with(SCRATCH) || name.ends_with(UNFINISHED) {
                return Err(format!("{} is left behind", entry.path().display()));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_orphan_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(no_orphans(0, &[dir.path()]), Ok(()));
        assert!(no_orphans(1, &[]).is_err());
        std::fs::create_dir(dir.path().join("metaflow.s3.abc")).unwrap();
        assert!(no_orphans(0, &[dir.path()]).is_err());
        std::fs::remove_dir(dir.path().join("metaflow.s3.abc")).unwrap();
        std::fs::write(dir.path().join(".x.s3-part"), "").unwrap();
        assert!(no_orphans(0, &[dir.path()]).is_err());
    }
}
