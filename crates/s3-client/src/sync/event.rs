//! [`SyncEvent`]: how one path of a sync has ended.

use std::fmt;

use s3_transfer::Verified;

use crate::error::Error;

/// How one path of a sync has ended. Paths that need nothing have no event.
#[derive(Debug)]
#[non_exhaustive]
pub struct SyncEvent {
    /// The action.
    pub action: SyncAction,
    /// The path or URL of the source; of the entry itself for a deletion.
    pub source: String,
    /// The path or URL of the destination.
    pub destination: Option<String>,
    /// The size in bytes; 0 for deletions and unreadable inputs.
    pub size: u64,
    /// How it has ended.
    pub outcome: SyncOutcome,
    /// Of a download: whether the bytes were compared with the server's checksum.
    pub verified: Option<Verified>,
    /// Whether it counts as different because its contents cannot be compared, with
    /// [`SyncCompare::Content`](crate::SyncCompare::Content).
    pub is_incomparable: bool,
}

/// The action of a sync for a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SyncAction {
    /// A file is uploaded.
    Upload,
    /// An object is downloaded.
    Download,
    /// An object is copied by the server.
    Copy,
    /// An entry that only the target has is deleted.
    Delete,
    /// A side is read.
    Read,
}

/// How a path of a sync has ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum SyncOutcome {
    /// It is done.
    Done,
    /// It would be done: this is a dry run.
    Planned,
    /// It is left alone on both sides, because it is no file: a socket, a pipe or a device.
    Special,
    /// It has failed.
    Failed(Error),
}

/// Why a sync deletes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotDeletedReason {
    /// A side could not be read to its end.
    NotListed,
    /// Something failed.
    Failures,
    /// The source has no entry, as a disk that is not mounted.
    EmptySource,
    /// There are more than this to delete.
    TooMany(u64),
}

impl fmt::Display for NotDeletedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotListed => f.write_str("the listing is incomplete"),
            Self::Failures => f.write_str("some inputs failed"),
            Self::EmptySource => f.write_str("the source is empty"),
            Self::TooMany(most) => write!(f, "at most {most} are allowed"),
        }
    }
}
