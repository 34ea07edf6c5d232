//! [`PyWriter`]: an upload whose bytes are written one after the other.

use std::io;
use std::sync::Mutex;

use bytes::{Bytes, BytesMut};
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use s3_client::{Error, WriteResult};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};

use crate::errors::exception;
use crate::in_process::InProcess;
use crate::pool;
use crate::source::END;

/// How many bytes are collected before they are handed to the upload, and how many are handed over at once: with the
/// chunks of [`Chunks`](crate::source::Chunks) that bounds what the upload keeps.
const BLOCK: usize = 1 << 20;

/// An upload in flight.
struct Upload {
    send: mpsc::Sender<io::Result<Bytes>>,
    task: JoinHandle<Result<WriteResult, Error>>,
    block: BytesMut,
}

/// Uploads what is written to it; the object appears at `finish`.
#[pyclass(module = "mfs3._native", name = "Writer", frozen)]
pub(crate) struct PyWriter(InProcess<Mutex<Option<Upload>>>);

impl PyWriter {
    pub(crate) fn new(
        send: mpsc::Sender<io::Result<Bytes>>,
        task: JoinHandle<Result<WriteResult, Error>>,
    ) -> Self {
        let upload = Upload {
            send,
            task,
            block: BytesMut::new(),
        };
        Self(InProcess::new(Mutex::new(Some(upload))))
    }

    fn take(&self) -> PyResult<Upload> {
        // The lock of another process may be held for ever.
        let upload = match self.0.is_ours() {
            true => self.0.lock().expect("no holder of this lock panics").take(),
            false => None,
        };
        upload.ok_or_else(|| {
            PyValueError::new_err(
                "the upload is closed, in use by another thread, or of another process",
            )
        })
    }

    fn put_back(&self, upload: Upload) {
        *self.0.lock().expect("no holder of this lock panics") = Some(upload);
    }
}

#[pymethods]
impl PyWriter {
    /// Appends bytes. Large pieces are not copied if they are of the type `bytes`, and once if they are not.
    fn write(&self, py: Python<'_>, data: &Bound<'_, PyAny>) -> PyResult<usize> {
        let buffer = PyBuffer::<u8>::get(data)?;
        let length = buffer.item_count();
        let mut upload = self.take()?;
        if length < BLOCK {
            let start = upload.block.len();
            upload.block.resize(start + length, 0);
            buffer.copy_to_slice(py, &mut upload.block[start..])?;
            if upload.block.len() < BLOCK {
                self.put_back(upload);
                return Ok(length);
            }
        }
        let collected = upload.block.split().freeze();
        let piece = match data.cast::<PyBytes>() {
            _ if length < BLOCK => Bytes::new(),
            Ok(bytes) => Bytes::from_owner(PyBackedBytes::from(bytes.clone())),
            Err(_) => Bytes::from(buffer.to_vec(py)?),
        };
        let send = upload.send.clone();
        let sent = pool::run(py, async move {
            for mut rest in [collected, piece] {
                while !rest.is_empty() {
                    let block = rest.split_to(rest.len().min(BLOCK));
                    // If the upload has failed, `finish` tells why.
                    if send.send(Ok(block)).await.is_err() {
                        return false;
                    }
                }
            }
            true
        });
        if !sent? {
            return Err(self.failure(py, upload));
        }
        self.put_back(upload);
        Ok(length)
    }

    /// Completes the upload and returns whether an object was written: not if there was one and it is to be kept.
    fn finish(&self, py: Python<'_>) -> PyResult<bool> {
        let Upload { send, task, block } = self.take()?;
        // After Ctrl-C, the upload would complete in the background.
        let mut task = AbortOnDrop(Some(task));
        let result = pool::run(py, async move {
            if !block.is_empty() {
                let _ = send.send(Ok(block.freeze())).await;
            }
            let _ = send.send(END).await;
            task.end().await
        });
        match result? {
            Ok(Ok(written)) => Ok(!written.already_there()),
            Ok(Err(error)) => Err(exception(py, &error)),
            Err(_) => Err(PyValueError::new_err("the upload was cancelled")),
        }
    }

    /// Cancels the upload: nothing is written.
    fn abort(&self) {
        if let Ok(upload) = self.take() {
            pool::abort(upload.task);
        }
    }
}

/// An upload whose end is awaited. Dropping it before cancels the upload.
struct AbortOnDrop(Option<JoinHandle<Result<WriteResult, Error>>>);

impl AbortOnDrop {
    async fn end(&mut self) -> Result<Result<WriteResult, Error>, JoinError> {
        let task = self.0.as_mut().expect("it is there until the end");
        let end = task.await;
        self.0 = None;
        end
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        if let Some(task) = self.0.take() {
            pool::abort(task);
        }
    }
}

impl Drop for PyWriter {
    fn drop(&mut self) {
        self.abort();
    }
}

impl PyWriter {
    /// Why an upload ended before all was written.
    fn failure(&self, py: Python<'_>, upload: Upload) -> PyErr {
        self.put_back(upload);
        match self.finish(py) {
            Ok(_) => PyValueError::new_err("the upload ended before all was written"),
            Err(error) => error,
        }
    }
}
