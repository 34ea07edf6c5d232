//! [`Progress`]: a Python callback that receives the number of bytes transferred.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pyo3::prelude::*;
use s3_client::{Async, Event, Observer, Request};

use crate::pool::Notification;

/// Bytes that were moved, and a function that is called with those since the last call.
///
/// The threads of the pool only count; the function is called by the thread that waits, or by the one that tells of the
/// ends of calls.
pub(crate) struct Progress {
    moved: Arc<Moved>,
    told: u64,
    function: Arc<Py<PyAny>>,
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
            function: Arc::new(function),
        })
    }

    /// Calls the function, if there is something to tell.
    pub(crate) fn tell(&mut self, py: Python<'_>) -> PyResult<()> {
        match self.news() {
            Some((function, bytes)) => function.call1(py, (bytes,)).map(drop),
            None => Ok(()),
        }
    }

    /// Returns a call of the function for the thread that has the GIL, if there is something to tell.
    pub(crate) fn notification(&mut self) -> Option<Notification> {
        let (function, bytes) = self.news()?;
        Some(Box::new(move |py| {
            if let Err(error) = function.call1(py, (bytes,)) {
                error.write_unraisable(py, Some(function.bind(py)));
            }
        }))
    }

    /// Returns the callback and the bytes that it has not been called with.
    fn news(&mut self) -> Option<(Arc<Py<PyAny>>, u64)> {
        let moved = self.moved.0.load(Ordering::Relaxed);
        let new = moved - self.told;
        self.told = moved;
        (new > 0).then(|| (Arc::clone(&self.function), new))
    }
}

/// Returns the request, which counts the bytes that it moves.
pub(crate) fn observed<O>(
    request: Request<O, Async>,
    progress: Option<&Progress>,
) -> Request<O, Async> {
    match progress {
        Some(Progress { moved, .. }) => request.observer(Arc::<Moved>::clone(moved)),
        None => request,
    }
}
