//! [`PyReader`]: an object that is read piece by piece.

use std::sync::Mutex;

use bytes::Bytes;
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
        let download = download.ok_or_else(|| {
            PyValueError::new_err(
                "the reader is closed, in use by another thread, or of another process",
            )
        })?;
        let (read, download) = pool::run(py, download.into_inner().read(size))?;
        let frames = read.map_err(|error| exception(py, &error))?;
        *self.0.lock().expect("no holder of this lock panics") = Some(InProcess::new(download));
        let length = frames.iter().map(Bytes::len).sum();
        PyBytes::new_with(py, length, |target| {
            py.detach(move || {
                let mut end = 0;
                for frame in frames {
                    let start = end;
                    end += frame.len();
                    target[start..end].copy_from_slice(&frame);
                }
            });
            Ok(())
        })
    }

    /// Cancels what is in flight.
    fn close(&self) {
        drop(self.0.lock().expect("no holder of this lock panics").take());
    }
}

impl Download {
    /// Returns `size` bytes as the frames that hold them, so that each byte is copied once, to Python.
    async fn read(mut self, size: usize) -> (Result<Vec<Bytes>, Error>, Self) {
        let mut frames = Vec::new();
        let mut missing = size;
        loop {
            let frame = self.rest.split_to(self.rest.len().min(missing));
            missing -= frame.len();
            frames.push(frame);
            if missing == 0 {
                return (Ok(frames), self);
            }
            match self.frames.try_next().await {
                Ok(Some(frame)) => self.rest = frame,
                Ok(None) => return (Ok(frames), self),
                Err(error) => return (Err(error), self),
            }
        }
    }
}
