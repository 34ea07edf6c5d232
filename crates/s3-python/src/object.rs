//! [`PyS3Object`]: what a read returns, with the properties of Metaflow's `S3Object`.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyMemoryView, PyString, PyTuple};
use s3_client::{ETag, MetaflowObject, S3Entry, S3Info, S3Object};

use crate::errors::exception;
use crate::in_process::InProcess;

/// The metadata item of Metaflow.
const METADATA: &str = "metaflow-user-attributes";
/// The largest download that is pickled with its bytes; larger ones with the path of their file. 64 MiB.
const PICKLE_BYTES: u64 = 64 << 20;

/// An object, a prefix, or a missing object.
#[pyclass(module = "mfs3", name = "S3Object", frozen)]
pub(crate) struct PyS3Object(Content);

enum Content {
    Found(InProcess<MetaflowObject>),
    Given(Box<Given>),
}

/// An object that was unpickled, or made by a caller.
struct Given {
    prefix: Option<String>,
    url: String,
    path: Option<PathBuf>,
    size: Option<u64>,
    content_type: Option<String>,
    metadata: Option<String>,
    range: Option<(u64, u64, u64)>,
    last_modified: Option<f64>,
    encryption: Option<String>,
    blob: Option<Py<PyBytes>>,
    /// The file that `blob` was written to.
    written: OnceLock<PathBuf>,
}

impl Given {
    /// The prefix that counts, and the key relative to it.
    fn key(&self) -> (Option<&str>, &str) {
        match self.prefix.as_deref() {
            Some(prefix) if prefix != self.url => {
                let start = prefix.trim_end_matches('/').len() + 1;
                let key = self.url.get(start..).unwrap_or_default();
                (Some(prefix), key.trim_end_matches('/'))
            }
            _ => (None, &self.url),
        }
    }

    fn downloaded(&self) -> bool {
        self.path.is_some() || self.blob.is_some()
    }
}

impl<T: Into<MetaflowObject>> From<T> for PyS3Object {
    fn from(object: T) -> Self {
        Self(Content::Found(InProcess::new(object.into())))
    }
}

type RangeTuple = (u64, Option<u64>, Option<i64>);

