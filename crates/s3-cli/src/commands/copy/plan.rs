//! [`Plan`]: parses and checks the arguments of a copy, and maps each input to a task with its destination.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use s3_client::{folds_letter_case, has_exact_names};
use s3_core::S3Url;

use super::CopyArgs;
use super::source::Source;
use super::task::{LocalSource, LocalTarget, RemoteSource, Task, Work};
use crate::address::{Address, Remote};
use crate::failure::Failure;
use crate::listing::Selection;
use crate::local_names::{LocalName, decode_name, local_name};
use crate::session::Session;

/// The parsed arguments of a copy.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) arguments: CopyArgs,
    pub(super) target: Target,
    /// Whether sources are removed after they are copied.
    pub(super) moves: bool,
    /// Whether two inputs may have the same destination: with several sources, or with `--flatten`.
    may_collide: bool,
    /// Hashes of the names below the destination, if they may collide. With a million names, the chance that two
    /// different ones have the same hash is one in 37 million.
    names: Mutex<HashSet<u64>>,
    hasher: RandomState,
    /// Whether the file system of the destination is case-insensitive.
    folds_case: OnceLock<bool>,
    /// Keys outside of the destination that may be sources, and must not be overwritten.
    source_keys: Vec<SourceKeys>,
}

/// Keys of a bucket that may be sources.
#[derive(Debug)]
struct SourceKeys {
    bucket: String,
    /// The prefix of the keys, or the only key.
    start: String,
    is_one: bool,
}

/// The destination of a copy.
#[derive(Debug)]
pub(super) enum Target {
    Stdout,
    /// A file, or a directory for the inputs.
    Local {
        path: PathBuf,
        is_directory: bool,
    },
    /// A key, or a directory for the inputs.
    Remote {
        remote: Remote,
        is_directory: bool,
    },
}

impl Plan {
    /// Parses and checks the arguments, before anything is sent.
    pub(super) fn new(
        arguments: CopyArgs,
        session: &Session,
        moves: bool,
    ) -> Result<(Self, Vec<Source>), Failure> {
        let addresses = arguments.paths.iter();
        let addresses = addresses.map(|path| Address::parse(path, session.root()));
        let mut addresses = addresses.collect::<Result<Vec<_>, _>>()?;
        let destination = addresses
            .pop()
            .ok_or_else(|| Failure::usage("there is no destination"))?;
        let has_many = addresses.len() > 1 || arguments.recursive || arguments.names.is_given();
        if arguments.names.is_given() && addresses.len() > 1 {
            return Err(Failure::usage(
                "--files-from needs exactly one source, which the names are below",
            ));
        }
        let sources = addresses
            .into_iter()
            .map(|address| source(address, &arguments));
        let sources = sources.collect::<Result<Vec<_>, _>>()?;
        let has_listing = sources
            .iter()
            .any(|source| matches!(source, Source::Listing(..)));
        let target = target(destination, has_many || has_listing, &arguments);
        // The check creates a file, which a dry run must not do.
        let folds_case = match session.report.is_dry_run() {
            true => OnceLock::from(false),
            false => OnceLock::new(),
        };
        let plan = Self {
            folds_case,
            may_collide: arguments.flatten || sources.len() > 1,
            source_keys: source_keys(&sources, &target),
            arguments,
            target,
            moves,
            names: Mutex::default(),
            hasher: RandomState::new(),
        };
        plan.check(&sources)?;
        Ok((plan, sources))
    }

    fn check(&self, sources: &[Source]) -> Result<(), Failure> {
        let usage = |message: &str| Err(Failure::usage(message));
        let is_local = |source: &Source| {
            matches!(
                source,
                Source::Stdin | Source::File(_) | Source::Directory(_) | Source::LocalNames(..)
            )
        };
        let to_remote = matches!(self.target, Target::Remote { .. });
        if !to_remote && sources.iter().any(is_local) {
            return usage("both sides are local: one of them has to be s3://…");
        }
        let has_stdin = sources.iter().any(|source| matches!(source, Source::Stdin));
        if has_stdin && (sources.len() > 1 || self.moves || self.is_directory()) {
            return usage("standard input can only be copied to one object");
        }
        let is_one = matches!(sources, [Source::Object(_)]);
        if matches!(self.target, Target::Stdout) && (!is_one || self.moves) {
            return usage("only one object can be copied to standard output");
        }
        if self.arguments.verify && (has_stdin || matches!(self.target, Target::Stdout)) {
            return usage("--verify compares files, and one side is a stream");
        }
        if (self.arguments.range.is_some() || self.arguments.version_id.is_some())
            && (!is_one || to_remote || self.moves)
        {
            return usage("--range and --version-id need one object and a local destination");
        }
        if self.arguments.attributes.is_given() && !to_remote {
            return usage("attributes are for written objects, and the destination is local");
        }
        sources
            .iter()
            .try_for_each(|source| self.check_identity(source))
    }

