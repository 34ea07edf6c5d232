//! [`InProcess`]: a value that only the process that made it uses and drops.

use std::mem;
use std::ops::Deref;
use std::process;

/// A value that is leaked in a forked child.
///
/// Dropping it there would close connections and take locks that threads of the parent may have held at the fork.
#[derive(Debug)]
pub(crate) struct InProcess<T> {
    /// `None` only while it is dropped.
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

    /// Returns the value, which this process has to have made.
    pub(crate) fn into_inner(mut self) -> T {
        self.value.take().expect("it is there until the drop")
    }

    /// Returns the id of the process that made the value.
    pub(crate) fn maker(&self) -> u32 {
        self.process
    }

    /// Returns whether this process made the value.
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
