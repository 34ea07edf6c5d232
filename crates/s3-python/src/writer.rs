//! [`PyWriter`]: the Python class `mfs3._native.Writer`, a streaming upload with `write(data)` and `finish()`.

use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use pyo3::IntoPyObjectExt;
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyFileExistsError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use s3_client::{Error, WriteResult};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::call::{Call, Done};
use crate::in_process::InProcess;
use crate::pool;
use crate::slot::Slot;
use crate::source::END;

/// Number of bytes that are collected before they are sent to the upload, and maximum number that is sent at once.
/// Together with the capacity of [`Chunks`](crate::source::Chunks) this bounds the memory of the upload.
const BLOCK: usize = 1 << 20;

/// An upload in flight. Dropping it cancels the upload.
struct Upload {
    send: mpsc::Sender<io::Result<Bytes>>,
    task: AbortOnDrop,
    block: BytesMut,
}

/// Uploads the bytes written to it; the object exists after `finish`.
#[pyclass(module = "mfs3._native", name = "Writer", frozen)]
pub(crate) struct PyWriter(InProcess<Arc<Slot<Upload>>>);

impl PyWriter {
    pub(crate) fn new(
        send: mpsc::Sender<io::Result<Bytes>>,
        task: JoinHandle<Result<WriteResult, Error>>,
    ) -> Self {
        let upload = Upload {
            send,
            task: AbortOnDrop(Some(task)),
            block: BytesMut::new(),
        };
        Self(InProcess::new(Arc::new(Slot::new(upload))))
    }

    fn take(&self) -> PyResult<Upload> {
        // In a forked child, the lock may be held forever.
        let upload = match self.0.is_ours() {
            true => self.0.take(),
            false => None,
        };
        upload.ok_or_else(|| {
            PyValueError::new_err(
                "the upload is closed, in use by another call, or was opened in another process",
            )
        })
    }
}

#[pymethods]
impl PyWriter {
    /// Appends bytes. Large data is not copied if it is of the type `bytes`, and copied once otherwise.
    ///
    /// Returns the number of bytes taken, immediately if nothing has to wait for the upload.
    #[pyo3(signature = (data, *, done=None))]
    fn write(&self, py: Python<'_>, data: &Bound<'_, PyAny>, done: Done) -> PyResult<Py<PyAny>> {
        let buffer = PyBuffer::<u8>::get(data)?;
        let length = buffer.item_count();
        let mut upload = self.take()?;
        if length < BLOCK {
            let start = upload.block.len();
            upload.block.resize(start + length, 0);
            buffer.copy_to_slice(py, &mut upload.block[start..])?;
            if upload.block.len() < BLOCK {
                self.0.put_back(upload);
                return length.into_py_any(py);
            }
        }
        let collected = upload.block.split().freeze();
        let piece = match data.cast::<PyBytes>() {
            _ if length < BLOCK => Bytes::new(),
            Ok(bytes) => Bytes::from_owner(PyBackedBytes::from(bytes.clone())),
            Err(_) => Bytes::from(buffer.to_vec(py)?),
        };
        let writer = Arc::clone(&self.0);
        let work = async move {
            if !upload.send(collected).await || !upload.send(piece).await {
                return Ok(match upload.end().await? {
                    Some(written) if written.already_there() => Step::AlreadyThere,
                    Some(_) => Step::EndedEarly,
                    None => Step::Cancelled,
                });
            }
            writer.put_back(upload);
            Ok(Step::Taken(length))
        };
        let written = Call::new(done).run(py, work, |step| step);
        if written.is_err() {
            // The upload may have taken some of the bytes: writing them again would duplicate them.
            self.abort();
        }
        written
    }

    /// Completes the upload. Returns `false` if an existing object was kept instead.
    #[pyo3(signature = (*, done=None))]
    fn finish(&self, py: Python<'_>, done: Done) -> PyResult<Py<PyAny>> {
        let mut upload = self.take()?;
        let work = async move {
            let block = upload.block.split().freeze();
            // A failed upload accepts no more bytes, and `end` returns its error.
            if upload.send(block).await {
                let _ = upload.send.send(END).await;
            }
            Ok(match upload.end().await? {
                Some(written) => Step::Completed(!written.already_there()),
                None => Step::Cancelled,
            })
        };
        Call::new(done).run(py, work, |step| step)
    }

    /// Cancels the upload: nothing is written.
    fn abort(&self) {
        if self.0.is_ours() {
            self.0.close();
        }
    }
}

impl Upload {
    /// Sends bytes to the upload; returns whether it accepted them.
    async fn send(&self, mut bytes: Bytes) -> bool {
        while !bytes.is_empty() {
            let block = bytes.split_to(bytes.len().min(BLOCK));
            if self.send.send(Ok(block)).await.is_err() {
                return false;
            }
        }
        true
    }

    /// Waits until the upload ends; `None` if it was cancelled.
    async fn end(mut self) -> Result<Option<WriteResult>, Error> {
        let task = self.task.0.as_mut().expect("it is there until the end");
        let end = task.await;
        self.task.0 = None;
        end.ok().transpose()
    }
}

/// The end of an upload. Dropping it cancels the upload, which would otherwise complete in the background after Ctrl-C.
struct AbortOnDrop(Option<JoinHandle<Result<WriteResult, Error>>>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        if let Some(task) = self.0.take() {
            pool::abort(task);
        }
    }
}

/// The result of a method of the writer.
enum Step {
    Taken(usize),
    Completed(bool),
    AlreadyThere,
    EndedEarly,
    Cancelled,
}

impl<'py> IntoPyObject<'py> for Step {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let message = match self {
            Self::Taken(length) => return length.into_bound_py_any(py),
            Self::Completed(is_new) => return is_new.into_bound_py_any(py),
            Self::AlreadyThere => {
                return Err(PyFileExistsError::new_err("the object exists"));
            }
            Self::EndedEarly => "the upload ended before all was written",
            Self::Cancelled => "the upload was cancelled",
        };
        Err(PyValueError::new_err(message))
    }
}