    /// Rejects a source that is its own destination.
    fn check_identity(&self, source: &Source) -> Result<(), Failure> {
        let Target::Remote {
            remote,
            is_directory,
        } = &self.target
        else {
            return Ok(());
        };
        let is_same = match source {
            Source::Object(from) if from.bucket == remote.bucket => {
                let name = from.key.rsplit('/').next().unwrap_or_default();
                let key = match is_directory {
                    true => format!("{}{name}", remote.directory_key()),
                    false => remote.key.clone(),
                };
                key == from.key
            }
            Source::Listing(from, listed) if from.bucket == remote.bucket => {
                listed.prefix.prefix()[..listed.base] == *remote.directory_key()
            }
            Source::RemoteNames(from, _) if from.bucket == remote.bucket => {
                from.directory_key() == remote.directory_key()
            }
            _ => false,
        };
        if is_same && (self.moves || !self.arguments.attributes.replace()) {
            return Err(Failure::usage("source and destination are the same"));
        }
        Ok(())
    }

    fn is_directory(&self) -> bool {
        match &self.target {
            Target::Stdout => false,
            Target::Local { is_directory, .. } | Target::Remote { is_directory, .. } => {
                *is_directory
            }
        }
    }

    /// Returns the task of a local file whose name below the source is `below`.
    pub(super) fn upload(&self, from: LocalSource, below: &str, size: Option<u64>) -> Option<Task> {
        let decoded = match self.arguments.encode_names {
            true => decode_name(below),
            false => Ok(below.to_owned()),
        };
        let work = match decoded.and_then(|below| self.remote_target(&below, size)) {
            Ok(to) => Work::Upload { from, to },
            Err(failure) => return Some(self.failed_file(below.to_owned(), failure)),
        };
        Some(Task::new(work, size, self.moves))
    }

    /// Returns whether a listed object is below a destination that is inside its source: then this copy may have
    /// written it.
    pub(super) fn is_below_destination(&self, url: &S3Url, below: &str) -> bool {
        let Target::Remote {
            remote,
            is_directory: true,
        } = &self.target
        else {
            return false;
        };
        let directory = remote.directory_key();
        let source = &url.key()[..url.key().len() - below.len()];
        let is_within = directory.len() > source.len() && directory.starts_with(source);
        is_within && url.bucket() == remote.bucket && url.key().starts_with(&directory)
    }

    /// Returns the task of an object whose name below the source is `below`; `None` for the marker object of the
    /// source's directory.
    pub(super) fn remote(
        &self,
        from: RemoteSource,
        below: &str,
        size: Option<u64>,
    ) -> Option<Task> {
        let failed = |failure| Some(self.failed(from.url.as_str().to_owned(), failure));
        let work = match &self.target {
            Target::Stdout => Work::Download {
                from,
                to: LocalTarget::Stdout,
            },
            Target::Local { path, is_directory } => {
                if below.is_empty() && size == Some(0) {
                    return None;
                }
                let to = match self.local_target(path, *is_directory, below, size) {
                    Ok(to) => to,
                    Err(failure) => return failed(failure),
                };
                Work::Download { from, to }
            }
            Target::Remote { remote, .. } => {
                // The marker object of the source's directory; a bucket has no such object.
                if below.is_empty() && remote.key.is_empty() {
                    return None;
                }
                match self.remote_target(below, size) {
                    Ok(to) => Work::Copy { from, to },
                    Err(failure) => return failed(failure),
                }
            }
        };
        Some(Task::new(work, size, self.moves))
    }

    /// Returns the task of an input that has failed already.
    pub(super) fn failed(&self, source: String, failure: Failure) -> Task {
        Task::failed(self.operation(), source, failure)
    }

    /// Returns the task of a local input that has failed already.
    pub(super) fn failed_file(&self, source: String, failure: Failure) -> Task {
        Task::failed(self.file_operation(), source, failure)
    }

