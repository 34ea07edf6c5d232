//! [`InProcess`]: a value that is used and dropped only by the process that created it, and leaked in a forked child.

use std::mem;
use std::ops::Deref;
use std::process;

/// A value that is leaked in a forked child.
///
/// Dropping it in the child would close connections, and take locks that threads of the parent may have held at the
/// fork.
#[derive(Debug)]
pub(crate) struct InProcess<T> {
    /// The value; `None` only during the drop.
    value: Option<T>,
    process: u32,
}

impl<T> InProcess<T> {
    pub(crate) fn new(value: T) -> Self {
        Self {
            value: Some(value),
            process: process::id(),
        }
    }

    /// Returns the value. It must be called in the process that created the value.
    pub(crate) fn into_inner(mut self) -> T {
        self.value.take().expect("it is there until the drop")
    }

    /// Returns the ID of the process that created the value.
    pub(crate) fn maker(&self) -> u32 {
        self.process
    }

    /// Returns whether this process created the value.
    pub(crate) fn is_ours(&self) -> bool {
        self.process == process::id()
    }
}

impl<T> Deref for InProcess<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.as_ref().expect("it is there until the drop")
    }
}

impl<T> Drop for InProcess<T> {
    fn drop(&mut self) {
        if !self.is_ours() {
            mem::forget(self.value.take());
        }
    }
}
