//! Lists the files to check: those that git tracks or would track, or all files without git.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use super::SourceFile;
use crate::failure::{Failure, Outcome};

/// Folders that a walk without git skips.
const GENERATED: [&str; 2] = ["target", ".git"];

/// Inputs of the fuzz targets, which may contain anything.
const FUZZ_CORPUS: &str = "fuzz/corpus/";

/// Returns all UTF-8 text files, sorted by path.
pub(super) fn list(root: &Path) -> Outcome<Vec<SourceFile>> {
    let mut paths = match tracked(root) {
        Some(paths) => paths,
        None => walked(root).map_err(|error| failed(root, &error))?,
    };
    paths.retain(|path| !path.starts_with(FUZZ_CORPUS));
    paths.sort();
    paths.dedup();
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        match fs::read_to_string(root.join(&path)) {
            Ok(text) => files.push(SourceFile { path, text }),
            // Tracked but deleted, a link to a folder, or not UTF-8.
            Err(error) if skippable(&error) => {}
            Err(error) => return Err(failed(&root.join(&path), &error)),
        }
    }
    Ok(files)
}

fn tracked(root: &Path) -> Option<Vec<String>> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let paths: Vec<_> = text.split_terminator('\0').map(str::to_owned).collect();
    (output.status.success() && !paths.is_empty()).then_some(paths)
}

fn walked(root: &Path) -> io::Result<Vec<String>> {
    let mut paths = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder))? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let path = if folder.is_empty() {
                name.clone()
            } else {
                format!("{folder}/{name}")
            };
            if !entry.file_type()?.is_dir() {
                paths.push(path);
            } else if !GENERATED.contains(&name.as_str()) {
                folders.push(path);
            }
        }
    }
    Ok(paths)
}

fn skippable(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, IsADirectory, NotFound};
    matches!(error.kind(), InvalidData | IsADirectory | NotFound)
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("read {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn git_and_the_walk_find_this_file() {
        let root = crate::workspace::root();
        let this = "xtask/src/tidy/files.rs".to_owned();
        assert!(walked(&root).unwrap().contains(&this));
        assert!(list(&root).unwrap().iter().any(|file| file.path == this));
    }
}
