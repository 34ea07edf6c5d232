//! [`Slot`]: a value that one call at a time takes and puts back, until it is closed.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A value that one call at a time takes and puts back. Once it is closed, a value that is put back is dropped.
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

    /// Returns the value, unless a call has it or the slot is closed.
    pub(crate) fn take(&self) -> Option<T> {
        self.lock().value.take()
    }

    pub(crate) fn put_back(&self, value: T) {
        let mut state = self.lock();
        if state.is_closed {
            // Dropping it may take other locks.
            drop(state);
            drop(value);
        } else {
            state.value = Some(value);
        }
    }

    /// Drops the value now, or when the call that has it puts it back.
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
