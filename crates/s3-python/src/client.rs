//! [`PyClient`]: the Python class `mfs3._native.Client`, with its get, put, list, copy, tag and bucket methods.

use std::collections::HashMap;
use std::iter;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use futures_util::future::join_all;
use futures_util::{StreamExt, TryStreamExt, stream};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use s3_client::{
    Attributes, Conditions, ETag, Error, ErrorKind, GetObject, Key, PresignMethod, PutValue, S3,
    S3GetObject, S3PutObject, SyncPlace, SyncSummary, UploadId, Versioning, WriteResult,
};
use s3_core::{AbortUpload, S3Prefix, S3Url};
use s3_frame::{Frames, Index, ListingBatches};
use s3_transfer::CallOptions;

use crate::attributes::{Named, apply, attributes};
use crate::call::{Call, Done};
use crate::engine::PyEngine;
use crate::errors::{exception, frame_exception};
use crate::in_process::InProcess;
use crate::listing;
use crate::object::{IntoObjects, PyS3Object};
use crate::pool;
use crate::progress::{Progress, observed};
use crate::ranges::{Pieces, get_ranges};
use crate::reader::PyReader;
use crate::record_batches::PyRecordBatches;
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

/// Maximum number of copies or aborts of one call that are queued at the engine, which limits those in flight.
const AT_ONCE: usize = 64;

/// A client: a root, a temporary directory and the engine that it shares with others.
#[pyclass(module = "mfs3._native", name = "Client", frozen)]
pub(crate) struct PyClient(InProcess<Handles>);

struct Handles {
    /// For calls on one object and listings.
    single: S3,
    /// For calls on many objects, if failures are injected into their requests.
    injecting: Option<S3>,
}

impl Handles {
    /// Returns the client for calls on many objects.
    fn many(&self) -> &S3 {
        self.injecting.as_ref().unwrap_or(&self.single)
    }

