//! [`Progress`]: counts transferred bytes, and calls a Python callback with those since its last call.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pyo3::prelude::*;
use s3_client::{Async, Event, Observer, Request};

use crate::pool::Notification;

/// Number of transferred bytes, and a callback that is called with those since its last call.
///
/// The worker threads only count. The callback is called by the thread that waits for the call, or by the notifier
/// thread.
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

    /// Calls the callback, if bytes were transferred.
    pub(crate) fn tell(&mut self, py: Python<'_>) -> PyResult<()> {
        match self.news() {
            Some((function, bytes)) => function.call1(py, (bytes,)).map(drop),
            None => Ok(()),
        }
    }

    /// Returns a call of the callback for the thread with the GIL, if bytes were transferred.
    pub(crate) fn notification(&mut self) -> Option<Notification> {
        let (function, bytes) = self.news()?;
        Some(Box::new(move |py| {
            if let Err(error) = function.call1(py, (bytes,)) {
                error.write_unraisable(py, Some(function.bind(py)));
            }
        }))
    }

    /// Returns the callback and the number of bytes that it has not been called with.
    fn news(&mut self) -> Option<(Arc<Py<PyAny>>, u64)> {
        let moved = self.moved.0.load(Ordering::Relaxed);
        let new = moved - self.told;
        self.told = moved;
        (new > 0).then(|| (Arc::clone(&self.function), new))
    }
}

/// Returns the request with an observer that counts the bytes it transfers.
pub(crate) fn observed<O>(
    request: Request<O, Async>,
    progress: Option<&Progress>,
) -> Request<O, Async> {
    match progress {
        Some(Progress { moved, .. }) => request.observer(Arc::<Moved>::clone(moved)),
        None => request,
    }
}
