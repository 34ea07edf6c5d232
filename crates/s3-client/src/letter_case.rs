//! Detects case-insensitive file systems, and paths that exist in another letter case.

use std::fs;
use std::io;
use std::path::Path;

use crate::orphan::PART;

/// Returns whether the file system of a directory is case-insensitive. Blocks.
///
/// Creates the directory, and in it a temporary file that is named like an unfinished download. Returns `false` if it
/// cannot: then no file can be written either.
pub fn folds_letter_case(directory: &Path) -> bool {
    let (prefix, suffix, random) = PART;
    let made = fs::create_dir_all(directory).and_then(|()| {
        tempfile::Builder::new()
            .prefix(prefix)
            .suffix(suffix)
            .rand_bytes(random)
            .tempfile_in(directory)
    });
    let Ok(file) = made else {
        return false;
    };
    let name = file.path().file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| directory.join(name.to_uppercase()).exists())
}

/// Returns whether the names on disk of an existing path below a directory have exactly this letter case. Blocks.
///
/// # Errors
///
/// A directory cannot be read.
pub fn has_exact_names(directory: &Path, path: &Path) -> io::Result<bool> {
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
        folds_letter_case(&made);
        assert_eq!(fs::read_dir(&made).unwrap().count(), 0);
        fs::write(made.join("f"), "f").unwrap();
        assert!(has_exact_names(directory.path(), &made.join("f")).unwrap());
        assert!(!has_exact_names(directory.path(), &made.join("F")).unwrap());
    }
}
