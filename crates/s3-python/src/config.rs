//! `config_from_env`: reads Metaflow's settings from environment and files, for programs without Metaflow loaded.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use s3_client::Config;

use crate::errors::exception;

/// Settings that Python interprets, because a boto3 client may support values that the native client does not.
const AS_TEXT: [&str; 5] = [
    "S3_VERIFY_CERTIFICATE",
    "DATATOOLS_CLIENT_PARAMS",
    "DATATOOLS_SESSION_VARS",
    "DEFAULT_AWS_CLIENT_PROVIDER",
    "AWS_SANDBOX_ENABLED",
];

/// Returns Metaflow's settings from environment and files, by their names.
#[pyfunction]
pub(crate) fn config_from_env(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let texts = Config::texts_from_env().map_err(|error| exception(py, &error))?;
    let is_text = |name: &str| {
        AS_TEXT
            .iter()
            .any(|text| name == format!("METAFLOW_{text}"))
    };
    let config = Config::from_lookup(|name| texts.get(name).filter(|_| !is_text(name)).cloned());
    let config = config.map_err(|error| exception(py, &error))?;
    let settings = PyDict::new(py);
    for name in AS_TEXT {
        let text = texts.get(&format!("METAFLOW_{name}"));
        settings.set_item(name, text.filter(|text| !text.is_empty()))?;
    }
    settings.set_item("S3_ENDPOINT_URL", config.endpoint)?;
    settings.set_item("S3_SERVER_SIDE_ENCRYPTION", config.encryption)?;
    settings.set_item("S3_RETRY_COUNT", config.retry_count)?;
    settings.set_item("S3_TRANSIENT_RETRY_COUNT", config.transient_retry_count)?;
    settings.set_item("S3_WORKER_COUNT", config.worker_count)?;
    settings.set_item("DATATOOLS_S3ROOT", config.datatools_s3root)?;
    settings.set_item("TEMPDIR", config.tempdir.to_string_lossy())?;
    settings.set_item("DEBUG_S3CLIENT", config.keep_temp_files)?;
    Ok(settings)
}
