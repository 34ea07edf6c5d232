//! [`PyEngine`]: the Python class `mfs3._native.Engine`: connections, limits and memory that clients share.

use std::path::PathBuf;
use std::time::Duration;

use pyo3::prelude::*;
use s3_client::{Concurrency, Config, Error, S3, SdkStore, SharedStore, TransferConfig};
use s3_core::Addressing;

use crate::credentials::PyCredentials;
use crate::errors::exception;
use crate::in_process::InProcess;
use crate::inject::InjectFailures;
use crate::pool;

/// Initial number of concurrent requests, before the engine has measured which concurrency is best.
const CONCURRENCY_START: usize = 16;

/// The engine of several clients: one adaptive limit, one set of connections.
#[pyclass(module = "mfs3._native", name = "Engine", frozen)]
pub(crate) struct PyEngine {
    s3: InProcess<S3>,
    /// Maximum size of an object that a client keeps in memory, if it is not the default.
    max_in_memory: Option<u64>,
}

#[pymethods]
impl PyEngine {
    /// Creates an engine for an endpoint. `credentials` is a function that returns access key, secret key and token;
    /// `ca_bundle` is a file with the only trusted authorities. With `anonymous`, requests are not signed. Without
    /// `attempts`, environment and profile decide.
    #[new]
    #[pyo3(signature = (*, endpoint=None, region=None, profile=None, credentials=None, anonymous=false,
                        requester_pays=false, virtual_host=None, ca_bundle=None, attempts=None, worker_count=None,
                        max_in_memory=None, memory=None))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
    fn new(
        py: Python<'_>,
        endpoint: Option<String>,
        region: Option<String>,
        profile: Option<String>,
        credentials: Option<Py<PyAny>>,
        anonymous: bool,
        requester_pays: bool,
        virtual_host: Option<bool>,
        ca_bundle: Option<PathBuf>,
        attempts: Option<u32>,
        worker_count: Option<usize>,
        max_in_memory: Option<u64>,
        memory: Option<u64>,
    ) -> PyResult<Self> {
        let mut config = Config::default();
        config.endpoint.clone_from(&endpoint);
        config.region.clone_from(&region);
        let mut builder = S3::builder().config(config).tmproot("/");
        let mut store = SdkStore::builder();
        if let Some(profile) = &profile {
            store = store.profile(profile);
        }
        let attempts = attempts.or_else(|| store.configured_max_attempts());
        if credentials.is_some()
            || profile.is_some()
            || anonymous
            || requester_pays
            || virtual_host.is_some()
            || ca_bundle.is_some()
        {
            if let Some(endpoint) = &endpoint {
                store = store.endpoint(endpoint);
            }
            if let Some(region) = &region {
                store = store.region(region);
            }
            if let Some(function) = credentials {
                store = store.credentials_provider(PyCredentials::new(function, pool::gate(py)?));
            }
            if anonymous {
                store = store.anonymous();
            }
            if requester_pays {
                store = store.requester_pays();
            }
            if let Some(path) = ca_bundle {
                store = store.ca_bundle(path);
            }
            if let Some(virtual_host) = virtual_host {
                store = store.addressing(match virtual_host {
                    true => Addressing::VirtualHost,
                    false => Addressing::Path,
                });
            }
            let checked = store.check().map_err(Error::from);
            checked.map_err(|error| exception(py, &error))?;
            builder = builder.store(store.build());
        }
        let transfer = transfer(attempts, worker_count);
        builder = builder.transfer(transfer);
        if let Some(bytes) = memory {
            builder = builder.memory_budget(bytes);
        }
        let s3 = builder.build().map_err(|error| exception(py, &error))?;
        Ok(Self {
            s3: InProcess::new(s3),
            max_in_memory,
        })
    }

    /// Returns an engine over the same connections, whose reads and writes fail at this rate, in percent, as a test.
    #[pyo3(signature = (percent, *, attempts=None, worker_count=None))]
    fn injecting(
        &self,
        py: Python<'_>,
        percent: u32,
        attempts: Option<u32>,
        worker_count: Option<usize>,
    ) -> PyResult<Self> {
        let store = InjectFailures::new(self.store(), percent);
        let mut transfer = transfer(attempts, worker_count);
        // As in Metaflow, injected failures cause no backoff.
        transfer.backoff_base = Duration::from_millis(1);
        let builder = S3::builder().store(store).transfer(transfer).tmproot("/");
        let s3 = builder.build().map_err(|error| exception(py, &error))?;
        Ok(Self {
            s3: InProcess::new(s3),
            max_in_memory: self.max_in_memory,
        })
    }

    /// Returns whether this process created the engine: it cannot be used in a forked child.
    fn is_ours(&self) -> bool {
        self.s3.is_ours()
    }
}

impl PyEngine {
    fn store(&self) -> SharedStore {
        self.s3.transfer().store().clone()
    }

    /// Creates a client on this engine.
    pub(crate) fn client(
        &self,
        root: Option<String>,
        tmproot: PathBuf,
        encryption: Option<String>,
        keep_files: bool,
    ) -> Result<S3, Error> {
        let mut config = Config::default();
        config.keep_temp_files = keep_files;
        config.encryption = encryption;
        let builder = S3::builder().config(config).tmproot(tmproot);
        let mut builder = builder.s3root(root.unwrap_or_default());
        if let Some(bytes) = self.max_in_memory {
            builder = builder.max_in_memory_object(bytes);
        }
        builder.engine_of(&self.s3).build()
    }
}

fn transfer(attempts: Option<u32>, worker_count: Option<usize>) -> TransferConfig {
    let mut transfer = TransferConfig::default();
    if let Some(attempts) = attempts {
        transfer.max_attempts = attempts.max(1);
    }
    if let Some(max) = worker_count {
        let max = max.max(1);
        let start = CONCURRENCY_START.min(max);
        transfer.concurrency = Concurrency::Adaptive { start, max };
    }
    transfer
}
