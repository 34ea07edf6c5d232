//! The native module `mfs3._native` of the Python package `mfs3`.
//!
//! It has the calls of `s3_client::S3` with plain arguments. Signatures, named tuples and Metaflow's naming rules are
//! in the Python layer (`python/mfs3`).
//!
//! * Every call runs on one process-wide worker pool. The calling thread waits without the GIL, and looks for signals
//!   every 50 ms; see [`pool`].
//! * A forked child has none of its parent's threads: it leaks the parent's pool and clients, and creates its own; see
//!   [`in_process`].
//! * Bytes of `bytes` and `str` values are uploaded from where they are; other values are read by a thread of their own.

#![expect(
    clippy::needless_pass_by_value,
    reason = "the arguments of a Python function are extracted by value"
)]

mod attributes;
mod call;
mod client;
mod config;
mod credentials;
mod engine;
mod errors;
mod in_process;
mod inject;
mod listing;
mod object;
mod pool;
mod progress;
mod python_gate;
mod ranges;
mod reader;
mod record_batches;
mod slot;
mod source;
mod writer;

use pyo3::prelude::*;

/// The native module.
#[pymodule]
mod _native {
    #[pymodule_export]
    use crate::call::PyCall;
    #[pymodule_export]
    use crate::client::PyClient;
    #[pymodule_export]
    use crate::config::config_from_env;
    #[pymodule_export]
    use crate::engine::PyEngine;
    #[pymodule_export]
    use crate::object::PyS3Object;
    #[pymodule_export]
    use crate::pool::leave_python;
    #[pymodule_export]
    use crate::reader::PyReader;
    #[pymodule_export]
    use crate::record_batches::PyRecordBatches;
    #[pymodule_export]
    use crate::writer::PyWriter;
}
