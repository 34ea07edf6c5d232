//! [`PyRecordBatches`]: rows for Python libraries that import Arrow streams, through the PyCapsule interface.
//!
//! pandas, polars, pyarrow, DuckDB and others call `__arrow_c_stream__` and read the batches without a copy.

use std::sync::{Arc, Mutex};

use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::ffi::FFI_ArrowSchema;
use arrow_schema::{ArrowError, SchemaRef};
use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use pyo3::exceptions::{PyKeyboardInterrupt, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use s3_frame::{CsvBatches, Error, ParquetBatches, Result, listing_schema};

use crate::errors::frame_exception;
use crate::in_process::InProcess;
use crate::pool;

/// Delay in seconds before Ctrl-C is repeated, so that the consumer has returned from the read that it interrupted.
const INTERRUPT_AFTER: f64 = 0.02;

type Batches = BoxStream<'static, Result<RecordBatch>>;

/// Record batches, which can be read once.
#[pyclass(module = "mfs3", name = "RecordBatches", frozen)]
pub(crate) struct PyRecordBatches {
    schema: SchemaRef,
    parts: Vec<String>,
    /// The batches; `None` once a consumer reads them. The lock is held with the GIL, and so never during a fork.
    unread: Mutex<Option<InProcess<Batches>>>,
}

#[pymethods]
impl PyRecordBatches {
    /// The URLs of the objects with the rows, in order; empty for a listing.
    #[getter]
    fn parts(&self) -> Vec<String> {
        self.parts.clone()
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        let schema = FFI_ArrowSchema::try_from(&*self.schema);
        let schema = schema.map_err(|error| PyValueError::new_err(error.to_string()))?;
        PyCapsule::new_with_value(py, schema, c"arrow_schema")
    }

    /// Exports the batches as a stream. A requested schema is ignored, as the interface allows.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        drop(requested_schema);
        let unread = self
            .unread
            .lock()
            .expect("no holder of this lock panics")
            .take();
        let batches = unread.ok_or_else(|| {
            PyRuntimeError::new_err("these batches have been read: make the call again")
        })?;
        let reader = Reader {
            schema: Arc::clone(&self.schema),
            state: State::Open(batches),
        };
        let stream = FFI_ArrowArrayStream::new(Box::new(reader));
        PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
    }

    fn __repr__(&self) -> String {
        let names = self
            .schema
            .fields()
            .iter()
            .map(|field| field.name().as_str());
        format!("<RecordBatches {}>", names.collect::<Vec<_>>().join(", "))
    }
}

impl PyRecordBatches {
    /// Returns the batches of a listing. The first is read now, so that a failed listing raises in the call.
    pub(crate) fn of_listing(
        py: Python<'_>,
        batches: impl Stream<Item = Result<RecordBatch>> + Send + 'static,
    ) -> PyResult<Self> {
        let mut batches = batches.boxed();
        let (first, rest) = pool::run(py, async move { (batches.next().await, batches) })?;
        let first = first
            .transpose()
            .map_err(|error| frame_exception(py, &error))?;
        let batches = stream::iter(first.map(Ok)).chain(rest);
        Ok(Self::new(listing_schema(), Vec::new(), batches))
    }

    pub(crate) fn of_csv(batches: CsvBatches) -> Self {
        Self::new(batches.schema(), batches.parts().to_vec(), batches)
    }

    pub(crate) fn of_parquet(batches: ParquetBatches) -> Self {
        Self::new(batches.schema(), batches.parts().to_vec(), batches)
    }

    fn new(
        schema: SchemaRef,
        parts: Vec<String>,
        batches: impl Stream<Item = Result<RecordBatch>> + Send + 'static,
    ) -> Self {
        Self {
            schema,
            parts,
            unread: Mutex::new(Some(InProcess::new(batches.boxed()))),
        }
    }
}

/// A reader of batches for a consumer of the C interface, which may or may not hold the GIL.
struct Reader {
    schema: SchemaRef,
    state: State,
}

enum State {
    Open(InProcess<Batches>),
    Ended,
    /// A read has failed, and so do all later ones: the batches are incomplete.
    Failed,
}

impl Iterator for Reader {
    type Item = std::result::Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batches = match std::mem::replace(&mut self.state, State::Failed) {
            State::Open(batches) => batches,
            State::Ended => {
                self.state = State::Ended;
                return None;
            }
            State::Failed => return Some(Err(failure("an earlier read of these batches failed"))),
        };
        if !batches.is_ours() {
            let text = "these batches were created before a fork; repeat the call in this process";
            return Some(Err(failure(text)));
        }
        // Attached, so that the GIL can be released: a consumer may hold it, and a function for credentials may need
        // it.
        let read = Python::try_attach(|py| read(py, batches.into_inner()));
        match read.unwrap_or_else(|| Err(failure("the interpreter has ended"))) {
            Ok((Some(Ok(batch)), rest)) => {
                self.state = State::Open(InProcess::new(rest));
                Some(Ok(batch))
            }
            Ok((Some(Err(error)), _)) => Some(Err(arrow_error(&error))),
            Ok((None, _)) => {
                self.state = State::Ended;
                None
            }
            Err(error) => Some(Err(error)),
        }
    }
}

impl RecordBatchReader for Reader {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

/// Reads a batch, and returns the stream of the remaining ones.
fn read(
    py: Python<'_>,
    mut batches: Batches,
) -> std::result::Result<(Option<Result<RecordBatch>>, Batches), ArrowError> {
    // Consumers read in a loop in C++: if batches arrive without waiting, no signal would be handled until the end.
    let read = py
        .check_signals()
        .and_then(|()| pool::run(py, async move { (batches.next().await, batches) }));
    read.map_err(|interrupt| {
        // The C interface reports errors as text only.
        if interrupt.is_instance_of::<PyKeyboardInterrupt>(py)
            && let Err(error) = interrupt_later(py)
        {
            error.write_unraisable(py, None);
        }
        failure(&format!("the read was interrupted: {interrupt}"))
    })
}

/// Repeats Ctrl-C after the consumer has returned: during the read, pyarrow prints and drops a `KeyboardInterrupt`.
fn interrupt_later(py: Python<'_>) -> PyResult<()> {
    let interrupt = py.import("_thread")?.getattr("interrupt_main")?;
    let timer = py.import("threading")?.getattr("Timer")?;
    loop {
        let begun = timer
            .call1((INTERRUPT_AFTER, &interrupt))?
            .call_method0("start");
        match begun {
            // On a busy machine, the interrupt may arrive while the timer is being started.
            Err(error) if error.is_instance_of::<PyKeyboardInterrupt>(py) => {}
            begun => return begun.map(drop),
        }
    }
}

/// Returns a failure other than of the data: `EIO`, which pyarrow raises as `OSError`.
fn failure(text: &str) -> ArrowError {
    // In the C interface, a NUL byte ends the text.
    let text = text.replace('\0', "\u{fffd}");
    ArrowError::IoError(text, std::io::ErrorKind::Other.into())
}

/// Converts the error of a batch: a failed request becomes `EIO`, and invalid rows become `EINVAL`.
fn arrow_error(error: &Error) -> ArrowError {
    match error {
        Error::S3(_) => failure(&error.to_string()),
        _ => ArrowError::ParseError(error.to_string().replace('\0', "\u{fffd}")),
    }
}
