//! [`Slot`]: a value that one call at a time takes and puts back, until it is closed.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A value that one call at a time takes and puts back. If the slot was closed meanwhile, the value is dropped instead.
pub(crate) struct Slot<T>(Mutex<State<T>>);

struct State<T> {
    value: Option<T>,
    is_closed: bool,
}

impl<T> Slot<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Mutex::new(State {
            value: Some(value),
            is_closed: false,
        }))
    }

    /// Returns the value, unless another call has taken it or the slot is closed.
    pub(crate) fn take(&self) -> Option<T> {
        self.lock().value.take()
    }

    pub(crate) fn put_back(&self, value: T) {
        let mut state = self.lock();
        if state.is_closed {
            // Drop the value after the lock is released, because that may take other locks.
            drop(state);
            drop(value);
        } else {
            state.value = Some(value);
        }
    }

    /// Closes the slot, and drops the value now, or when the call that has taken it puts it back.
    pub(crate) fn close(&self) {
        let value = {
            let mut state = self.lock();
            state.is_closed = true;
            state.value.take()
        };
        drop(value);
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