#[pymethods]
impl PyS3Object {
    /// As in Metaflow; `blob` are the bytes of a download that has no file.
    #[new]
    #[pyo3(signature = (prefix, url, path=None, size=None, content_type=None, metadata=None, range_info=None,
                        last_modified=None, encryption=None, blob=None))]
    #[expect(clippy::too_many_arguments, reason = "the signature of Metaflow")]
    fn new(
        py: Python<'_>,
        prefix: Option<String>,
        url: String,
        path: Option<PathBuf>,
        size: Option<u64>,
        content_type: Option<String>,
        metadata: Option<Bound<'_, PyDict>>,
        range_info: Option<RangeTuple>,
        last_modified: Option<f64>,
        encryption: Option<String>,
        blob: Option<Py<PyBytes>>,
    ) -> PyResult<Self> {
        let size = match (&path, &blob) {
            (_, Some(blob)) => Some(blob.bind(py).as_bytes().len() as u64),
            (Some(path), None) => Some(fs::metadata(path)?.len()),
            (None, None) => size,
        };
        let metadata = match metadata {
            Some(items) => items.get_item(METADATA)?,
            None => None,
        };
        Ok(Self(Content::Given(Box::new(Given {
            prefix,
            url,
            path,
            size,
            content_type,
            metadata: metadata.map(|text| text.extract()).transpose()?,
            range: range_info.map(|(total, offset, length)| {
                let length = length.and_then(|length| u64::try_from(length).ok());
                (total, offset.unwrap_or(0), length.unwrap_or(total))
            }),
            last_modified,
            encryption,
            blob,
            written: OnceLock::new(),
        }))))
    }

    /// Whether the object exists.
    #[getter]
    fn exists(&self) -> bool {
        self.size().is_some()
    }

    /// Whether the object was downloaded.
    #[getter]
    fn downloaded(&self) -> bool {
        match &self.0 {
            Content::Found(object) => object.downloaded(),
            Content::Given(given) => given.downloaded(),
        }
    }

    /// The full URL.
    #[getter]
    fn url(&self) -> &str {
        match &self.0 {
            Content::Found(object) => object.url(),
            Content::Given(given) => &given.url,
        }
    }

    /// What the key is relative to.
    #[getter]
    fn prefix(&self) -> Option<&str> {
        match &self.0 {
            Content::Found(object) => object.prefix(),
            Content::Given(given) => given.key().0,
        }
    }

    /// The key relative to `prefix`, or the URL.
    #[getter]
    fn key(&self) -> &str {
        match &self.0 {
            Content::Found(object) => object.key(),
            Content::Given(given) => given.key().1,
        }
    }

    /// The local file of a download; bytes in memory are written to it when it is first asked for.
    #[getter]
    fn path<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let path = match &self.0 {
            Content::Found(object) => {
                let path = py.detach(|| object.path());
                path.map_err(|error| exception(py, &error))?
            }
            Content::Given(given) => {
                match (given.path.as_ref().or(given.written.get()), &given.blob) {
                    (Some(path), _) => Some(path.clone()),
                    (None, Some(blob)) => {
                        let scratch = py.import("mfs3._scratch")?;
                        let written: PathBuf = scratch.call_method1("write", (blob,))?.extract()?;
                        Some(given.written.get_or_init(|| written).clone())
                    }
                    (None, None) => None,
                }
            }
        };
        let text = path.map(|path| path.into_os_string());
        text.map(|text| Ok(text.into_pyobject(py)?.into_any()))
            .transpose()
    }

    /// The content of a download.
    #[getter]
    fn blob<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        if let Some(path) = self.file(py)? {
            // Read by Python, so that the bytes are in memory once.
            let file = py.import("io")?.call_method1("open", (path, "rb"))?;
            return file.call_method0("read").map(Some);
        }
        match &self.0 {
            Content::Given(given) => {
                let blob = given.blob.as_ref();
                Ok(blob.map(|blob| blob.bind(py).clone().into_any()))
            }
            Content::Found(_) => {
                let bytes = self.bytes(py)?;
                Ok(bytes.map(|bytes| PyBytes::new(py, &bytes).into_any()))
            }
        }
    }

    /// The content of a download as a `memoryview`; bytes in memory are not copied.
    #[getter]
    fn view<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyMemoryView>>> {
        let buffer = match &self.0 {
            Content::Given(given) if given.blob.is_some() => given
                .blob
                .as_ref()
                .map(|blob| blob.bind(py).clone().into_any()),
            _ => match self.bytes(py)? {
                Some(bytes) => Some(
                    pyo3_bytes::PyBytes::new(bytes)
                        .into_pyobject(py)?
                        .into_any(),
                ),
                None => None,
            },
        };
        buffer.map(|buffer| PyMemoryView::from(&buffer)).transpose()
    }

    /// The content of a download as text; invalid UTF-8 is replaced by U+FFFD.
    #[getter]
    fn text<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyString>>> {
        let bytes = self.bytes(py)?;
        Ok(bytes.map(|bytes| PyString::new(py, &String::from_utf8_lossy(&bytes))))
    }

    /// How many bytes were downloaded, or else the size of the object.
    #[getter]
    fn size(&self) -> Option<u64> {
        match &self.0 {
            Content::Found(object) => object.size(),
            Content::Given(given) => given.size,
        }
    }

    /// Whether any of content type, metadata, range and encryption is known.
    #[getter]
    fn has_info(&self) -> bool {
        match &self.0 {
            Content::Found(object) => object.has_info(),
            Content::Given(given) => {
                let text = given.content_type.is_some() || given.encryption.is_some();
                text || given.metadata.is_some() || given.range.is_some()
            }
        }
    }

    /// The user metadata: what `json.loads` makes of the stored text.
    #[getter]
    fn metadata<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(text) = self.metadata_text() else {
            return Ok(None);
        };
        match py.import("json")?.call_method1("loads", (text,)) {
            Ok(value) => Ok(Some(value)),
            // Text of other programs counts as no metadata.
            Err(error) if error.is_instance_of::<pyo3::exceptions::PyValueError>(py) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The MIME type.
    #[getter]
    fn content_type(&self) -> Option<&str> {
        match &self.0 {
            Content::Found(object) => object.content_type(),
            Content::Given(given) => given.content_type.as_deref(),
        }
    }

    /// The server-side encryption.
    #[getter]
    fn encryption(&self) -> Option<&str> {
        match &self.0 {
            Content::Found(object) => object.encryption(),
            Content::Given(given) => given.encryption.as_deref(),
        }
    }

    /// Which bytes of the object were downloaded.
    #[getter]
    fn range_info<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(range) = self.range() else {
            return Ok(None);
        };
        let records = py.import("mfs3.records")?;
        records.getattr("RangeInfo")?.call1(range).map(Some)
    }

    /// When the object was written, in seconds since 1970.
    #[getter]
    fn last_modified(&self) -> Option<f64> {
        let Content::Found(object) = &self.0 else {
            return self.given()?.last_modified;
        };
        let since = object.last_modified()?.duration_since(UNIX_EPOCH);
        since.ok().map(|since| since.as_secs_f64().floor())
    }

    /// The entity tag, if the server sent one. Not in Metaflow.
    #[getter]
    fn etag(&self) -> Option<String> {
        let Content::Found(object) = &self.0 else {
            return None;
        };
        let etag = match &**object {
            MetaflowObject::Downloaded(object) => object.etag(),
            MetaflowObject::Described(info) => info.etag(),
            _ => None,
        };
        etag.map(ETag::to_string)
    }

    fn __str__(&self) -> String {
        let url = self.url();
        match (&self.0, self.size()) {
            (Content::Found(object), _) => object.to_string(),
            (_, Some(size)) if self.downloaded() => {
                format!("<S3Object {url} ({size} bytes, local)>")
            }
            (_, Some(size)) => format!("<S3Object {url} ({size} bytes, in S3)>"),
            (_, None) => format!("<S3Object {url} (object does not exist)>"),
        }
    }

    fn __repr__(&self) -> String {
        self.__str__()
    }

    /// Pickles with the bytes of a download up to 64 MiB, and with the path of a larger one.
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let metadata = match self.metadata_text() {
            Some(text) => {
                let items = PyDict::new(py);
                items.set_item(METADATA, text)?;
                Some(items)
            }
            None => None,
        };
        let small = self.downloaded() && self.size().is_some_and(|size| size <= PICKLE_BYTES);
        // Without its bytes after the client was closed.
        let blob = if small {
            self.blob(py).unwrap_or(None)
        } else {
            None
        };
        let path = match &blob {
            None if self.downloaded() && !small => self.path(py)?,
            _ => None,
        };
        let values = (
            self.prefix(),
            self.url(),
            path,
            self.size(),
            self.content_type(),
            metadata,
            self.range(),
            self.last_modified(),
            self.encryption(),
            blob,
        );
        (py.get_type::<Self>(), values).into_pyobject(py)
    }
}