    /// Returns the name of the operation on a local input.
    pub(super) fn file_operation(&self) -> &'static str {
        if self.moves { "move" } else { "upload" }
    }

    /// Returns the name of the operation if no input is known.
    fn operation(&self) -> &'static str {
        match (&self.target, self.moves) {
            (_, true) => "move",
            (Target::Remote { .. }, false) => "copy",
            (_, false) => "download",
        }
    }

    fn remote_target(&self, below: &str, size: Option<u64>) -> Result<S3Url, Failure> {
        let Target::Remote {
            remote,
            is_directory,
        } = &self.target
        else {
            return Err(Failure::usage(
                "both sides are local: one of them has to be s3://…",
            ));
        };
        match is_directory {
            false => remote.url(),
            true => {
                let name = self.name(below, size, false)?;
                let url = remote.with_key(&format!("{}{name}", remote.directory_key()))?;
                match self.source_keys.iter().any(|keys| keys.contain(&url)) {
                    true => Err(Failure::local(format!(
                        "its destination {} is among the sources",
                        url.as_str()
                    ))),
                    false => Ok(url),
                }
            }
        }
    }

    fn local_target(
        &self,
        path: &Path,
        is_directory: bool,
        below: &str,
        size: Option<u64>,
    ) -> Result<LocalTarget, Failure> {
        if !is_directory {
            return Ok(LocalTarget::File(path.to_owned()));
        }
        let name = self.name(below, size, self.folds_case(path))?;
        Ok(
            match local_name(path, name, size, self.arguments.encode_names)? {
                LocalName::File(path) => LocalTarget::File(path),
                LocalName::Directory(path) => LocalTarget::Directory(path),
            },
        )
    }

    fn folds_case(&self, directory: &Path) -> bool {
        *self.folds_case.get_or_init(|| folds_letter_case(directory))
    }

    /// Fails if a download would replace an existing file whose name differs in case.
    pub(super) fn check_case(&self, path: &Path) -> Result<(), Failure> {
        let Target::Local {
            path: directory,
            is_directory: true,
        } = &self.target
        else {
            return Ok(());
        };
        let exact = match self.folds_case(directory) {
            true => has_exact_names(directory, path),
            false => Ok(true),
        };
        match exact.map_err(|error| Failure::of_file("read", path, &error))? {
            true => Ok(()),
            false => Err(Failure::local(
                "the file system is case-insensitive, and already has this name in another case",
            )),
        }
    }

    /// Returns the name of an input below the destination: the last component with `--flatten`. A name that another
    /// input has is an error.
    fn name<'a>(
        &self,
        below: &'a str,
        size: Option<u64>,
        folds_case: bool,
    ) -> Result<&'a str, Failure> {
        let name = match self.arguments.flatten {
            true => below.rsplit('/').next().unwrap_or(below),
            false => below,
        };
        // Two empty marker objects of one directory are equal.
        let is_directory = size == Some(0) && (name.is_empty() || name.ends_with('/'));
        if !(self.may_collide || folds_case) || is_directory {
            return Ok(name);
        }
        let hash = match folds_case {
            true => self.hasher.hash_one(name.to_lowercase().as_str()),
            false => self.hasher.hash_one(name),
        };
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        match names.insert(hash) {
            true => Ok(name),
            false => Err(Failure::local(format!(
                "another input is named {name:?} in the destination"
            ))),
        }
    }
}

fn source(address: Address, arguments: &CopyArgs) -> Result<Source, Failure> {
    match address {
        Address::Stdio => Ok(Source::Stdin),
        Address::Local(path) if arguments.names.is_given() => {
            Ok(Source::LocalNames(path, arguments.names.clone()))
        }
        Address::Local(path) => match (path.is_dir(), arguments.recursive) {
            (false, _) => Ok(Source::File(path)),
            (true, true) => Ok(Source::Directory(path)),
            (true, false) => Err(without_recursive(&path.display().to_string())),
        },
        Address::Remote(remote) if arguments.names.is_given() => {
            Ok(Source::RemoteNames(remote, arguments.names.clone()))
        }
        Address::Remote(remote) => {
            match Selection::parse(&remote, arguments.raw, arguments.recursive)? {
                Selection::Many(listed) => Ok(Source::Listing(remote, Box::new(listed))),
                Selection::One(one)
                    if one.key.is_empty() || (one.key.ends_with('/') && !arguments.raw) =>
                {
                    Err(without_recursive(&one.to_string()))
                }
                Selection::One(one) => Ok(Source::Object(one)),
            }
        }
    }
}

impl SourceKeys {
    fn contain(&self, url: &S3Url) -> bool {
        let is_in = match self.is_one {
            true => url.key() == self.start,
            false => url.key().starts_with(&self.start),
        };
        is_in && url.bucket() == self.bucket
    }
}

