//! Local files of a modelled scenario, in its working directory.

use std::collections::BTreeMap;

use crate::vectors::{Argument, LocalFile, Scenario};

/// The kind of a path's target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AtPath {
    File(Vec<u8>),
    Directory,
    Nothing,
}

/// The files of `local/`.
#[derive(Clone, Debug)]
pub(crate) struct LocalFiles(BTreeMap<String, LocalFile>);

impl LocalFiles {
    pub(crate) fn of(scenario: &Scenario) -> Self {
        Self(scenario.local_files.clone())
    }

    /// Returns the target of a path argument; `None` if the argument is not a path.
    pub(crate) fn at(&self, path: &Argument) -> Option<AtPath> {
        match path {
            Argument::Local(name) => Some(self.named(name)),
            Argument::Text(path) => {
                let path = path.strip_prefix("{CWD}/").unwrap_or(path);
                let path = path.strip_prefix("./").unwrap_or(path);
                Some(match path.strip_prefix("local/") {
                    Some(name) => self.named(name),
                    None if matches!(path.trim_end_matches('/'), "." | "local" | "{CWD}") => {
                        AtPath::Directory
                    }
                    None => AtPath::Nothing,
                })
            }
            _ => None,
        }
    }

    /// Returns the target of a name in `local/`. Follows links; a cycle of links has no target.
    pub(crate) fn named(&self, name: &str) -> AtPath {
        let mut name = name;
        for _ in 0..self.0.len() {
            match self.0.get(name) {
                Some(LocalFile::File(body)) => return AtPath::File(body.clone()),
                Some(LocalFile::Directory) => return AtPath::Directory,
                Some(LocalFile::Symlink(target)) => name = target,
                None => return AtPath::Nothing,
            }
        }
        AtPath::Nothing
    }
}
