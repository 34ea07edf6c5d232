//! [`PythonGate`]: lets threads of this module call Python until the interpreter ends, which waits for them.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pyo3::prelude::*;

/// Maximum time that the interpreter waits at its end for threads that run Python, such as one that reads from a slow
/// stream.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Counts the threads of this module that run Python functions.
///
/// At its end, the interpreter also ends threads in the middle of a Python function: the Rust code that called them
/// would then drop objects without the GIL.
#[derive(Debug, Default)]
pub(crate) struct PythonGate {
    state: Mutex<GateState>,
    left: Condvar,
}

#[derive(Debug, Default)]
struct GateState {
    is_closed: bool,
    /// Number of threads that run Python.
    inside: usize,
}

impl PythonGate {
    /// Runs `work` with the GIL. Returns `None` without running it if the interpreter is ending.
    pub(crate) fn enter<T>(&self, work: impl FnOnce(Python<'_>) -> T) -> Option<T> {
        let _inside = Inside::of(self)?;
        Python::try_attach(work)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state().is_closed
    }

    /// Closes the gate, and waits without the GIL until all threads have left Python, at most 5 s.
    pub(crate) fn close(&self, py: Python<'_>) {
        py.detach(|| {
            let mut state = self.state();
            state.is_closed = true;
            let is_inside = |state: &mut GateState| state.inside > 0;
            // After that time, the interpreter ends in any case.
            let _ = self.left.wait_timeout_while(state, LONGEST_WAIT, is_inside);
        });
    }

    fn state(&self) -> MutexGuard<'_, GateState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread that runs Python.
struct Inside<'gate>(&'gate PythonGate);

impl<'gate> Inside<'gate> {
    fn of(gate: &'gate PythonGate) -> Option<Self> {
        let mut state = gate.state();
        if state.is_closed {
            return None;
        }
        state.inside += 1;
        Some(Self(gate))
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.state().inside -= 1;
        self.0.left.notify_all();
    }
}
