//! Checks that no upload, scratch directory or partial file is left after a test.

use std::path::Path;

/// What a client must never leave.
const SCRATCH: &str = "metaflow.s3.";
const UNFINISHED: &str = ".s3-part";

/// Says what is left: unfinished uploads on the server, scratch directories or unfinished files in `directories`.
///
/// # Errors
///
/// A text that names the first thing that is left.
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
