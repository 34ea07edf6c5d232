//! [`PyS3Object`]: the Python class `mfs3.S3Object`: the result of a read, with the properties of Metaflow's class.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use pyo3::exceptions::{PyException, PyMemoryError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyMemoryView, PyString, PyTuple};
use s3_client::{Attributes, ETag, MetaflowObject, S3Entry, S3Info, S3Object, VersionId};

use crate::errors::exception;
use crate::in_process::InProcess;

/// Name of the state item for the bytes in a pickle.
const BLOB: &str = "_blob";
/// Name of Metaflow's metadata item.
const METADATA: &str = "metaflow-user-attributes";
/// Maximum size of a download that is pickled with its bytes; larger ones are pickled with the path of their file. 64
/// MiB.
const PICKLE_BYTES: u64 = 64 << 20;

/// An object, a prefix, or a missing object.
#[pyclass(module = "mfs3", name = "S3Object", frozen, subclass, weakref)]
pub(crate) struct PyS3Object(Origin);

enum Origin {
    Result(Found),
    /// An object made by a caller or by unpickling. Empty until `__setstate__`, for pickles of Metaflow's class.
    Given(OnceLock<Box<Given>>),
}

/// An object that a call returned.
struct Found {
    object: InProcess<MetaflowObject>,
    /// The path of the file, if there was one before the client was closed.
    path: OnceLock<PathBuf>,
}

/// The source of the properties of an object.
enum Content<'a> {
    Found(&'a Found),
    Given(&'a Given),
}

/// An object that was unpickled, or created by a caller.
#[derive(Default)]
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
    /// Returns the prefix that applies, and the key relative to it.
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
        let object = object.into();
        let path = OnceLock::new();
        if is_in_file(&object)
            && let Ok(Some(file)) = object.path()
        {
            let _ = path.set(file);
        }
        let object = InProcess::new(object);
        Self(Origin::Result(Found { object, path }))
    }
}

/// Returns whether the bytes of a download are in a file instead of memory.
fn is_in_file(object: &MetaflowObject) -> bool {
    matches!(object, MetaflowObject::Downloaded(object) if object.bytes_in_memory() < object.size())
}

type RangeTuple = (u64, Option<u64>, Option<i64>);

/// Returns a range as it was requested, with the whole size if no length was given.
fn whole_range((total, offset, length): RangeTuple) -> (u64, u64, u64) {
    let length = length.and_then(|length| u64::try_from(length).ok());
    (total, offset.unwrap_or(0), length.unwrap_or(total))
}

