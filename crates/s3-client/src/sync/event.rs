//! [`SyncEvent`]: action and outcome of a sync for one path; [`NotDeletedReason`]: why a sync deletes nothing.

use std::fmt;

use s3_transfer::Verified;

use crate::error::Error;

/// The outcome of a sync for one path. Unchanged paths have no event.
#[derive(Debug)]
#[non_exhaustive]
pub struct SyncEvent {
    /// The action.
    pub action: SyncAction,
    /// The path or URL of the source; for a deletion, of the deleted entry.
    pub source: String,
    /// The path or URL of the destination.
    pub destination: Option<String>,
    /// The size in bytes; 0 for deletions and unreadable inputs.
    pub size: u64,
    /// The outcome.
    pub outcome: SyncOutcome,
    /// For a download: whether the bytes were compared with the server's checksum.
    pub verified: Option<Verified>,
    /// Whether the entry was transferred because contents could not be compared, with
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
    /// A source or target is read.
    Read,
}

/// Outcome of a sync for one path.
#[derive(Debug)]
#[non_exhaustive]
pub enum SyncOutcome {
    /// The action succeeded.
    Done,
    /// The action would be done, but this is a dry run.
    Planned,
    /// The entry was skipped on both sides, because it is a socket, a pipe or a device.
    Special,
    /// The action failed.
    Failed(Error),
}

/// Reason why a sync deletes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotDeletedReason {
    /// The source or the target could not be listed to its end.
    NotListed,
    /// Another entry failed.
    Failures,
    /// The source has no entries, as a disk that is not mounted.
    EmptySource,
    /// There are more deletions than this limit.
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
