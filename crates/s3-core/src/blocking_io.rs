//! Which threads may wait for a disk.
//!
//! Reading and writing local files blocks. On a runtime that belongs to somebody else that is done on other threads;
//! a thread that does nothing but transfers saves the two hand-overs per piece by doing it itself.

use std::cell::Cell;

thread_local! {
    static MAY_WAIT: Cell<bool> = const { Cell::new(false) };
}

/// Lets this thread wait for local files from now on: for threads that run transfers and nothing else.
pub fn allow_blocking_io() {
    MAY_WAIT.set(true);
}

/// Returns whether this thread may wait for local files.
#[must_use]
pub fn blocking_io_allowed() -> bool {
    MAY_WAIT.get()
}
