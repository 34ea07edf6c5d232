//! Credentials that Python code provides, such as a client of boto3.

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as Provided;
use aws_credential_types::provider::{ProvideCredentials, Result};
use pyo3::prelude::*;

/// How long credentials are kept that do not say when they expire: a provider may rotate them.
const KEEP: Duration = Duration::from_secs(300);

/// Calls a Python function that returns access key, secret key and session token.
pub(crate) struct PyCredentials(Py<PyAny>);

impl PyCredentials {
    pub(crate) fn new(function: Py<PyAny>) -> Self {
        Self(function)
    }

    fn call(function: &Py<PyAny>) -> Result {
        Python::attach(|py| {
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
        })
        .map_err(|error: PyErr| CredentialsError::provider_error(error))
    }
}

impl ProvideCredentials for PyCredentials {
    fn provide_credentials<'a>(&'a self) -> Provided<'a>
    where
        Self: 'a,
    {
        let function = Python::attach(|py| self.0.clone_ref(py));
        Provided::new(async move {
            // A thread of its own: the function may wait for the GIL and for a server.
            tokio::task::spawn_blocking(move || Self::call(&function))
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