/// Returns the keys of sources that inputs must not overwrite. Sources that contain the destination are left out: their
/// listings skip the keys below it.
fn source_keys(sources: &[Source], target: &Target) -> Vec<SourceKeys> {
    let Target::Remote { remote, .. } = target else {
        return Vec::new();
    };
    let destination = remote.directory_key();
    let keys = sources.iter().filter_map(|source| {
        let (from, directory, start) = match source {
            Source::Object(from) => {
                let name = from.key.rfind('/').map_or(0, |slash| slash + 1);
                // With the same name below the destination, the object is copied to itself.
                let is_in_place = from.bucket == remote.bucket && from.key[..name] == destination;
                return (!is_in_place).then(|| SourceKeys {
                    bucket: from.bucket.clone(),
                    start: from.key.clone(),
                    is_one: true,
                });
            }
            Source::Listing(from, listed) => {
                let start = listed.prefix.prefix().to_owned();
                (from, start[..listed.base].to_owned(), start)
            }
            Source::RemoteNames(from, _) => (from, from.directory_key(), from.directory_key()),
            _ => return None,
        };
        let is_around = from.bucket == remote.bucket && destination.starts_with(&directory);
        (!is_around).then(|| SourceKeys {
            bucket: from.bucket.clone(),
            start,
            is_one: false,
        })
    });
    keys.collect()
}

fn without_recursive(source: &str) -> Failure {
    Failure::usage(format!("{source} is a directory")).with_hint("use -r to copy its contents")
}

/// Returns the destination. It is a directory if there may be several inputs, if its name ends in a slash, or if the
/// directory exists.
fn target(destination: Address, has_many: bool, arguments: &CopyArgs) -> Target {
    match destination {
        Address::Stdio => Target::Stdout,
        Address::Local(path) => {
            let named = arguments
                .paths
                .last()
                .is_some_and(|text| ends_in_slash(text));
            let is_directory =
                has_many || named || fs::metadata(&path).is_ok_and(|found| found.is_dir());
            Target::Local { path, is_directory }
        }
        Address::Remote(remote) => {
            let is_directory = has_many || remote.key.is_empty() || remote.key.ends_with('/');
            Target::Remote {
                remote,
                is_directory,
            }
        }
    }
}

fn ends_in_slash(text: &OsStr) -> bool {
    text.as_encoded_bytes().ends_with(b"/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::copy::AttributeArgs;
    use crate::global::GlobalArgs;
    use crate::progress::Progress;
    use crate::report::Report;
    use crate::stop::Stop;

    #[test]
    fn the_second_of_two_names_that_are_one_on_the_disk_fails() {
        let plan = |moves, folds_case| Plan {
            arguments: CopyArgs::from_stdin(String::new(), false, AttributeArgs::default()),
            target: Target::Local {
                path: "d".into(),
                is_directory: true,
            },
            moves,
            may_collide: false,
            names: Mutex::default(),
            hasher: RandomState::new(),
            folds_case: OnceLock::from(folds_case),
            source_keys: Vec::new(),
        };
        for (moves, folds_case) in [(false, false), (false, true), (true, false), (true, true)] {
            let plan = plan(moves, folds_case);
            let fails = |below: &str| {
                let url = S3Url::from_parts("b", below).unwrap();
                let source = RemoteSource { url, etag: None };
                let task = plan.remote(source, below, Some(1)).unwrap();
                matches!(task.work, Work::Fail(_))
            };
            assert!(!fails("p/A.txt") && !fails("p/b.txt"));
            assert_eq!(fails("P/a.txt"), folds_case);
        }
    }

    #[tokio::test]
    async fn the_disk_tells_whether_names_are_one_to_copies_and_moves() {
        let folds_case = |moves, dry_run| {
            let global = GlobalArgs {
                dry_run,
                region: Some("us-east-1".to_owned()),
                ..GlobalArgs::default()
            };
            let report = Report::new(&global, Progress::new(&global), Stop::default());
            let session = Session::open(global, report).unwrap();
            let mut arguments =
                CopyArgs::from_stdin(String::new(), false, AttributeArgs::default());
            arguments.paths = ["s3://b/k", "d/"].map(Into::into).to_vec();
            let (plan, _) = Plan::new(arguments, &session, moves).unwrap();
            plan.folds_case.get().copied()
        };
        for moves in [false, true] {
            assert_eq!(folds_case(moves, false), None);
            assert_eq!(folds_case(moves, true), Some(false));
        }
    }
}
