//! Per-thread flag: whether local file I/O may block the current thread, or has to use the blocking pool.
//!
//! On a runtime that also runs other tasks, file I/O goes to a pool of blocking threads. A thread that runs transfers
//! and nothing else may block, which saves two thread switches per chunk.

use std::cell::Cell;

thread_local! {
    static MAY_BLOCK: Cell<bool> = const { Cell::new(false) };
}

/// Allows the current thread to block on local files from now on. For threads that run transfers and nothing else.
pub fn allow_blocking_io() {
    MAY_BLOCK.set(true);
}

/// Reverts [`allow_blocking_io`].
pub fn forbid_blocking_io() {
    MAY_BLOCK.set(false);
}

/// Returns whether the current thread may block on local files.
#[must_use]
pub fn blocking_io_allowed() -> bool {
    MAY_BLOCK.get()
}
