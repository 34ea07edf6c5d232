//! [`PyWriter`]: an upload whose bytes are written one after the other.

use std::io;
use std::sync::Mutex;

use bytes::{Bytes, BytesMut};
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use s3_client::{Error, WriteResult};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::errors::exception;
use crate::in_process::InProcess;
use crate::pool;

/// How many bytes are collected before they are handed to the upload.
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
        upload.ok_or_else(|| PyValueError::new_err("the upload is closed, or of another process"))
    }

    fn put_back(&self, upload: Upload) {
        *self.0.lock().expect("no holder of this lock panics") = Some(upload);
    }
}

#[pymethods]
impl PyWriter {
    /// Appends bytes.
    fn write(&self, py: Python<'_>, data: PyBuffer<u8>) -> PyResult<usize> {
        let mut upload = self.take()?;
        let length = data.item_count();
        let start = upload.block.len();
        upload.block.resize(start + length, 0);
        data.copy_to_slice(py, &mut upload.block[start..])?;
        if upload.block.len() >= BLOCK {
            let block = upload.block.split().freeze();
            let send = upload.send.clone();
            // If the upload has failed, `finish` tells why.
            let sent = pool::run(py, async move { send.send(Ok(block)).await.is_ok() });
            if !sent? {
                return Err(self.failure(py, upload));
            }
        }
        self.put_back(upload);
        Ok(length)
    }

    /// Completes the upload and returns whether an object was written: not if there was one and it is to be kept.
    fn finish(&self, py: Python<'_>) -> PyResult<bool> {
        let Upload { send, task, block } = self.take()?;
        let result = pool::run(py, async move {
            if !block.is_empty() {
                let _ = send.send(Ok(block.freeze())).await;
            }
            drop(send);
            task.await
        })?;
        match result {
            Ok(Ok(written)) => Ok(!written.already_there()),
            Ok(Err(error)) => Err(exception(py, &error)),
            Err(_) => Err(PyValueError::new_err("the upload was cancelled")),
        }
    }

    /// Cancels the upload: nothing is written.
    fn abort(&self) {
        if let Ok(upload) = self.take() {
            upload.task.abort();
        }
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

impl Drop for PyWriter {
    fn drop(&mut self) {
        self.abort();
    }
}
