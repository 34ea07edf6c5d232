//! [`PyCredentials`]: credentials provider that calls a Python function, such as one that asks a boto3 client.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as Provided;
use aws_credential_types::provider::{ProvideCredentials, Result};
use pyo3::prelude::*;

use crate::python_gate::PythonGate;

/// How long credentials without an expiry time are cached: a provider may rotate them.
const KEEP: Duration = Duration::from_secs(300);

/// Calls a Python function that returns access key, secret key and session token.
pub(crate) struct PyCredentials {
    function: Arc<Py<PyAny>>,
    gate: &'static PythonGate,
}

impl PyCredentials {
    pub(crate) fn new(function: Py<PyAny>, gate: &'static PythonGate) -> Self {
        let function = Arc::new(function);
        Self { function, gate }
    }

    fn call(function: &Py<PyAny>, gate: &PythonGate) -> Result {
        let called = gate.enter(|py| {
            let given = function.call0(py)?;
            let (access, secret, token): (String, String, Option<String>) = given.extract(py)?;
            let expiry = SystemTime::now() + KEEP;
            Ok(Credentials::new(
                access,
                secret,
                token,
                Some(expiry),
                "python",
            ))
        });
        let called = called.ok_or_else(|| CredentialsError::provider_error("the interpreter ends"));
        called?.map_err(|error: PyErr| CredentialsError::provider_error(error))
    }
}

impl ProvideCredentials for PyCredentials {
    fn provide_credentials<'a>(&'a self) -> Provided<'a>
    where
        Self: 'a,
    {
        let (function, gate) = (Arc::clone(&self.function), self.gate);
        Provided::new(async move {
            // On a separate thread, because the function may wait for the GIL and for a server.
            tokio::task::spawn_blocking(move || Self::call(&function, gate))
                .await
                .map_err(CredentialsError::unhandled)?
        })
    }
}

impl fmt::Debug for PyCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PyCredentials")
    }
}
