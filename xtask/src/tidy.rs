//! `cargo xtask tidy`: checks house rules that rustc and clippy do not check.
//!
//! Each rule is a function from texts to findings, so it is tested without a file system:
//! [`text`] and [`words`] for every file, [`rust`] for sources, [`manifest`] for `Cargo.toml`,
//! [`documents`] for names in the prose, [`links`] for its links, [`settings`] for the table of settings,
//! [`chart`] for the drawing of the benchmarks, [`store_methods`] for implementations of `Store`.

mod chart;
mod documents;
mod files;
mod links;
mod manifest;
mod rust;
mod settings;
mod store_methods;
mod text;
mod words;

use std::fmt;
use std::path::Path;

use crate::failure::{Failure, Outcome};

/// Prints each finding; fails if there are any.
pub(crate) fn run(root: &Path) -> Outcome {
    let files = files::list(root)?;
    let mut findings: Vec<_> = files.iter().flat_map(check_alone).collect();
    findings.extend(documents::check(&files));
    findings.extend(chart::check(&files));
    findings.extend(links::check(&files));
    findings.extend(settings::check(&files));
    findings.extend(store_methods::check(&files));
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        println!("tidy: {} files, no findings", files.len());
        return Ok(());
    }
    Err(Failure::new(format!("tidy: {} findings", findings.len())))
}

/// A text file of the repository.
#[derive(Clone, Debug)]
struct SourceFile {
    /// The path from the root, with `/`.
    path: String,
    text: String,
}

impl SourceFile {
    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Returns whether a parent folder of the file has this name.
    fn is_below(&self, folder: &str) -> bool {
        self.path
            .split('/')
            .rev()
            .skip(1)
            .any(|part| part == folder)
    }

    fn finding(&self, line: usize, what: impl Into<String>) -> Finding {
        Finding {
            path: self.path.clone(),
            line,
            what: what.into(),
        }
    }

    /// Returns the lines with their numbers, which start at 1.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }
}

/// A violation of a rule, with its file and line.
#[derive(Debug, PartialEq)]
struct Finding {
    path: String,
    line: usize,
    what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

fn check_alone(file: &SourceFile) -> Vec<Finding> {
    let mut findings = text::check(file);
    findings.extend(words::check(file));
    if file.path.ends_with(".rs") {
        findings.extend(rust::check(file));
    }
    if file.name() == "Cargo.toml" && file.path != "Cargo.toml" {
        findings.extend(manifest::check(file));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the findings as lines, for the tests of the rules.
    pub(super) fn lines(findings: &[Finding]) -> Vec<String> {
        findings.iter().map(ToString::to_string).collect()
    }

    /// Returns a file in memory, for the tests of the rules.
    pub(super) fn file(path: &str, text: &str) -> SourceFile {
        SourceFile {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn a_folder_is_matched_whole() {
        let file = file("crates/s3-core/tests/get.rs", "");
        assert!(file.is_below("tests"));
        assert!(!file.is_below("test"));
        assert!(!file.is_below("get.rs"));
        assert_eq!(file.name(), "get.rs");
    }

    #[test]
    fn a_file_is_checked_by_what_it_is() {
        assert_eq!(check_alone(&file("docs/TUNING.md", "x\n")), []);
        assert_eq!(check_alone(&file("crates/a/src/b.rs", "x\n")).len(), 1);
        assert_eq!(check_alone(&file("crates/a/Cargo.toml", "x\n")).len(), 1);
        assert_eq!(check_alone(&file("Cargo.toml", "x\n")), []);
    }
}
