//! Converts Python values to uploads: `str` and `bytes` without a copy, files, and streams, which a thread reads.

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::thread;

use bytes::{Buf, Bytes};
use pyo3::exceptions::PyBlockingIOError;
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::{PyBytes, PyString};
use s3_client::PutValue;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::mpsc;

use crate::pool;
use crate::python_gate::PythonGate;

/// Size of a read from a stream, in bytes.
const CHUNK: usize = 1 << 20;
/// Number of chunks that are read ahead.
const READ_AHEAD: usize = 4;

/// Converts a value to upload: text, bytes, the path of a file as `os.PathLike`, or a stream that has `read`.
pub(crate) fn put_value(value: &Bound<'_, PyAny>) -> PyResult<PutValue> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Ok(Bytes::from_owner(PyBackedBytes::from(bytes.clone())).into());
    }
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(Bytes::from_owner(PyBackedStr::try_from(text.clone())?).into());
    }
    if value.hasattr("__fspath__")? {
        return Ok(PutValue::path(value.extract::<PathBuf>()?));
    }
    let gate = pool::gate(value.py())?;
    let stream = PyStream::new(value.clone().unbind(), gate);
    Ok(PutValue::async_reader(stream))
}

/// The item that marks the end, after the last chunk.
pub(crate) const END: io::Result<Bytes> = Ok(Bytes::new());

/// Chunks of bytes from a thread, followed by [`END`]. Without it the sender was interrupted, which is an error: the
/// received chunks are not the whole object.
#[derive(Debug)]
pub(crate) struct Chunks {
    receive: mpsc::Receiver<io::Result<Bytes>>,
    current: Bytes,
    has_ended: bool,
}

impl Chunks {
    pub(crate) fn channel() -> (mpsc::Sender<io::Result<Bytes>>, Self) {
        let (send, receive) = mpsc::channel(READ_AHEAD);
        let chunks = Self {
            receive,
            current: Bytes::new(),
            has_ended: false,
        };
        (send, chunks)
    }
}

impl AsyncRead for Chunks {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.has_ended {
            return Poll::Ready(Ok(()));
        }
        if self.current.is_empty() {
            let interrupted = || io::Error::other("the writer was dropped before its end");
            self.current = ready!(self.receive.poll_recv(cx)).ok_or_else(interrupted)??;
            self.has_ended = self.current.is_empty();
        }
        let length = self.current.len().min(buffer.remaining());
        buffer.put_slice(&self.current[..length]);
        self.current.advance(length);
        Poll::Ready(Ok(()))
    }
}

/// A Python stream, read by a thread that starts when the first bytes are needed.
///
/// The worker threads never wait for the GIL, because the stream itself may use this module.
struct PyStream {
    stream: Option<Py<PyAny>>,
    gate: &'static PythonGate,
    chunks: Option<Chunks>,
}

impl PyStream {
    fn new(stream: Py<PyAny>, gate: &'static PythonGate) -> Self {
        Self {
            stream: Some(stream),
            gate,
            chunks: None,
        }
    }
}

impl AsyncRead for PyStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(stream) = self.stream.take() {
            let (send, chunks) = Chunks::channel();
            let gate = self.gate;
            thread::Builder::new()
                .name("mfs3-stream".to_owned())
                .spawn(move || read_all(stream, gate, &send))?;
            self.chunks = Some(chunks);
        }
        match &mut self.chunks {
            Some(chunks) => Pin::new(chunks).poll_read(cx, buffer),
            None => Poll::Ready(Err(io::Error::other("the stream was not started"))),
        }
    }
}

/// Sends all chunks and the end. Stops at an error, when the receiver is dropped, or when the interpreter ends.
fn read_all(stream: Py<PyAny>, gate: &PythonGate, send: &mpsc::Sender<io::Result<Bytes>>) {
    while let Some(chunk) = gate.enter(|py| read_chunk(stream.bind(py))) {
        let is_last = chunk.as_ref().map_or(true, Bytes::is_empty);
        if send.blocking_send(chunk).is_err() || is_last {
            break;
        }
    }
    // If the gate is closed, the reference is leaked, because dropping it needs the GIL.
    let mut stream = Some(stream);
    gate.enter(|_| drop(stream.take()));
    std::mem::forget(stream);
}

fn read_chunk(stream: &Bound<'_, PyAny>) -> io::Result<Bytes> {
    let read = || -> PyResult<Bytes> {
        let chunk = stream.call_method1("read", (CHUNK,))?;
        if chunk.is_none() {
            return Err(PyBlockingIOError::new_err(
                "the stream has no bytes now (`read` returned None): give one that waits for them",
            ));
        }
        Ok(Bytes::from_owner(chunk.extract::<PyBackedBytes>()?))
    };
    // `errors` extracts the exception again.
    read().map_err(io::Error::other)
}
