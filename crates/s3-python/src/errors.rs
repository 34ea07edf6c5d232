//! Converts errors of `s3_client` and `s3_frame` to Python exceptions.

use std::error::Error as StdError;
use std::io;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use s3_client::{BatchError, Error, Outcome};
use s3_frame::Error as FrameError;

/// Converts an error to one of the exceptions in `mfs3.exceptions`, with `kind`, `attempts` and `outcomes`.
pub(crate) fn exception(py: Python<'_>, error: &Error) -> PyErr {
    build(py, error, true).map_or_else(|failure| failure, PyErr::from_value)
}

/// Converts an error of rows: that of a request with [`exception`], and objects whose rows do not have the expected
/// form to `ValueError`.
pub(crate) fn frame_exception(py: Python<'_>, error: &FrameError) -> PyErr {
    let class = match error {
        FrameError::S3(error) => return exception(py, error),
        FrameError::Pattern { .. } => "MetaflowS3URLException",
        FrameError::NoMatch(_) => "MetaflowS3NotFound",
        FrameError::Unfinished(_) | FrameError::Manifest { .. } => "MetaflowS3Exception",
        _ => return PyValueError::new_err(error.to_string()),
    };
    let made = py
        .import("mfs3.exceptions")
        .and_then(|exceptions| exceptions.getattr(class)?.call1((error.to_string(),)));
    made.map_or_else(|failure| failure, PyErr::from_value)
}

fn build<'py>(py: Python<'py>, error: &Error, with_outcomes: bool) -> PyResult<Bound<'py, PyAny>> {
    let exceptions = py.import("mfs3.exceptions")?;
    let class = exceptions.getattr(error.class().exception())?;
    let exception = class.call1((error.to_string(),))?;
    let request = error.as_request();
    exception.setattr(
        "kind",
        request.map(|request| format!("{:?}", request.kind())),
    )?;
    exception.setattr("attempts", request.map(s3_client::RequestError::attempts))?;
    exception.setattr("status", request.and_then(|request| request.http_status()))?;
    if let Some(cause) = raised_by_stream(error) {
        exception.setattr("__cause__", cause.clone_ref(py).into_value(py))?;
    }
    if let Some(batch) = error.as_batch().filter(|_| with_outcomes) {
        exception.setattr("index", batch.index())?;
        exception.setattr("outcomes", outcomes(py, batch)?)?;
    }
    Ok(exception)
}

/// Returns the exception that an uploaded Python stream raised, if it caused the error.
fn raised_by_stream(error: &Error) -> Option<&PyErr> {
    let mut reason: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(this) = reason {
        let io = this.downcast_ref::<io::Error>();
        let inner = io.and_then(io::Error::get_ref);
        if let Some(raised) = inner.and_then(|inner| inner.downcast_ref()) {
            return Some(raised);
        }
        reason = this.source();
    }
    None
}

/// Returns one dictionary per input: `{"outcome": "failed", "error": ...}`.
fn outcomes<'py>(py: Python<'py>, batch: &BatchError) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for outcome in batch.outcomes() {
        let entry = PyDict::new(py);
        let name = match outcome {
            Outcome::Done | Outcome::Fetched(_) | Outcome::Described(_) => "done",
            Outcome::Missing(_) => "missing",
            Outcome::Written(written) if written.already_there() => "already_there",
            Outcome::Written(_) => "written",
            Outcome::Failed(_) => "failed",
            _ => "not_attempted",
        };
        entry.set_item("outcome", name)?;
        if let Outcome::Written(written) = outcome {
            entry.set_item("url", written.url())?;
        }
        if let Some(error) = outcome.error() {
            entry.set_item("error", build(py, error, false)?)?;
        }
        list.append(entry)?;
    }
    Ok(list)
}
