//! [`SyncEntry`]: a file, directory or object in the source or target of a sync, and [`Pages`], the stream of them.

use std::pin::Pin;
use std::time::SystemTime;

use futures_core::Stream;
use s3_core::ETag;

use crate::error::{Error, Result};

/// A file, a directory or an object of one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SyncEntry {
    /// The path relative to the directory of the side.
    pub(crate) path: String,
    pub(crate) size: u64,
    pub(crate) modified: Option<SystemTime>,
    /// The ETag of an object.
    pub(crate) etag: Option<ETag>,
    /// Whether this is a local directory with entries: it needs no marker object, and is not deleted.
    pub(crate) is_implied: bool,
    /// Whether this is a socket, a pipe or a device.
    pub(crate) is_special: bool,
}

impl SyncEntry {
    /// Returns whether this is a local directory, or the marker object of one.
    pub(crate) fn is_directory(&self) -> bool {
        self.path.ends_with('/')
    }
}

/// An entry that cannot be read. It fails, other entries do not; its side is incomplete.
#[derive(Debug)]
pub(crate) struct Unreadable {
    /// The path or URL.
    pub(crate) what: String,
    pub(crate) error: Error,
}

/// The entries of a side, page by page, in the byte order of their paths. The stream ends at an error.
pub(crate) type Pages =
    Pin<Box<dyn Stream<Item = Result<Vec<Result<SyncEntry, Unreadable>>>> + Send>>;
