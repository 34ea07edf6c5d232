//! A bucket of the [`MemoryStore`](super::MemoryStore): objects by key, unfinished uploads by key and id.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use s3_url::S3Url;

use super::conditions::{check_read, check_write};
use super::error_response::error_response;
use super::object::Object;
use super::upload::Upload;
use crate::{
    Conditions, DeleteRequest, GetRequest, GetResponse, HeadRequest, ObjectMeta, Operation,
    PutMode, PutResponse, Result, UploadId, VersionId,
};

/// A bucket. `Arc<str>` compares by bytes, as S3 orders keys.
#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) created: SystemTime,
    pub(super) objects: BTreeMap<Arc<str>, Object>,
    pub(super) uploads: BTreeMap<(Arc<str>, UploadId), Upload>,
}

impl Bucket {
    /// Returns an empty bucket.
    pub(super) fn new(created: SystemTime) -> Self {
        Self {
            created,
            objects: BTreeMap::new(),
            uploads: BTreeMap::new(),
        }
    }

    /// Reads an object or a range of it.
    pub(super) fn get(&self, request: &GetRequest) -> Result<GetResponse> {
        let object = self.readable(
            &request.url,
            request.version.as_ref(),
            &request.conditions,
            Operation::Get,
        )?;
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
        Ok(GetResponse::new(object.meta(), range, body))
    }

    /// Reads the metadata of an object.
    pub(super) fn head(&self, request: &HeadRequest) -> Result<ObjectMeta> {
        let object = self.readable(
            &request.url,
            request.version.as_ref(),
            &request.conditions,
            Operation::Head,
        )?;
        Ok(object.meta())
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
        let response = object.written();
        self.objects.insert(key.into(), object);
        Ok(response)
    }

    /// Deletes the objects that exist; missing ones count as deleted.
    pub(super) fn delete(&mut self, request: &DeleteRequest) {
        for url in &request.urls {
            self.objects.remove(url.key());
        }
    }

    /// Returns an object.
    pub(super) fn object(&self, url: &S3Url, operation: Operation) -> Result<&Object> {
        self.objects
            .get(url.key())
            .ok_or_else(|| error_response(operation, 404, "NoSuchKey", url.as_str()))
    }

    fn readable(
        &self,
        url: &S3Url,
        version: Option<&VersionId>,
        conditions: &Conditions,
        operation: Operation,
    ) -> Result<&Object> {
        let object = self.object(url, operation)?;
        // The objects of a bucket without versioning have the version "null".
        if version.is_some_and(|version| version.as_str() != "null") {
            return Err(error_response(
                operation,
                404,
                "NoSuchVersion",
                url.as_str(),
            ));
        }
        check_read(conditions, object, operation)?;
        Ok(object)
    }
}
