//! [`Task`]: one input of a copy with its destination: an upload, download, server-side copy, or failure.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use s3_core::{ETag, S3Url};

use crate::address::path_text;
use crate::failure::Failure;
use crate::report::Input;

/// One input of a copy, with its destination.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) input: Input,
    pub(super) work: Work,
}

/// The transfer of an input.
#[derive(Debug)]
pub(super) enum Work {
    Upload {
        from: LocalSource,
        to: S3Url,
    },
    Download {
        from: RemoteSource,
        to: LocalTarget,
    },
    Copy {
        from: RemoteSource,
        to: S3Url,
    },
    /// The input has failed already.
    Fail(Failure),
}

#[derive(Debug)]
pub(super) enum LocalSource {
    Stdin,
    File {
        path: PathBuf,
        modified: Option<SystemTime>,
        /// The directory in which the file was found; `None` for a file that is a source argument.
        root: Option<Arc<Path>>,
    },
    /// An empty directory, which is uploaded as an empty object.
    Directory {
        path: PathBuf,
        root: Option<Arc<Path>>,
    },
}

#[derive(Debug)]
pub(super) struct RemoteSource {
    pub(super) url: S3Url,
    /// The ETag, if a listing has returned it.
    pub(super) etag: Option<ETag>,
}

#[derive(Debug)]
pub(super) enum LocalTarget {
    Stdout,
    File(PathBuf),
    Directory(PathBuf),
}

impl Task {
    /// Returns a task; its operation is named `move` if the source is removed.
    pub(super) fn new(work: Work, size: Option<u64>, moves: bool) -> Self {
        let (op, source, destination) = match &work {
            Work::Upload { from, to } => ("upload", from.text(), to.as_str().to_owned()),
            Work::Download { from, to } => ("download", from.url.as_str().to_owned(), to.text()),
            Work::Copy { from, to } => {
                ("copy", from.url.as_str().to_owned(), to.as_str().to_owned())
            }
            Work::Fail(_) => unreachable!("a failed task is made with its operation"),
        };
        let input = Input {
            op: if moves { "move" } else { op },
            source,
            destination: Some(destination),
            size,
        };
        Self { input, work }
    }

    /// Returns the task of an input that has failed already.
    pub(super) fn failed(op: &'static str, source: String, failure: Failure) -> Self {
        Self {
            input: Input::new(op, source),
            work: Work::Fail(failure),
        }
    }
}

impl LocalSource {
    fn text(&self) -> String {
        match self {
            Self::Stdin => "-".to_owned(),
            Self::File { path, .. } => path_text(path),
            Self::Directory { path, .. } => format!("{}/", path_text(path)),
        }
    }
}

impl LocalTarget {
    fn text(&self) -> String {
        match self {
            Self::Stdout => "-".to_owned(),
            Self::File(path) => path_text(path),
            Self::Directory(path) => format!("{}/", path_text(path)),
        }
    }
}
