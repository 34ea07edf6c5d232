//! Model of `AtomicWaker` for shuttle tests.

use std::task::Waker;

use shuttle::sync::{Mutex, PoisonError};

/// Holds the waker of the task that has registered last.
#[derive(Debug, Default)]
pub(crate) struct AtomicWaker(Mutex<Option<Waker>>);

impl AtomicWaker {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn register(&self, waker: &Waker) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *held = Some(waker.clone());
    }

    /// Wakes the task, which has to register again.
    pub(crate) fn wake(&self) {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = held {
            waker.wake();
        }
    }
}
