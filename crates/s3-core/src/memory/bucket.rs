//! A bucket of the [`MemoryStore`](super::MemoryStore): objects by key, versions, and multipart uploads in progress.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use s3_url::S3Url;

use super::conditions::{check_read, check_write};
use super::error_response::error_response;
use super::object::Object;
use super::upload::Upload;
use super::versions::{OldVersion, shown};
use crate::{
    Conditions, DeleteRequest, DeleteResponse, ETag, GetRequest, GetResponse, HeadRequest,
    ObjectMeta, Operation, PutMode, PutResponse, Result, UploadId, VersionId, Versioning,
};

/// A bucket. `Arc<str>` compares by bytes, as S3 orders keys.
#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) name: Arc<str>,
    pub(super) created: SystemTime,
    pub(super) versioning: Option<Versioning>,
    /// The number of version ids generated so far.
    pub(super) versions_created: u64,
    pub(super) objects: BTreeMap<Arc<str>, Object>,
    /// The versions that are not the newest, in order of age with the oldest first; see [`versions`](super::versions).
    pub(super) history: BTreeMap<Arc<str>, Vec<OldVersion>>,
    pub(super) uploads: BTreeMap<(Arc<str>, UploadId), Upload>,
}

impl Bucket {
    /// Returns an empty bucket.
    pub(super) fn new(name: Arc<str>, created: SystemTime) -> Self {
        Self {
            name,
            created,
            versioning: None,
            versions_created: 0,
            objects: BTreeMap::new(),
            history: BTreeMap::new(),
            uploads: BTreeMap::new(),
        }
    }

    /// Reads an object or a range of it.
    pub(super) fn get(&self, request: &GetRequest, now: SystemTime) -> Result<GetResponse> {
        let object = self.readable(
            &request.url,
            request.version.as_ref(),
            &request.conditions,
            Operation::Get,
        )?;
        object.check_restored(now, Operation::Get)?;
        let size = object.data.len();
        let range = match &request.range {
            None => 0..size,
            Some(range) => range.resolve(size).map_err(|invalid| {
                error_response(Operation::Get, 416, "InvalidRange", request.url.as_str())
                    .with_range(range)
                    .with_message(format!("the object has {size} bytes"))
                    .with_source(invalid)
            })?,
        };
        let body = object.data.slice(range.clone()).into_body();
        Ok(GetResponse::new(self.meta(object), range, body))
    }

    /// Reads the metadata of an object.
    pub(super) fn head(&self, request: &HeadRequest) -> Result<ObjectMeta> {
        let object = self.readable(
            &request.url,
            request.version.as_ref(),
            &request.conditions,
            Operation::Head,
        )?;
        Ok(self.meta(object))
    }

    /// Stores an object if `mode` allows it.
    pub(super) fn put(
        &mut self,
        object: Object,
        mode: &PutMode,
        operation: Operation,
    ) -> Result<PutResponse> {
        let key = object.url.key();
        check_write(mode, self.objects.get(key), operation, object.url.as_str())?;
        let mut response = object.written();
        response.version = self.insert(object);
        Ok(response)
    }

    /// Deletes the objects that exist; missing ones count as deleted.
    pub(super) fn delete(&mut self, request: &DeleteRequest, now: SystemTime) -> DeleteResponse {
        let mut response = DeleteResponse::default();
        for (index, url) in request.urls.iter().enumerate() {
            if let Some(etag) = request.etag(index)
                && let Err(error) = self.check_delete(url, request.version(index), etag)
            {
                response.failures.push((index, error));
                continue;
            }
            let deleted = match request.version(index) {
                Some(version) => Some(self.delete_version(url.key(), version)),
                None => self.delete_newest(url.key(), now),
            };
            let deleted = deleted.map(|deleted| (index, deleted));
            response.versions.extend(deleted);
        }
        response
    }

    /// Fails unless the object has the ETag that its delete requires.
    fn check_delete(&self, url: &S3Url, version: Option<&VersionId>, etag: &ETag) -> Result<()> {
        let operation = Operation::Delete;
        let object = self.version(url, version, operation)?;
        match object.etag == *etag {
            true => Ok(()),
            false => Err(error_response(
                operation,
                412,
                "PreconditionFailed",
                url.as_str(),
            )),
        }
    }

    /// Returns the version id of an object; `None` if the bucket has no versioning.
    pub(super) fn shown_version(&self, object: &Object) -> Option<VersionId> {
        self.versioning.map(|_| shown(object.version.as_ref()))
    }

    /// Returns the metadata of an object. In a bucket without versioning, it has no version id.
    fn meta(&self, object: &Object) -> ObjectMeta {
        let mut meta = object.meta();
        meta.version = self.shown_version(object);
        meta
    }

    fn readable(
        &self,
        url: &S3Url,
        version: Option<&VersionId>,
        conditions: &Conditions,
        operation: Operation,
    ) -> Result<&Object> {
        let object = self.version(url, version, operation)?;
        check_read(conditions, object, operation)?;
        Ok(object)
    }
}
