//! [`PyClient`]: the calls of a client.

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use s3_client::{
    Error, GetObject, Key, PresignMethod, PutValue, S3, S3GetObject, S3PutObject, WriteResult,
};

use crate::engine::PyEngine;
use crate::errors::exception;
use crate::in_process::InProcess;
use crate::object::{IntoObjects, PyS3Object};
use crate::pool;
use crate::source::{Chunks, put_value};
use crate::writer::PyWriter;

/// Key, offset and length. Without an offset, a negative length counts from the end.
type Range = (Option<String>, Option<i64>, Option<i64>);
/// Key, value, content type, encryption and metadata.
type Put<'py> = (
    Option<String>,
    Bound<'py, PyAny>,
    Option<String>,
    Option<String>,
    Option<String>,
);
/// Key as given, URL, and whether an existing object was kept.
type Written = (String, String, bool);

/// A client: a root, a temporary directory and the engine that it shares with others.
#[pyclass(module = "mfs3._native", name = "Client", frozen)]
pub(crate) struct PyClient(InProcess<Handles>);

struct Handles {
    /// For calls on one object and listings.
    single: S3,
    /// For calls on many objects: its requests may fail on purpose.
    many: S3,
}

#[pymethods]
impl PyClient {
    /// Makes a client. Calls on many objects use the engine `injecting`, if there is one.
    #[new]
    #[pyo3(signature = (engine, *, root=None, tmproot, encryption=None, keep_files=false, injecting=None))]
    fn new(
        py: Python<'_>,
        engine: &PyEngine,
        root: Option<String>,
        tmproot: PathBuf,
        encryption: Option<String>,
        keep_files: bool,
        injecting: Option<PyRef<'_, PyEngine>>,
    ) -> PyResult<Self> {
        let client = |engine: &PyEngine| {
            let (root, encryption) = (root.clone(), encryption.clone());
            let client = engine.client(root, tmproot.clone(), encryption, keep_files);
            client.map_err(|error| exception(py, &error))
        };
        let single = client(engine)?;
        let many = match &injecting {
            Some(injecting) => client(injecting)?,
            None => single.clone(),
        };
        Ok(Self(InProcess::new(Handles { single, many })))
    }

    /// Whether this process made the client: in a forked child it cannot be used.
    fn is_ours(&self) -> bool {
        self.0.is_ours()
    }

    /// The temporary directory, which is made now.
    fn scratch_path(&self) -> PyResult<Option<PathBuf>> {
        Ok(self.handles()?.many.scratch_path())
    }

    #[pyo3(signature = (key, offset=None, length=None, *, return_missing=false, return_info=true))]
    fn get(
        &self,
        py: Python<'_>,
        key: Option<String>,
        offset: Option<i64>,
        length: Option<i64>,
        return_missing: bool,
        return_info: bool,
    ) -> PyResult<PyS3Object> {
        let s3 = &self.handles()?.single;
        let get = s3
            .get(get_object((key, offset, length)))
            .return_info(return_info);
        if return_missing {
            return Ok(call(py, async { get.return_missing().await })?.into());
        }
        Ok(call(py, async { get.await })?.into())
    }

    #[pyo3(signature = (keys, *, return_missing=false, return_info=true))]
    fn get_many(
        &self,
        py: Python<'_>,
        keys: Vec<Range>,
        return_missing: bool,
        return_info: bool,
    ) -> PyResult<Vec<PyS3Object>> {
        let s3 = &self.handles()?.many;
        let get = s3
            .get_many(keys.into_iter().map(get_object))
            .return_info(return_info);
        if return_missing {
            return Ok(call(py, async { get.return_missing().await })?.into_objects());
        }
        Ok(call(py, async { get.await })?.into_objects())
    }

    fn get_recursive(
        &self,
        py: Python<'_>,
        keys: Vec<Option<String>>,
        return_info: bool,
    ) -> PyResult<Vec<PyS3Object>> {
        let get = self.handles()?.many.get_recursive(keys);
        Ok(call(py, async move { get.return_info(return_info).await })?.into_objects())
    }