    fn all(&self) -> impl Iterator<Item = &S3> {
        iter::once(&self.single).chain(&self.injecting)
    }
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
        Ok(Self(InProcess::new(Handles {
            single: client(engine)?,
            injecting: injecting.as_deref().map(client).transpose()?,
        })))
    }

    /// Whether this process made the client: in a forked child it cannot be used.
    fn is_ours(&self) -> bool {
        self.0.is_ours()
    }

    /// Whether there are files in a temporary directory.
    fn has_scratch(&self) -> bool {
        let handles = self.handles().ok();
        handles.is_some_and(|handles| handles.all().any(S3::has_scratch))
    }

    /// Returns the temporary directory; creates it if needed. `None` if that fails or the client is closed.
    fn scratch_path(&self) -> PyResult<Option<PathBuf>> {
        Ok(self.handles()?.many().scratch_path())
    }

    #[pyo3(signature = (key, offset=None, length=None, *, etag=None, return_missing=false, return_info=true, progress=None,
                        done=None))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
    fn get(
        &self,
        py: Python<'_>,
        key: Option<String>,
        offset: Option<i64>,
        length: Option<i64>,
        etag: Option<&str>,
        return_missing: bool,
        return_info: bool,
        progress: Option<Py<PyAny>>,
        done: Done,
    ) -> PyResult<Py<PyAny>> {
        let s3 = &self.handles()?.single;
        let progress = Progress::new(progress);
        let get = s3
            .get(get_object((key, offset, length)))
            .conditions(conditions(etag))
            .return_info(return_info);
        let get = observed(get, progress.as_ref());
        if return_missing {
            let work = async { get.return_missing().await };
            return Call::new(done)
                .progress(progress)
                .here()
                .run(py, work, PyS3Object::from);
        }
        Call::new(done)
            .progress(progress)
            .here()
            .run(py, async { get.await }, PyS3Object::from)
    }

    #[pyo3(signature = (keys, *, return_missing=false, return_info=true, progress=None, done=None))]
    fn get_many(
        &self,
        py: Python<'_>,
        keys: Vec<Range>,
        return_missing: bool,
        return_info: bool,
        progress: Option<Py<PyAny>>,
        done: Done,
    ) -> PyResult<Py<PyAny>> {
        let s3 = self.handles()?.many();
        let progress = Progress::new(progress);
        let get = s3
            .get_many(keys.into_iter().map(get_object))
            .return_info(return_info);
        let get = observed(get, progress.as_ref());
        if return_missing {
            let work = async { get.return_missing().await };
            return Call::new(done)
                .progress(progress)
                .run(py, work, IntoObjects::into_objects);
        }
        let work = async { get.await };
        Call::new(done)
            .progress(progress)
            .run(py, work, IntoObjects::into_objects)
    }

    /// Reads ranges (start and end) of objects; returns a list of bytes for each URL. Ranges of one object that are at
    /// most `gap` bytes apart are merged. All ranges of one object are of one version.
    #[pyo3(signature = (objects, gap, *, done=None))]
    fn get_ranges(
        &self,
        py: Python<'_>,
        objects: Vec<(String, Vec<(u64, u64)>)>,
        gap: u64,
        done: Done,
    ) -> PyResult<Py<PyAny>> {
        let transfer = self.handles()?.many().transfer().clone();
        Call::new(done).run(py, get_ranges(transfer, objects, gap), Pieces)
    }

    #[pyo3(signature = (keys, return_info, *, progress=None, done=None))]
    fn get_recursive(
        &self,
        py: Python<'_>,
        keys: Vec<Option<String>>,
        return_info: bool,
        progress: Option<Py<PyAny>>,
        done: Done,
    ) -> PyResult<Py<PyAny>> {
        let progress = Progress::new(progress);
        let get = self.handles()?.many().get_recursive(keys);
        let get = observed(get.return_info(return_info), progress.as_ref());
        let work = async { get.await };
        Call::new(done)
            .progress(progress)
            .run(py, work, IntoObjects::into_objects)
    }

    #[pyo3(signature = (return_info, *, progress=None, done=None))]
    fn get_all(
        &self,
        py: Python<'_>,
        return_info: bool,
        progress: Option<Py<PyAny>>,
        done: Done,
    ) -> PyResult<Py<PyAny>> {
        let progress = Progress::new(progress);
        let get = self.handles()?.many().get_all().return_info(return_info);
        let get = observed(get, progress.as_ref());
        let work = async { get.await };
        Call::new(done)
            .progress(progress)
            .run(py, work, IntoObjects::into_objects)
    }

    /// Downloads to a file.
    #[pyo3(signature = (key, path, *, return_info=true, progress=None, done=None))]
    fn download_file(
        &self,
        py: Python<'_>,
        key: Option<String>,
        path: PathBuf,
        return_info: bool,
        progress: Option<Py<PyAny>>,
        done: Done,
    ) -> PyResult<Py<PyAny>> {
        let progress = Progress::new(progress);
        let get = self.handles()?.single.get(Key::from(key)).to_file(path);
        let get = observed(get.return_info(return_info), progress.as_ref());
        let work = async { get.await };
        Call::new(done)
            .progress(progress)
            .run(py, work, PyS3Object::from)
    }

    /// Downloads many objects, each to its own file; those that are missing leave no file.
    #[pyo3(signature = (files, *, progress=None))]
    fn download_files(
        &self,
        py: Python<'_>,
        files: Vec<(String, PathBuf)>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let progress = Progress::new(progress);
        let files = files.into_iter().map(|(key, path)| (Key::from(key), path));
        let get = self.handles()?.many().get_files(files).return_info(false);
        let get = observed(get, progress.as_ref());
        let work = async { get.return_missing().await };
        Call::new(None)
            .progress(progress)
            .run(py, work, IntoObjects::into_objects)
    }

    /// Opens an object for streaming. With `etag`, only the version that has this ETag.
    #[pyo3(signature = (key, offset=None, length=None, *, etag=None, done=None))]
    fn open_reader(
        &self,
        py: Python<'_>,
        key: Option<String>,
        offset: Option<i64>,
        length: Option<i64>,
        etag: Option<&str>,
        done: Done,
    ) -> PyResult<Py<PyAny>> {
        let get = self
            .handles()?
            .single
            .get(get_object((key, offset, length)))
            .conditions(conditions(etag));
        PyReader::open(py, get.stream(), done)
    }

    /// Synchronises `target` with `source`. A path that begins with `s3://` is in S3, others are local. Returns the
    /// numbers of transferred, deleted and unchanged files or objects.
    #[pyo3(signature = (source, target, *, delete=false, dry_run=false, progress=None, done=None))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
    fn sync(
        &self,
        py: Python<'_>,
        source: PathBuf,
        target: PathBuf,
        delete: bool,
        dry_run: bool,
        progress: Option<Py<PyAny>>,
        done: Done,
    ) -> PyResult<Py<PyAny>> {
        let progress = Progress::new(progress);
        let (source, target) = (sync_place(py, source)?, sync_place(py, target)?);
        let mut sync = observed(
            self.handles()?.single.sync(source, target),
            progress.as_ref(),
        );
        if delete {
            sync = sync.delete();
        }
        if dry_run {
            sync = sync.dry_run();
        }
        Call::new(done)
            .progress(progress)
            .run(py, async { sync.await }, |done: SyncSummary| {
                (done.transferred, done.deleted, done.unchanged)
            })
    }

    #[pyo3(signature = (keys=None, *, done=None))]
    fn list_paths(
        &self,
        py: Python<'_>,
        keys: Option<Vec<Option<String>>>,
        done: Done,
    ) -> PyResult<Py<PyAny>> {
        let mut list = self.handles()?.single.list_paths();
        if let Some(keys) = keys {
            list = list.at(keys);
        }
        Call::new(done).run(py, async { list.await }, IntoObjects::into_objects)
    }

    #[pyo3(signature = (keys=None, *, done=None))]
    fn list_recursive(
        &self,
        py: Python<'_>,
        keys: Option<Vec<Option<String>>>,
        done: Done,
    ) -> PyResult<Py<PyAny>> {
        let mut list = self.handles()?.single.list_recursive();
        if let Some(keys) = keys {
            list = list.at(keys);
        }
        Call::new(done).run(py, async { list.await }, IntoObjects::into_objects)
    }

    /// Lists the keys that begin with a URL: objects as path (bucket and key), size, seconds of the last change, ETag
    /// and storage class, and with `one_level` the paths of directories, which end in a slash. Ends after the page that
    /// has the entry number `limit`.
    #[pyo3(signature = (prefix, *, one_level=false, limit=None, done=None))]
    fn list_prefix(
        &self,
        py: Python<'_>,
        prefix: String,
        one_level: bool,
        limit: Option<u32>,
        done: Done,
    ) -> PyResult<Py<PyAny>> {
        let transfer = self.handles()?.single.transfer().clone();
        let work = listing::list_prefix(transfer, prefix, one_level, limit);
        Call::new(done).run(py, work, |listed| listed)
    }

    /// Lists one level below each of the URLs, in parallel.
    fn list_levels(&self, py: Python<'_>, prefixes: Vec<String>) -> PyResult<Py<PyAny>> {
        let transfer = self.handles()?.single.transfer().clone();
        let work = listing::list_levels(transfer, prefixes);
        Call::new(None).run(py, work, |listed| listed)
    }

    /// Lists objects below the root, or below each of the keys, as record batches.
    #[pyo3(signature = (keys=None, *, batch_rows))]
    fn list_arrow(
        &self,
        py: Python<'_>,
        keys: Option<Vec<Option<String>>>,
        batch_rows: usize,
    ) -> PyResult<PyRecordBatches> {
        let mut list = self.handles()?.single.list_recursive();
        if let Some(keys) = keys {
            list = list.at(keys);
        }
        PyRecordBatches::of_listing(py, list.stream().record_batches(batch_rows))
    }

    /// Opens the CSV objects that match the patterns.
    #[pyo3(signature = (patterns, *, delimiter, header, drop_index, pandas_nulls, infer_rows, include_path, batch_rows))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
    fn read_csv(
        &self,
        py: Python<'_>,
        patterns: Vec<String>,
        delimiter: char,
        header: bool,
        drop_index: bool,
        pandas_nulls: bool,
        infer_rows: usize,
        include_path: Option<String>,
        batch_rows: usize,
    ) -> PyResult<PyRecordBatches> {
        let delimiter = u8::try_from(delimiter).ok().filter(u8::is_ascii);
        let delimiter = delimiter
            .ok_or_else(|| PyValueError::new_err("delimiter must be one ASCII character"))?;
        let mut read = Frames::new(&self.handles()?.single)
            .read_csv(patterns)
            .delimiter(delimiter)
            .header(header)
            .index(if drop_index { Index::Drop } else { Index::Keep })
            .pandas_nulls(pandas_nulls)
            .infer_rows(infer_rows)
            .batch_rows(batch_rows);
        if let Some(name) = include_path {
            read = read.include_path(name);
        }
        let opened = pool::run(py, async { read.open().await })?;
        let batches = opened.map_err(|error| frame_exception(py, &error))?;
        Ok(PyRecordBatches::of_csv(batches))
    }

    /// Opens the Parquet objects that match the patterns.
    #[pyo3(signature = (patterns, *, batch_rows))]
    fn read_parquet(
        &self,
        py: Python<'_>,
        patterns: Vec<String>,
        batch_rows: usize,
    ) -> PyResult<PyRecordBatches> {
        let frames = Frames::new(&self.handles()?.single);
        let read = frames.read_parquet(patterns).batch_rows(batch_rows);
        let opened = pool::run(py, async { read.open().await })?;
        let batches = opened.map_err(|error| frame_exception(py, &error))?;
        Ok(PyRecordBatches::of_parquet(batches))
    }

    #[pyo3(signature = (key, *, return_missing=false, done=None))]
    fn info(
        &self,
        py: Python<'_>,
        key: Option<String>,
        return_missing: bool,
        done: Done,
    ) -> PyResult<Py<PyAny>> {
        let info = self.handles()?.single.info(Key::from(key));
        if return_missing {
            let work = async { info.return_missing().await };
            return Call::new(done).here().run(py, work, PyS3Object::from);
        }
        Call::new(done)
            .here()
            .run(py, async { info.await }, PyS3Object::from)
    }

    #[pyo3(signature = (keys, *, return_missing=false, done=None))]
    fn info_many(
        &self,
        py: Python<'_>,
        keys: Vec<Option<String>>,
        return_missing: bool,
        done: Done,
    ) -> PyResult<Py<PyAny>> {
        let info = self.handles()?.many().info_many(keys);
        if return_missing {
            let work = async { info.return_missing().await };
            return Call::new(done).run(py, work, IntoObjects::into_objects);
        }
        Call::new(done).run(py, async { info.await }, IntoObjects::into_objects)
    }

    /// Uploads an object. `attributes` are headers by their names in the S3 API, `user` is user metadata.
    #[pyo3(signature = (key, value, content_type=None, metadata=None, *, overwrite=true, attributes=None, user=None,
                        progress=None, done=None))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
    fn put(
        &self,
        py: Python<'_>,
        key: Option<String>,
        value: Bound<'_, PyAny>,
        content_type: Option<String>,
        metadata: Option<String>,
        overwrite: bool,
        attributes: Option<Named>,
        user: Option<Named>,
        progress: Option<Py<PyAny>>,
        done: Done,
    ) -> PyResult<Py<PyAny>> {
        let progress = Progress::new(progress);
        let others = self::attributes(attributes.as_ref(), user)?;
        // With the client `single`: failures are injected into calls on many objects only.
        let object = put_object((key, value, content_type, None, metadata), others)?;
        let put = self
            .handles()?
            .single
            .put_many([object])
            .overwrite(overwrite);
        let put = observed(put, progress.as_ref());
        Call::new(done)
            .progress(progress)
            .of_one_input()
            .run(py, async { put.await }, |results| written(&results[0]))
    }

    /// Uploads many objects. `attributes` and `user` apply to each of them.
    #[pyo3(signature = (objects, *, overwrite=true, attributes=None, user=None, progress=None, done=None))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
    fn put_many(
        &self,
        py: Python<'_>,
        objects: Vec<Put<'_>>,
        overwrite: bool,
        attributes: Option<Named>,
        user: Option<Named>,
        progress: Option<Py<PyAny>>,
        done: Done,
    ) -> PyResult<Py<PyAny>> {
        let progress = Progress::new(progress);
        let others = self::attributes(attributes.as_ref(), user)?;
        let objects = objects.into_iter();
        let objects = objects.map(|object| put_object(object, others.clone()));
        let objects = objects.collect::<PyResult<Vec<_>>>()?;
        let put = self
            .handles()?
            .many()
            .put_many(objects)
            .overwrite(overwrite);
        let put = observed(put, progress.as_ref());
        Call::new(done)
            .progress(progress)
            .run(py, async { put.await }, all_written)
    }

    /// Opens an object for streaming writes.
    #[pyo3(signature = (key, content_type=None, metadata=None, *, overwrite=true, attributes=None, user=None))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
    fn open_writer(
        &self,
        py: Python<'_>,
        key: Option<String>,
        content_type: Option<String>,
        metadata: Option<String>,
        overwrite: bool,
        attributes: Option<Named>,
        user: Option<Named>,
    ) -> PyResult<PyWriter> {
        let (send, chunks) = Chunks::channel();
        let mut object = S3PutObject::new(Key::from(key), PutValue::async_reader(chunks));
        object.content_type = content_type;
        object.metadata_text = metadata;
        object.attributes = self::attributes(attributes.as_ref(), user)?;
        let put = self
            .handles()?
            .single
            .put_many([object])
            .overwrite(overwrite);
        let task = pool::spawn(py, async { Ok(put.await?.remove(0)) })?;
        Ok(PyWriter::new(send, task))
    }

    #[pyo3(signature = (source, target, *, done=None))]
    fn copy(
        &self,
        py: Python<'_>,
        source: Option<String>,
        target: Option<String>,
        done: Done,
    ) -> PyResult<Py<PyAny>> {
        let single = &self.handles()?.single;
        let copy = single.copy(Key::from(source), Key::from(target));
        Call::new(done).run(py, async { copy.await }, |result| written(&result))
    }

    /// Copies objects within S3: pairs of source and target. Returns whether each source existed.
    fn copy_many(&self, py: Python<'_>, pairs: Vec<(String, String)>) -> PyResult<Py<PyAny>> {
        let s3 = self.handles()?.single.clone();
        let copies = pairs.into_iter().map(move |(source, target)| {
            let copy = s3.copy(source, target);
            async { found(copy.await) }
        });
        let work = async { stream::iter(copies).buffered(AT_ONCE).try_collect().await };
        Call::new(None).run(py, work, |copied: Vec<bool>| copied)
    }

    /// Changes user metadata and headers of an object by copying it onto itself. `None` removes a metadata entry.
    #[pyo3(signature = (key, user, *, attributes=None))]
    fn set_metadata(
        &self,
        py: Python<'_>,
        key: String,
        user: HashMap<String, Option<String>>,
        attributes: Option<Named>,
    ) -> PyResult<Py<PyAny>> {
        let s3 = self.handles()?.single.clone();
        let named = attributes.unwrap_or_default();
        apply(&mut Attributes::default(), &named)?;
        let work = async move {
            let info = s3.info(key.as_str()).await?;
            let mut stored = info.stored_attributes().cloned().unwrap_or_default();
            // Cannot fail: the names were checked above.
            let _ = apply(&mut stored, &named);
            for (name, value) in user {
                let name = name.to_ascii_lowercase();
                match value {
                    Some(value) => stored.user.insert(name, value),
                    None => stored.user.remove(&name),
                };
            }
            let mut copy = s3.copy(key.as_str(), key.as_str()).attributes(stored);
            if let Some(etag) = info.etag() {
                copy = copy.conditions(Conditions::default().with_if_match(etag.clone()));
            }
            copy.await.map(drop)
        };
        Call::new(None).run(py, work, |()| None::<()>)
    }

    fn tags(&self, py: Python<'_>, key: String) -> PyResult<Py<PyAny>> {
        let tags = self.handles()?.single.tags(key);
        Call::new(None).run(py, async { tags.await }, |tags| tags)
    }

    fn set_tags(&self, py: Python<'_>, key: String, tags: Named) -> PyResult<Py<PyAny>> {
        let set = self.handles()?.single.set_tags(key, tags);
        Call::new(None).run(py, async { set.await }, |()| None::<()>)
    }

    /// Returns whether versioning is enabled for a bucket.
    fn is_versioned(&self, py: Python<'_>, bucket: String) -> PyResult<Py<PyAny>> {
        let versioning = self.handles()?.single.versioning(bucket);
        Call::new(None).run(py, async { versioning.await }, |versioning| {
            versioning == Some(Versioning::Enabled)
        })
    }

    fn set_versioned(&self, py: Python<'_>, bucket: String, yes: bool) -> PyResult<Py<PyAny>> {
        let versioning = match yes {
            true => Versioning::Enabled,
            false => Versioning::Suspended,
        };
        let set = self.handles()?.single.set_versioning(bucket, versioning);
        Call::new(None).run(py, async { set.await }, |()| None::<()>)
    }

    /// Lists multipart uploads in progress whose URL begins with `prefix`: path (bucket and key), ID, start in seconds.
    fn list_uploads(&self, py: Python<'_>, prefix: String) -> PyResult<Py<PyAny>> {
        let transfer = self.handles()?.single.transfer().clone();
        let work = async move {
            let prefix = S3Prefix::parse(&prefix)?;
            let options = CallOptions::default();
            Ok(transfer.list_uploads(prefix, &options).await?)
        };
        Call::new(None).run(py, work, |uploads| {
            let uploads = uploads.into_iter().map(|upload| {
                let since = upload
                    .initiated
                    .and_then(|at| at.duration_since(UNIX_EPOCH).ok());
                let path = listing::path(upload.url.as_str());
                let seconds = since.map(|since| since.as_secs_f64());
                (path, upload.upload.as_str().to_owned(), seconds)
            });
            uploads.collect::<Vec<_>>()
        })
    }

    /// Aborts multipart uploads: pairs of URL and ID. An upload that does not exist is not an error.
    fn abort_uploads(&self, py: Python<'_>, uploads: Vec<(String, String)>) -> PyResult<Py<PyAny>> {
        let transfer = self.handles()?.single.transfer().clone();
        let aborts = uploads.into_iter().map(move |(url, upload)| {
            let transfer = transfer.clone();
            async move {
                let abort = AbortUpload::new(S3Url::parse(&url)?, UploadId::new(&upload));
                transfer
                    .abort_upload(abort, &CallOptions::default())
                    .await?;
                Ok::<_, Error>(())
            }
        });
        let aborts = stream::iter(aborts).buffered(AT_ONCE);
        let work = async { aborts.try_collect::<Vec<()>>().await };
        Call::new(None).run(py, work, |_| None::<()>)
    }

    #[pyo3(signature = (keys, *, done=None))]
    fn delete_many(
        &self,
        py: Python<'_>,
        keys: Vec<Option<String>>,
        done: Done,
    ) -> PyResult<Py<PyAny>> {
        let delete = self.handles()?.single.delete_many(keys);
        Call::new(done).run(py, async { delete.await }, all_written)
    }

    /// Returns a presigned URL that is valid for `seconds`.
    #[pyo3(signature = (key, seconds, method, *, done=None))]
    fn presign(
        &self,
        py: Python<'_>,
        key: Option<String>,
        seconds: f64,
        method: &str,
        done: Done,
    ) -> PyResult<Py<PyAny>> {
        let method = match method {
            "GET" => PresignMethod::Get,
            "PUT" => PresignMethod::Put,
            other => {
                return Err(PyValueError::new_err(format!(
                    "method {other:?} is not GET or PUT"
                )));
            }
        };
        let expires = Duration::try_from_secs_f64(seconds)
            .map_err(|error| PyValueError::new_err(format!("{seconds} seconds: {error}")))?;
        let presign = self.handles()?.single.presign(Key::from(key), expires);
        let work = async move { presign.method(method).await };
        Call::new(done).run(py, work, |url| url)
    }

    fn create_bucket(&self, py: Python<'_>, name: String) -> PyResult<Py<PyAny>> {
        let create = self.handles()?.single.create_bucket(name);
        Call::new(None).run(py, async { create.await }, |()| None::<()>)
    }

    fn delete_bucket(&self, py: Python<'_>, name: String) -> PyResult<Py<PyAny>> {
        let delete = self.handles()?.single.delete_bucket(name);
        Call::new(None).run(py, async { delete.await }, |()| None::<()>)
    }

    fn list_buckets(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let list = self.handles()?.single.list_buckets();
        Call::new(None).run(py, async { list.await }, |buckets| {
            let names = buckets.iter().map(|bucket| bucket.name.to_string());
            names.collect::<Vec<_>>()
        })
    }

    /// Removes the temporary directory. Does nothing in a forked child.
    #[pyo3(signature = (*, done=None))]
    fn close(&self, py: Python<'_>, done: Done) -> PyResult<Py<PyAny>> {
        let handles = self.handles().ok();
        let clients: Vec<S3> = handles
            .into_iter()
            .flat_map(Handles::all)
            .cloned()
            .collect();
        let work = async move {
            pool::aborted().await;
            let closed = clients.iter().map(S3::close);
            join_all(closed)
                .await
                .into_iter()
                .collect::<Result<(), Error>>()
        };
        if !self.0.is_ours() && done.is_none() {
            // There is nothing to do, so no worker threads are started in this process.
            return Ok(py.None());
        }
        Call::new(done).run(py, work, |()| None::<()>)
    }
}

