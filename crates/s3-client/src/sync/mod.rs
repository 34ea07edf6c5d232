//! Makes the target equal to the source: two streams in key order are merged, and different entries are transferred.
//!
//! ```text
//! walk or listing ─► Cursor ─┐
//!                            ├─► merge: pages of Steps ─► fan-out: compare contents, transfer ─► SyncEvents ─► deletions
//! walk or listing ─► Cursor ─┘
//! ```
//!
//! Memory is bounded by the names of one directory per depth, the window of the listing and the inputs in flight. A listing
//! without order is sorted in a temporary file first.

mod compare;
mod comparison;
mod content;
mod deletions;
mod entry;
mod event;
mod local_walk;
mod merge;
mod place;
mod run;
mod sort;
mod state;
mod transfer;

pub use compare::SyncCompare;
pub use content::{file_has_checksum, file_has_etag};
pub use event::{NotDeletedReason, SyncAction, SyncEvent, SyncOutcome};
pub use local_walk::{FoundDirectory, FoundFile, LocalEntry, LocalWalk, PathFilter};
pub use place::SyncPlace;
pub(crate) use run::{Events, SyncJob};
pub(crate) use state::SyncSettings;