impl PyS3Object {
    fn given(&self) -> Option<&Given> {
        match &self.0 {
            Content::Found(_) => None,
            Content::Given(given) => Some(given),
        }
    }

    fn metadata_text(&self) -> Option<&str> {
        match &self.0 {
            Content::Found(object) => object.metadata_text(),
            Content::Given(given) => given.metadata.as_deref(),
        }
    }

    fn range(&self) -> Option<(u64, u64, u64)> {
        match &self.0 {
            Content::Found(object) => object
                .range_info()
                .map(|range| (range.total_size, range.request_offset, range.request_length)),
            Content::Given(given) => given.range,
        }
    }

    /// The file that has the content, if it is not in memory.
    fn file(&self, py: Python<'_>) -> PyResult<Option<PathBuf>> {
        let object = match &self.0 {
            Content::Given(given) if given.blob.is_none() => return Ok(given.path.clone()),
            Content::Given(_) => return Ok(None),
            Content::Found(object) => object,
        };
        match &**object {
            MetaflowObject::Downloaded(object) if object.in_memory() < object.size() => {
                let path = py.detach(|| object.path());
                path.map(Some).map_err(|error| exception(py, &error))
            }
            _ => Ok(None),
        }
    }

    fn bytes(&self, py: Python<'_>) -> PyResult<Option<Bytes>> {
        match &self.0 {
            Content::Found(object) => {
                let bytes = py.detach(|| object.blob());
                bytes.map_err(|error| exception(py, &error))
            }
            Content::Given(given) => match (&given.blob, &given.path) {
                (Some(blob), _) => Ok(Some(Bytes::copy_from_slice(blob.bind(py).as_bytes()))),
                (None, Some(path)) => Ok(Some(py.detach(|| fs::read(path))?.into())),
                (None, None) => Ok(None),
            },
        }
    }
}

/// Results as a list of objects.
pub(crate) trait IntoObjects {
    fn into_objects(self) -> Vec<PyS3Object>;
}

impl<T: Into<MetaflowObject>> IntoObjects for Vec<T> {
    fn into_objects(self) -> Vec<PyS3Object> {
        self.into_iter().map(PyS3Object::from).collect()
    }
}

const _: fn() = || {
    fn converts<T: Into<MetaflowObject>>() {}
    converts::<S3Object>();
    converts::<S3Info>();
    converts::<S3Entry>();
};