impl PyClient {
    fn handles(&self) -> PyResult<&Handles> {
        match self.0.is_ours() {
            true => Ok(&self.0),
            false => Err(PyRuntimeError::new_err(format!(
                "this client was made in process {}, and this is process {}: make another one after a fork",
                self.0.maker(),
                std::process::id(),
            ))),
        }
    }
}

/// Returns a directory in S3 for a path that begins with `s3://`, otherwise a local one.
fn sync_place(py: Python<'_>, place: PathBuf) -> PyResult<SyncPlace> {
    match place.to_str().filter(|text| text.starts_with("s3://")) {
        None => Ok(place.into()),
        Some(url) => match S3Prefix::parse(url) {
            Ok(prefix) => Ok(prefix.into()),
            Err(error) => Err(exception(py, &error.into())),
        },
    }
}

fn get_object((key, offset, length): Range) -> GetObject {
    match (offset, length) {
        (None, Some(last)) if last < 0 => GetObject::last(key, last.unsigned_abs()),
        _ => S3GetObject::new(key, offset, length).into(),
    }
}

fn conditions(etag: Option<&str>) -> Conditions {
    let any = Conditions::default();
    match etag {
        Some(etag) => any.with_if_match(ETag::new(etag)),
        None => any,
    }
}

/// Returns whether the source of a copy existed.
fn found(copy: Result<WriteResult, Error>) -> Result<bool, Error> {
    match copy {
        Ok(_) => Ok(true),
        Err(error) => match error.as_request().map(|request| request.kind()) {
            Some(ErrorKind::NotFound) => Ok(false),
            _ => Err(error),
        },
    }
}

fn put_object(
    (key, value, content_type, encryption, metadata): Put<'_>,
    attributes: Attributes,
) -> PyResult<S3PutObject> {
    let mut object = S3PutObject::new(Key::from(key), put_value(&value)?);
    object.content_type = content_type;
    object.encryption = encryption;
    object.metadata_text = metadata;
    object.attributes = attributes;
    Ok(object)
}

fn all_written(results: Vec<WriteResult>) -> Vec<Written> {
    results.iter().map(written).collect()
}

fn written(result: &WriteResult) -> Written {
    let (key, url) = result.pair();
    (key.to_owned(), url.to_owned(), result.already_there())
}