    fn get_all(&self, py: Python<'_>, return_info: bool) -> PyResult<Vec<PyS3Object>> {
        let get = self.handles()?.many.get_all();
        Ok(call(py, async move { get.return_info(return_info).await })?.into_objects())
    }

    /// Downloads to a file.
    #[pyo3(signature = (key, path, *, return_info=true))]
    fn download_file(
        &self,
        py: Python<'_>,
        key: Option<String>,
        path: PathBuf,
        return_info: bool,
    ) -> PyResult<PyS3Object> {
        let get = self.handles()?.single.get(Key::from(key)).to_file(path);
        Ok(call(py, async move { get.return_info(return_info).await })?.into())
    }

    #[pyo3(signature = (keys=None))]
    fn list_paths(
        &self,
        py: Python<'_>,
        keys: Option<Vec<Option<String>>>,
    ) -> PyResult<Vec<PyS3Object>> {
        let mut list = self.handles()?.single.list_paths();
        if let Some(keys) = keys {
            list = list.at(keys);
        }
        Ok(call(py, async { list.await })?.into_objects())
    }

    #[pyo3(signature = (keys=None))]
    fn list_recursive(
        &self,
        py: Python<'_>,
        keys: Option<Vec<Option<String>>>,
    ) -> PyResult<Vec<PyS3Object>> {
        let mut list = self.handles()?.single.list_recursive();
        if let Some(keys) = keys {
            list = list.at(keys);
        }
        Ok(call(py, async { list.await })?.into_objects())
    }

    #[pyo3(signature = (key, *, return_missing=false))]
    fn info(
        &self,
        py: Python<'_>,
        key: Option<String>,
        return_missing: bool,
    ) -> PyResult<PyS3Object> {
        let info = self.handles()?.single.info(Key::from(key));
        if return_missing {
            return Ok(call(py, async { info.return_missing().await })?.into());
        }
        Ok(call(py, async { info.await })?.into())
    }

    #[pyo3(signature = (keys, *, return_missing=false))]
    fn info_many(
        &self,
        py: Python<'_>,
        keys: Vec<Option<String>>,
        return_missing: bool,
    ) -> PyResult<Vec<PyS3Object>> {
        let info = self.handles()?.many.info_many(keys);
        if return_missing {
            return Ok(call(py, async { info.return_missing().await })?.into_objects());
        }
        Ok(call(py, async { info.await })?.into_objects())
    }

    #[pyo3(signature = (key, value, content_type=None, metadata=None, *, overwrite=true))]
    fn put(
        &self,
        py: Python<'_>,
        key: Option<String>,
        value: Bound<'_, PyAny>,
        content_type: Option<String>,
        metadata: Option<String>,
        overwrite: bool,
    ) -> PyResult<Written> {
        // One object through the call on many would count as many for the injection of failures.
        let object = put_object((key, value, content_type, None, metadata))?;
        let put = self
            .handles()?
            .single
            .put_many([object])
            .overwrite(overwrite);
        let mut results = call_single(py, async { put.await })?;
        Ok(written(&results.remove(0)))
    }

    #[pyo3(signature = (objects, *, overwrite=true))]
    fn put_many(
        &self,
        py: Python<'_>,
        objects: Vec<Put<'_>>,
        overwrite: bool,
    ) -> PyResult<Vec<Written>> {
        let objects = objects.into_iter().map(put_object);
        let objects = objects.collect::<PyResult<Vec<_>>>()?;
        let put = self.handles()?.many.put_many(objects).overwrite(overwrite);
        let results = call(py, async { put.await })?;
        Ok(results.iter().map(written).collect())
    }

    /// Starts an upload that is written to piece by piece.
    #[pyo3(signature = (key, content_type=None, metadata=None, *, overwrite=true))]
    fn open_writer(
        &self,
        py: Python<'_>,
        key: Option<String>,
        content_type: Option<String>,
        metadata: Option<String>,
        overwrite: bool,
    ) -> PyResult<PyWriter> {
        let (send, chunks) = Chunks::channel();
        let mut object = S3PutObject::new(Key::from(key), PutValue::async_reader(chunks));
        object.content_type = content_type;
        object.metadata_text = metadata;
        let put = self
            .handles()?
            .single
            .put_many([object])
            .overwrite(overwrite);
        let task = pool::spawn(py, async { Ok(put.await?.remove(0)) })?;
        Ok(PyWriter::new(send, task))
    }