#[pymethods]
impl PyS3Object {
    /// As in Metaflow; `blob` are the bytes of a download that has no file. `size` counts where the file is gone. Without a
    /// URL, the state follows.
    #[new]
    #[pyo3(signature = (prefix=None, url=None, path=None, size=None, content_type=None, metadata=None, range_info=None,
                        last_modified=None, encryption=None, blob=None))]
    #[expect(clippy::too_many_arguments, reason = "the signature of Metaflow")]
    fn new(
        py: Python<'_>,
        prefix: Option<String>,
        url: Option<String>,
        path: Option<PathBuf>,
        size: Option<u64>,
        content_type: Option<String>,
        metadata: Option<Bound<'_, PyDict>>,
        range_info: Option<RangeTuple>,
        last_modified: Option<f64>,
        encryption: Option<String>,
        blob: Option<Py<PyBytes>>,
    ) -> PyResult<Self> {
        let Some(url) = url else {
            return Ok(Self(Origin::Given(OnceLock::new())));
        };
        let size = match (&path, &blob) {
            (_, Some(blob)) => Some(blob.bind(py).as_bytes().len() as u64),
            (Some(path), None) => match (fs::metadata(path), size) {
                (Ok(metadata), _) => Some(metadata.len()),
                (Err(_), Some(size)) => Some(size),
                (Err(error), None) => return Err(error.into()),
            },
            (None, None) => size,
        };
        let metadata = match metadata {
            Some(items) => items.get_item(METADATA)?,
            None => None,
        };
        let given = Given {
            prefix,
            url,
            path,
            size,
            content_type,
            metadata: metadata.map(|text| text.extract()).transpose()?,
            range: range_info.map(whole_range),
            last_modified,
            encryption,
            blob,
            written: OnceLock::new(),
        };
        Ok(Self(Origin::Given(Box::new(given).into())))
    }

    /// Sets the state from a pickle of this class or of Metaflow's.
    fn __setstate__(&self, py: Python<'_>, state: &Bound<'_, PyDict>) -> PyResult<()> {
        let metadata = match item(state, "_metadata")? {
            Some(value) => {
                let text = py.import("json")?.call_method1("dumps", (value,))?;
                Some(text.extract()?)
            }
            None => None,
        };
        let url = field(state, "_url")?;
        let range: Option<RangeTuple> = field(state, "_range_info")?;
        let given = Given {
            prefix: field(state, "_prefix")?,
            url: url.ok_or_else(|| PyValueError::new_err("the state has no URL"))?,
            path: field(state, "_path")?,
            size: field(state, "_size")?,
            content_type: field(state, "_content_type")?,
            metadata,
            range: range.map(whole_range),
            last_modified: field(state, "_last_modified")?,
            encryption: field(state, "_encryption")?,
            blob: field(state, BLOB)?,
            written: OnceLock::new(),
        };
        let restored = match &self.0 {
            Origin::Given(given_before) => given_before.set(Box::new(given)).is_ok(),
            Origin::Result(_) => false,
        };
        match restored {
            true => Ok(()),
            false => Err(PyValueError::new_err("the object has its state already")),
        }
    }

    /// Whether the object exists.
    #[getter]
    fn exists(&self) -> bool {
        self.size().is_some()
    }

    /// Whether the object was downloaded.
    #[getter]
    fn downloaded(&self) -> bool {
        match self.content() {
            Content::Found(Found { object, .. }) => object.downloaded(),
            Content::Given(given) => given.downloaded(),
        }
    }

    /// The full URL.
    #[getter]
    fn url(&self) -> &str {
        match self.content() {
            Content::Found(Found { object, .. }) => object.url(),
            Content::Given(given) => &given.url,
        }
    }

    /// The prefix that the key is relative to.
    #[getter]
    fn prefix(&self) -> Option<&str> {
        match self.content() {
            Content::Found(Found { object, .. }) => object.prefix(),
            Content::Given(given) => given.key().0,
        }
    }

    /// The key relative to `prefix`, or the URL.
    #[getter]
    fn key(&self) -> &str {
        match self.content() {
            Content::Found(Found { object, .. }) => object.key(),
            Content::Given(given) => given.key().1,
        }
    }

    /// The local file of a download; bytes in memory are written to it when it is first asked for.
    #[getter]
    fn path<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let path = match self.content() {
            Content::Found(Found { object, path }) => match py.detach(|| object.path()) {
                Ok(found) => found.map(|found| path.get_or_init(|| found).clone()),
                // As in Metaflow, the path stays available as text after the file was removed.
                Err(error) => Some(path.get().ok_or_else(|| exception(py, &error))?.clone()),
            },
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
            // Python reads the file, so that the bytes are in memory only once.
            let file = py.import("io")?.call_method1("open", (path, "rb"))?;
            return file.call_method0("read").map(Some);
        }
        match self.content() {
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
        let buffer = match self.content() {
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
        match self.content() {
            Content::Found(Found { object, .. }) => object.size(),
            Content::Given(given) => given.size,
        }
    }

    /// Whether any of content type, metadata, range and encryption is known.
    #[getter]
    fn has_info(&self) -> bool {
        match self.content() {
            Content::Found(Found { object, .. }) => object.has_info(),
            Content::Given(given) => {
                let text = given.content_type.is_some() || given.encryption.is_some();
                text || given.metadata.is_some() || given.range.is_some()
            }
        }
    }

    /// The user metadata: the stored text, parsed by `json.loads`.
    #[getter]
    fn metadata<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(text) = self.metadata_text() else {
            return Ok(None);
        };
        match py.import("json")?.call_method1("loads", (text,)) {
            Ok(value) => Ok(Some(value)),
            // Metadata of other programs that is not JSON counts as absent.
            Err(error) if error.is_instance_of::<pyo3::exceptions::PyValueError>(py) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The MIME type.
    #[getter]
    fn content_type(&self) -> Option<&str> {
        match self.content() {
            Content::Found(Found { object, .. }) => object.content_type(),
            Content::Given(given) => given.content_type.as_deref(),
        }
    }

    /// The server-side encryption.
    #[getter]
    fn encryption(&self) -> Option<&str> {
        match self.content() {
            Content::Found(Found { object, .. }) => object.encryption(),
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
        let object = match self.content() {
            Content::Found(found) => &found.object,
            Content::Given(given) => return given.last_modified,
        };
        let since = object.last_modified()?.duration_since(UNIX_EPOCH);
        since.ok().map(|since| since.as_secs_f64().floor())
    }

    /// The entity tag, if the server sent one. Not in Metaflow.
    #[getter]
    fn etag(&self) -> Option<String> {
        let etag = match self.object()? {
            MetaflowObject::Downloaded(object) => object.etag(),
            MetaflowObject::Described(info) => info.etag(),
            _ => None,
        };
        etag.map(ETag::to_string)
    }

    /// The version, in a bucket that keeps versions. Not in Metaflow.
    #[getter]
    fn version(&self) -> Option<&str> {
        let version = match self.object()? {
            MetaflowObject::Downloaded(object) => object.version(),
            MetaflowObject::Described(info) => info.version(),
            _ => None,
        };
        version.map(VersionId::as_str)
    }

    /// The storage class, unless it is `STANDARD`. Not in Metaflow.
    #[getter]
    fn storage_class(&self) -> Option<&str> {
        self.stored()?.storage_class.as_deref()
    }

    /// The user metadata of all programs, as it is stored. Not in Metaflow.
    #[getter]
    fn user_metadata(&self) -> Option<BTreeMap<String, String>> {
        Some(self.stored()?.user.clone())
    }

    fn __str__(&self) -> String {
        let url = self.url();
        match (self.content(), self.size()) {
            (Content::Found(found), _) => found.object.to_string(),
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

    /// Pickles with the bytes of a download up to 64 MiB if they are still there, or else with the path of its file: as
    /// Metaflow's class does, which ignores the bytes.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let (py, object) = (slf.py(), slf.get());
        let is_small = object.size().is_some_and(|size| size <= PICKLE_BYTES);
        let blob = match object.downloaded() && is_small {
            true => if_there(py, object.blob(py))?,
            false => None,
        };
        let path = match blob {
            None if object.downloaded() => if_there(py, object.path(py))?,
            _ => None,
        };
        let state = PyDict::new(py);
        state.set_item("_url", object.url())?;
        state.set_item("_key", object.key())?;
        state.set_item("_prefix", object.prefix())?;
        state.set_item("_path", path)?;
        state.set_item("_size", object.size())?;
        state.set_item("_content_type", object.content_type())?;
        state.set_item("_metadata", object.metadata(py)?)?;
        state.set_item("_range_info", object.range_info(py)?)?;
        state.set_item("_last_modified", object.last_modified())?;
        state.set_item("_encryption", object.encryption())?;
        state.set_item(BLOB, blob)?;
        let new = py.import("copyreg")?.getattr("__newobj__")?;
        (new, (slf.get_type(),), state).into_pyobject(py)
    }
}

/// Returns `None` for a failure, as after the client was closed. Ctrl-C and out-of-memory errors are raised.
fn if_there<T>(py: Python<'_>, result: PyResult<Option<T>>) -> PyResult<Option<T>> {
    result.or_else(|error| {
        let is_gone = error.is_instance_of::<PyException>(py);
        match is_gone && !error.is_instance_of::<PyMemoryError>(py) {
            true => Ok(None),
            false => Err(error),
        }
    })
}

/// Returns an item of a state, unless it is missing or `None`.
fn item<'py>(state: &Bound<'py, PyDict>, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    Ok(state.get_item(name)?.filter(|value| !value.is_none()))
}

fn field<'py, T: FromPyObjectOwned<'py>>(
    state: &Bound<'py, PyDict>,
    name: &str,
) -> PyResult<Option<T>> {
    let value = item(state, name)?;
    let value = value.map(|value| value.extract().map_err(Into::into));
    value.transpose()
}

impl PyS3Object {
    fn content(&self) -> Content<'_> {
        match &self.0 {
            Origin::Result(found) => Content::Found(found),
            Origin::Given(given) => Content::Given(given.get_or_init(Box::default)),
        }
    }

    /// Returns the result of the call, if this object comes from one.
    fn object(&self) -> Option<&MetaflowObject> {
        match &self.0 {
            Origin::Result(found) => Some(&found.object),
            Origin::Given(_) => None,
        }
    }

    fn stored(&self) -> Option<&Attributes> {
        match self.object()? {
            MetaflowObject::Downloaded(object) => object.stored_attributes(),
            MetaflowObject::Described(info) => info.stored_attributes(),
            _ => None,
        }
    }

    fn metadata_text(&self) -> Option<&str> {
        match self.content() {
            Content::Found(Found { object, .. }) => object.metadata_text(),
            Content::Given(given) => given.metadata.as_deref(),
        }
    }

    fn range(&self) -> Option<(u64, u64, u64)> {
        match self.content() {
            Content::Found(Found { object, .. }) => object
                .range_info()
                .map(|range| (range.total_size, range.request_offset, range.request_length)),
            Content::Given(given) => given.range,
        }
    }

    /// Returns the path of the file with the content, if it is not in memory.
    fn file(&self, py: Python<'_>) -> PyResult<Option<PathBuf>> {
        let object = match self.content() {
            Content::Given(given) if given.blob.is_none() => return Ok(given.path.clone()),
            Content::Given(_) => return Ok(None),
            Content::Found(Found { object, .. }) if is_in_file(object) => object,
            Content::Found(_) => return Ok(None),
        };
        let path = py.detach(|| object.path());
        path.map_err(|error| exception(py, &error))
    }

    fn bytes(&self, py: Python<'_>) -> PyResult<Option<Bytes>> {
        match self.content() {
            Content::Found(Found { object, .. }) => {
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

/// Converts results to a Python list of objects.
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
