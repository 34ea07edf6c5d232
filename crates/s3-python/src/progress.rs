//! [`Progress`]: a Python callback that receives the number of bytes transferred.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pyo3::prelude::*;
use s3_client::{Async, Event, Observer, Request};

/// Bytes that were moved, and a function that is called with those since the last call.
///
/// The threads of the pool only count; the function is called by the thread that waits.
pub(crate) struct Progress {
    moved: Arc<Moved>,
    told: u64,
    function: Py<PyAny>,
}

#[derive(Debug, Default)]
struct Moved(AtomicU64);

impl Observer for Moved {
    fn on_event(&self, event: &Event<'_>) {
        if let Event::BytesMoved { bytes, .. } = event {
            self.0.fetch_add(*bytes, Ordering::Relaxed);
        }
    }
}

impl Progress {
    pub(crate) fn new(function: Option<Py<PyAny>>) -> Option<Self> {
        function.map(|function| Self {
            moved: Arc::default(),
            told: 0,
            function,
        })
    }

    /// Calls the function, if there is something to tell.
    pub(crate) fn tell(&mut self, py: Python<'_>) -> PyResult<()> {
        let moved = self.moved.0.load(Ordering::Relaxed);
        let new = moved - self.told;
        self.told = moved;
        if new > 0 {
            self.function.call1(py, (new,))?;
        }
        Ok(())
    }
}

/// Returns the request, which counts what it moves.
pub(crate) fn observed<O>(
    request: Request<O, Async>,
    progress: Option<&Progress>,
) -> Request<O, Async> {
    match progress {
        Some(Progress { moved, .. }) => request.observer(Arc::<Moved>::clone(moved)),
        None => request,
    }
}