    fn copy(&self, py: Python<'_>, from: Option<String>, to: Option<String>) -> PyResult<Written> {
        let copy = self.handles()?.single.copy(Key::from(from), Key::from(to));
        Ok(written(&call(py, async { copy.await })?))
    }

    fn delete_many(&self, py: Python<'_>, keys: Vec<Option<String>>) -> PyResult<Vec<Written>> {
        let delete = self.handles()?.single.delete_many(keys);
        let results = call(py, async { delete.await })?;
        Ok(results.iter().map(written).collect())
    }

    /// Returns a URL that anybody may use for some seconds.
    fn presign(
        &self,
        py: Python<'_>,
        key: Option<String>,
        seconds: f64,
        method: &str,
    ) -> PyResult<String> {
        let method = match method {
            "GET" => PresignMethod::Get,
            "PUT" => PresignMethod::Put,
            other => {
                return Err(PyValueError::new_err(format!(
                    "method {other:?}: GET or PUT"
                )));
            }
        };
        let expires = Duration::try_from_secs_f64(seconds)
            .map_err(|error| PyValueError::new_err(format!("{seconds} seconds: {error}")))?;
        let presign = self.handles()?.single.presign(Key::from(key), expires);
        call(py, async move { presign.method(method).await })
    }

    fn create_bucket(&self, py: Python<'_>, name: String) -> PyResult<()> {
        let create = self.handles()?.single.create_bucket(name);
        call(py, async { create.await }).map(drop)
    }

    fn delete_bucket(&self, py: Python<'_>, name: String) -> PyResult<()> {
        let delete = self.handles()?.single.delete_bucket(name);
        call(py, async { delete.await }).map(drop)
    }

    fn list_buckets(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let list = self.handles()?.single.list_buckets();
        let buckets = call(py, async { list.await })?;
        Ok(buckets
            .iter()
            .map(|bucket| bucket.name.to_string())
            .collect())
    }

    /// Removes the temporary directory; in a forked child nothing.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let Ok(Handles { single, many }) = self.handles() else {
            return Ok(());
        };
        let (single, many) = (single.clone(), many.clone());
        call(py, async move {
            let first = single.close().await;
            many.close().await.and(first)
        })
    }
}

impl PyClient {
    fn handles(&self) -> PyResult<&Handles> {
        match self.0.is_ours() {
            true => Ok(&self.0),
            false => Err(PyRuntimeError::new_err(
                "this client was made before a fork: make another one in the child process",
            )),
        }
    }
}

fn call<T, F>(py: Python<'_>, work: F) -> PyResult<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Error>> + Send + 'static,
{
    pool::run(py, work)?.map_err(|error| exception(py, &error))
}

/// As `call`, with the error of the only input.
fn call_single<T, F>(py: Python<'_>, work: F) -> PyResult<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Error>> + Send + 'static,
{
    pool::run(py, work)?.map_err(|error| match error.as_batch() {
        Some(batch) => exception(py, batch.error()),
        None => exception(py, &error),
    })
}

fn get_object((key, offset, length): Range) -> GetObject {
    match (offset, length) {
        (None, Some(last)) if last < 0 => GetObject::last(key, last.unsigned_abs()),
        _ => S3GetObject::new(key, offset, length).into(),
    }
}

fn put_object((key, value, content_type, encryption, metadata): Put<'_>) -> PyResult<S3PutObject> {
    let mut object = S3PutObject::new(Key::from(key), put_value(&value)?);
    object.content_type = content_type;
    object.encryption = encryption;
    object.metadata_text = metadata;
    Ok(object)
}

fn written(result: &WriteResult) -> Written {
    let (key, url) = result.pair();
    (key.to_owned(), url.to_owned(), result.already_there())
}
