//! [`Call`]: runs one Python call on the worker pool, and blocks the caller or later calls its completion function.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Mutex, PoisonError, mpsc};

use futures_util::FutureExt;
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use s3_client::Error;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::errors::exception;
use crate::in_process::InProcess;
use crate::pool::{self, Notification};
use crate::progress::Progress;

/// A Python function that is called with the result and the exception, one of which is `None`. It is called on another
/// thread, with the GIL, and must not block.
pub(crate) type Done = Option<Py<PyAny>>;

/// A call in flight, as a Python object.
#[pyclass(module = "mfs3._native", name = "Call", frozen)]
pub(crate) struct PyCall(InProcess<Mutex<Option<JoinHandle<()>>>>);

#[pymethods]
impl PyCall {
    /// Cancels the call: requests in flight are dropped, and the completion function is not called.
    fn cancel(&self) {
        if !self.0.is_ours() {
            return;
        }
        let task = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            pool::abort(task);
        }
    }
}

/// Describes where a call runs and how it reports its result.
pub(crate) struct Call {
    done: Done,
    progress: Option<Progress>,
    place: Place,
    error: fn(Python<'_>, &Error) -> PyErr,
}

/// Where a call runs if its caller waits for it.
enum Place {
    Pool,
    Caller,
}

impl Call {
    /// Returns a call on the worker pool. With `done`, the caller does not wait, and the function is called on
    /// completion.
    pub(crate) fn new(done: Done) -> Self {
        Self {
            done,
            progress: None,
            place: Place::Pool,
            error: exception,
        }
    }

    /// Reports the number of transferred bytes, every 50 ms and at the end.
    pub(crate) fn progress(mut self, progress: Option<Progress>) -> Self {
        self.progress = progress;
        self
    }

    /// Runs the call on the thread that waits for it, which is faster; for reads of one object.
    ///
    /// A write stays on the worker pool: threads that Python ends with the interpreter do not drop their work, so its
    /// uploads would not be aborted.
    pub(crate) fn here(mut self) -> Self {
        self.place = Place::Caller;
        self
    }

    /// Raises the error of the only input instead of the batch error.
    pub(crate) fn of_one_input(mut self) -> Self {
        self.error = |py, error| match error.as_batch() {
            Some(batch) => exception(py, batch.error()),
            None => exception(py, error),
        };
        self
    }

    /// Runs `work` and returns its output, converted with `convert`; or, if the caller does not wait, a [`PyCall`]
    /// immediately.
    pub(crate) fn run<T, F, R>(
        self,
        py: Python<'_>,
        work: F,
        convert: fn(T) -> R,
    ) -> PyResult<Py<PyAny>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
        R: for<'py> IntoPyObject<'py> + 'static,
    {
        let Self {
            done,
            mut progress,
            place,
            error: fail,
        } = self;
        let finish = move |py: Python<'_>, output: Result<T, Error>| match output {
            Ok(output) => convert(output).into_py_any(py),
            Err(error) => Err(fail(py, &error)),
        };
        let Some(done) = done else {
            let mut tell = |py: Python<'_>| progress.as_mut().map_or(Ok(()), |p| p.tell(py));
            let output = match place {
                Place::Caller => pool::run_here(py, work, &mut tell)?,
                Place::Pool => pool::run_with_ticks(py, work, &mut tell)?,
            };
            tell(py)?;
            return finish(py, output);
        };
        let notify = pool::notifier(py)?;
        let task = pool::spawn(py, async move {
            let work = AssertUnwindSafe(work).catch_unwind();
            let output = match progress {
                Some(progress) => with_progress(work, progress, &notify).await,
                None => work.await,
            };
            // The worker threads never wait for the GIL.
            let _ = notify.send(Box::new(move |py| {
                let finished = match output {
                    Ok(output) => finish(py, output),
                    Err(_) => Err(pool::ended_without_result()),
                };
                let (result, error) = match finished {
                    Ok(result) => (result, py.None()),
                    Err(error) => (py.None(), error.into_value(py).into_any()),
                };
                if let Err(error) = done.call1(py, (result, error)) {
                    error.write_unraisable(py, Some(done.bind(py)));
                }
            }));
        })?;
        let call = PyCall(InProcess::new(Mutex::new(Some(task))));
        call.into_py_any(py)
    }
}

/// Waits for `work`, and sends the number of transferred bytes every 50 ms and at the end.
async fn with_progress<F: Future>(
    work: F,
    mut progress: Progress,
    notify: &mpsc::Sender<Notification>,
) -> F::Output {
    let mut work = pin!(work);
    loop {
        let output = timeout(pool::TICK, &mut work).await;
        if let Some(notification) = progress.notification() {
            let _ = notify.send(notification);
        }
        if let Ok(output) = output {
            return output;
        }
    }
}
