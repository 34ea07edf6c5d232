//! [`PyReader`]: an object that is read piece by piece.

use std::sync::Mutex;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::TryStreamExt;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use s3_client::{ByteStream, Error};

use crate::errors::exception;
use crate::in_process::InProcess;
use crate::pool;

/// A download in flight.
struct Download {
    frames: ByteStream,
    /// Of the last frame.
    rest: Bytes,
}

/// Reads an object from its start to its end. What comes next is read ahead.
#[pyclass(module = "mfs3._native", name = "Reader", frozen)]
pub(crate) struct PyReader(Mutex<Option<InProcess<Download>>>);

impl PyReader {
    /// Opens the object: the first bytes are there, or the end.
    pub(crate) fn open(py: Python<'_>, mut frames: ByteStream) -> PyResult<Self> {
        let opened = pool::run(py, async move {
            let rest = frames.try_next().await?.unwrap_or_default();
            Ok::<_, Error>(Download { frames, rest })
        })?;
        let download = opened.map_err(|error| exception(py, &error))?;
        Ok(Self(Mutex::new(Some(InProcess::new(download)))))
    }
}

#[pymethods]
impl PyReader {
    /// Returns the next `size` bytes, fewer at the end only. After an error the reader is closed.
    fn read<'py>(&self, py: Python<'py>, size: usize) -> PyResult<Bound<'py, PyBytes>> {
        // The lock is held with the GIL, and so never in the middle of a fork.
        let download = self.0.lock().expect("no holder of this lock panics").take();
        let download = download.filter(InProcess::is_ours);
        let download = download
            .ok_or_else(|| PyValueError::new_err("the reader is closed, or of another process"))?;
        let (read, download) = pool::run(py, download.into_inner().read(size))?;
        let bytes = read.map_err(|error| exception(py, &error))?;
        *self.0.lock().expect("no holder of this lock panics") = Some(InProcess::new(download));
        Ok(PyBytes::new(py, &bytes))
    }

    /// Cancels what is in flight.
    fn close(&self) {
        drop(self.0.lock().expect("no holder of this lock panics").take());
    }
}

impl Download {
    async fn read(mut self, size: usize) -> (Result<Bytes, Error>, Self) {
        if self.rest.len() >= size {
            return (Ok(self.rest.split_to(size)), self);
        }
        let mut bytes = BytesMut::new();
        loop {
            let taken = self.rest.len().min(size - bytes.len());
            bytes.extend_from_slice(&self.rest[..taken]);
            self.rest.advance(taken);
            if bytes.len() == size {
                return (Ok(bytes.freeze()), self);
            }
            match self.frames.try_next().await {
                Ok(Some(frame)) => self.rest = frame,
                Ok(None) => return (Ok(bytes.freeze()), self),
                Err(error) => return (Err(error), self),
            }
        }
    }
}
