//! [`SyncEntry`]: a file or an object of a source or target, and the pages that list them.

use std::pin::Pin;
use std::time::SystemTime;

use futures_core::Stream;
use s3_core::ETag;

use crate::error::{Error, Result};

/// A file, a directory or an object of one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SyncEntry {
    /// The path below the side's directory.
    pub(crate) path: String,
    pub(crate) size: u64,
    pub(crate) modified: Option<SystemTime>,
    /// Of an object.
    pub(crate) etag: Option<ETag>,
    /// A local directory with entries, which imply it: it needs no marker, and is not deleted.
    pub(crate) is_implied: bool,
    /// A socket, a pipe or a device.
    pub(crate) is_special: bool,
}

impl SyncEntry {
    /// Returns whether this is a directory, or a marker of one in S3.
    pub(crate) fn is_directory(&self) -> bool {
        self.path.ends_with('/')
    }
}

/// An input that cannot be read and fails alone; its side is incomplete.
#[derive(Debug)]
pub(crate) struct Unreadable {
    /// The path or URL.
    pub(crate) what: String,
    pub(crate) error: Error,
}

/// The pages of a side, in the byte order of their paths. An error ends them.
pub(crate) type Pages =
    Pin<Box<dyn Stream<Item = Result<Vec<Result<SyncEntry, Unreadable>>>> + Send>>;
