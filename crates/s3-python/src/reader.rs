//! [`PyReader`]: the Python class `mfs3._native.Reader`, a streaming download with `read(size)` and read-ahead.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use s3_client::{ByteStream, Error};

use crate::call::{Call, Done};
use crate::in_process::InProcess;
use crate::slot::Slot;

/// A download in flight.
struct Download {
    frames: ByteStream,
    /// Unread bytes of the last frame.
    rest: Bytes,
}

/// Reads an object from its start to its end, with read-ahead.
#[pyclass(module = "mfs3._native", name = "Reader", frozen)]
pub(crate) struct PyReader(InProcess<Arc<Slot<Download>>>);

impl PyReader {
    /// Opens the object and waits for the first bytes, or for the end of an empty object.
    pub(crate) fn open(py: Python<'_>, mut frames: ByteStream, done: Done) -> PyResult<Py<PyAny>> {
        let opened = async move {
            let rest = frames.try_next().await?.unwrap_or_default();
            Ok(Download { frames, rest })
        };
        Call::new(done).run(py, opened, |download| {
            Self(InProcess::new(Arc::new(Slot::new(download))))
        })
    }
}

#[pymethods]
impl PyReader {
    /// Returns the next `size` bytes, or fewer at the end of the object. After an error the reader is closed.
    #[pyo3(signature = (size, *, done=None))]
    fn read(&self, py: Python<'_>, size: usize, done: Done) -> PyResult<Py<PyAny>> {
        // In a forked child, the lock may be held forever.
        let download = match self.0.is_ours() {
            true => self.0.take(),
            false => None,
        };
        let download = download.ok_or_else(|| {
            PyValueError::new_err(
                "the reader is closed, in use by another call, or was opened in another process",
            )
        })?;
        let reader = Arc::clone(&self.0);
        let work = async move {
            let (frames, download) = download.read(size).await?;
            reader.put_back(download);
            Ok(frames)
        };
        let read = Call::new(done).run(py, work, Frames);
        if read.is_err() {
            // Bytes that were already received may be lost: later reads would skip them.
            self.close();
        }
        read
    }

    /// Cancels the requests in flight.
    fn close(&self) {
        if self.0.is_ours() {
            self.0.close();
        }
    }
}

impl Download {
    /// Returns `size` bytes as the frames that contain them, so that each byte is copied only once, to Python.
    async fn read(mut self, size: usize) -> Result<(Vec<Bytes>, Self), Error> {
        let mut frames = Vec::new();
        let mut missing = size;
        loop {
            let frame = self.rest.split_to(self.rest.len().min(missing));
            missing -= frame.len();
            frames.push(frame);
            if missing == 0 {
                return Ok((frames, self));
            }
            match self.frames.try_next().await? {
                Some(frame) => self.rest = frame,
                None => return Ok((frames, self)),
            }
        }
    }
}

/// Frames that become one Python `bytes` object.
struct Frames(Vec<Bytes>);

impl<'py> IntoPyObject<'py> for Frames {
    type Target = PyBytes;
    type Output = Bound<'py, PyBytes>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let Self(frames) = self;
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
}
