//! Implements [`Store`] for [`MemoryStore`]: counts each call, takes the lock and passes the request to its bucket.

use std::collections::BTreeMap;
use std::sync::Arc;

use s3_url::S3Prefix;

use super::bucket::Bucket;
use super::copy::{copy_object, copy_part};
use super::error_response::error_response;
use super::object::{Object, check_tags, checksum_of, normalise, read_payload};
use super::upload::{Part, Upload, check_number, upload_id};
use super::{Limits, MemoryStore, list};
use crate::{
    AbortUpload, BucketInfo, BucketRequest, Capabilities, CompleteUpload, CopyRequest,
    CreateUpload, DeleteRequest, DeleteResponse, Error, ErrorKind, GetObjectAttributes, GetRequest,
    GetResponse, GetTags, HeadRequest, ListPage, ListParts, ListRequest, ListUploads, ListVersions,
    ObjectAttributes, ObjectMeta, Operation, PartTag, PartsPage, PresignRequest, PutRequest,
    PutResponse, RestoreRequest, Result, SetTags, SetVersioning, Store, Tags, UploadId, UploadPart,
    UploadPartCopy, UploadsPage, Versioning, VersionsPage,
};

/// Every method counts the call and reads and hashes bytes before it takes the lock; the bucket checks the request.
impl Store for MemoryStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            presign: false,
            ..Capabilities::aws()
        }
    }

    async fn get(&self, request: GetRequest) -> Result<GetResponse> {
        let call = self.call(Operation::Get, request.url.bucket(), &request.url);
        let now = self.clock.now();
        call.read(|bucket| bucket.get(&request, now))
    }

    async fn head(&self, request: HeadRequest) -> Result<ObjectMeta> {
        let call = self.call(Operation::Head, request.url.bucket(), &request.url);
        call.read(|bucket| bucket.head(&request))
    }

    async fn put(&self, request: PutRequest) -> Result<PutResponse> {
        let PutRequest {
            url,
            payload,
            mode,
            attributes,
            checksum,
        } = request;
        let operation = Operation::Put;
        let call = self.call(operation, url.bucket(), &url);
        call.read(|_| Ok(()))?;
        let (limits, now) = (&self.limits, self.clock.now());
        let mut object =
            Object::from_payload(url.clone(), &payload, attributes, limits, now, operation)?;
        object.checksum = checksum.or(object.checksum);
        call.write(|bucket| bucket.put(object, &mode, operation))
    }

    async fn copy(&self, request: CopyRequest) -> Result<PutResponse> {
        let CopyRequest { from, to, mode, .. } = &request;
        let operation = Operation::Copy;
        let call = self.call(operation, to.bucket(), to);
        call.read(|_| Ok(()))?;
        let source = call.of(from.bucket(), from);
        let copy =
            source.read(|source| copy_object(source, &request, &self.limits, self.clock.now()))?;
        call.write(|bucket| bucket.put(copy, mode, operation))
    }

    async fn delete(&self, request: DeleteRequest) -> Result<DeleteResponse> {
        let call = self.call(Operation::Delete, &request.bucket, &*request.bucket);
        check_delete(&request, &self.limits)?;
        let now = self.clock.now();
        call.write(|bucket| Ok(bucket.delete(&request, now)))
    }

    async fn list_page(&self, request: ListRequest) -> Result<ListPage> {
        let call = self.call(Operation::List, request.prefix.bucket(), &request.prefix);
        call.read(|bucket| list::page(&bucket.objects, &request, &self.limits))
    }

    async fn create_upload(&self, request: CreateUpload) -> Result<UploadId> {
        let CreateUpload { url, attributes } = request;
        let operation = Operation::CreateUpload;
        let call = self.call(operation, url.bucket(), &url);
        let attributes = normalise(attributes, &self.limits, operation, &url)?;
        let id = upload_id(self.next_upload(), &url);
        let upload = Upload {
            url: url.clone(),
            attributes,
            initiated: self.clock.now(),
            parts: BTreeMap::new(),
        };
        call.write(|bucket| {
            bucket.create_upload(upload, id.clone());
            Ok(id)
        })
    }

    async fn upload_part(&self, request: UploadPart) -> Result<PartTag> {
        let UploadPart {
            url,
            upload,
            number,
            payload,
            checksum,
            checksum_algorithm,
        } = request;
        let operation = Operation::UploadPart;
        let call = self.call(operation, url.bucket(), &url);
        check_number(number, &self.limits, operation, &url)?;
        call.read(|bucket| bucket.upload(&url, &upload, operation).map(drop))?;
        let data = read_payload(&payload, self.limits.max_part_size, operation, &url)?;
        let added = checksum_algorithm.filter(|_| checksum.is_none());
        let checksum = added.map_or(checksum, |added| Some(checksum_of(added, data.chunks())));
        let part = Part::new(data, checksum, self.clock.now());
        call.write(|bucket| bucket.upload_part(&url, &upload, number, part, operation))
    }

    async fn upload_part_copy(&self, request: UploadPartCopy) -> Result<PartTag> {
        let UploadPartCopy {
            url,
            upload,
            number,
            from,
            ..
        } = &request;
        let operation = Operation::UploadPartCopy;
        let call = self.call(operation, url.bucket(), url);
        check_number(*number, &self.limits, operation, url)?;
        let source = call.of(from.bucket(), from);
        let now = self.clock.now();
        let data = source.read(|source| copy_part(source, &request, &self.limits, now))?;
        let added = call.read(|bucket| {
            let upload = bucket.upload(url, upload, operation)?;
            Ok(upload.attributes.checksum_algorithm)
        })?;
        let checksum = added.map(|algorithm| checksum_of(algorithm, data.chunks()));
        let part = Part::new(data, checksum, now);
        call.write(|bucket| bucket.upload_part(url, upload, *number, part, operation))
    }

    async fn complete_upload(&self, request: CompleteUpload) -> Result<PutResponse> {
        let url = &request.url;
        let call = self.call(Operation::CompleteUpload, url.bucket(), url);
        call.write(|bucket| bucket.complete_upload(&request, &self.limits))
    }

    async fn abort_upload(&self, request: AbortUpload) -> Result<()> {
        let url = &request.url;
        let call = self.call(Operation::AbortUpload, url.bucket(), url);
        call.write(|bucket| bucket.abort_upload(&request))
    }

    async fn list_uploads(&self, request: ListUploads) -> Result<UploadsPage> {
        let prefix = &request.prefix;
        let call = self.call(Operation::ListUploads, prefix.bucket(), prefix);
        call.read(|bucket| Ok(bucket.list_uploads(&request, &self.limits)))
    }

    async fn list_parts(&self, request: ListParts) -> Result<PartsPage> {
        let call = self.call(Operation::ListParts, request.url.bucket(), &request.url);
        call.read(|bucket| bucket.list_parts(&request, &self.limits))
    }

    async fn list_versions(&self, request: ListVersions) -> Result<VersionsPage> {
        let prefix = &request.prefix;
        let call = self.call(Operation::ListVersions, prefix.bucket(), prefix);
        call.read(|bucket| bucket.list_versions(&request, &self.limits))
    }

    async fn get_tags(&self, request: GetTags) -> Result<Tags> {
        let GetTags { url, version } = &request;
        let call = self.call(Operation::GetTags, url.bucket(), url);
        call.read(|bucket| {
            let object = bucket.version(url, version.as_ref(), Operation::GetTags)?;
            Ok(object.attributes.tags.clone())
        })
    }

    async fn set_tags(&self, request: SetTags) -> Result<()> {
        let SetTags { url, version, tags } = request;
        let operation = Operation::SetTags;
        let call = self.call(operation, url.bucket(), &url);
        check_tags(&tags, operation, &url)?;
        call.write(|bucket| {
            let object = bucket.version_mut(&url, version.as_ref(), operation)?;
            object.attributes.tags = tags;
            Ok(())
        })
    }

    async fn object_attributes(&self, request: GetObjectAttributes) -> Result<ObjectAttributes> {
        let url = &request.url;
        let operation = Operation::ObjectAttributes;
        let call = self.call(operation, url.bucket(), url);
        call.read(|bucket| {
            let object = bucket.version(url, request.version.as_ref(), operation)?;
            let mut attributes = object.attributes(&request, &self.limits);
            attributes.version = bucket.shown_version(object);
            Ok(attributes)
        })
    }

    async fn restore(&self, request: RestoreRequest) -> Result<()> {
        let RestoreRequest {
            url, version, days, ..
        } = &request;
        let operation = Operation::Restore;
        let call = self.call(operation, url.bucket(), url);
        let now = self.clock.now();
        call.write(|bucket| {
            let object = bucket.version_mut(url, version.as_ref(), operation)?;
            object.restore(*days, now)
        })
    }

    async fn versioning(&self, request: BucketRequest) -> Result<Option<Versioning>> {
        let bucket = &*request.bucket;
        let call = self.call(Operation::Versioning, bucket, bucket);
        call.read(|bucket| Ok(bucket.versioning))
    }

    async fn set_versioning(&self, request: SetVersioning) -> Result<()> {
        let bucket = &*request.bucket;
        let call = self.call(Operation::SetVersioning, bucket, bucket);
        call.write(|bucket| {
            bucket.versioning = Some(request.versioning);
            Ok(())
        })
    }

    async fn list_buckets(&self) -> Result<Vec<BucketInfo>> {
        self.count(Operation::ListBuckets);
        let buckets = self.read();
        let info = |(name, bucket): (&Arc<str>, &Bucket)| BucketInfo {
            name: Arc::clone(name),
            created: Some(bucket.created),
        };
        Ok(buckets.iter().map(info).collect())
    }

    async fn create_bucket(&self, request: BucketRequest) -> Result<()> {
        let operation = Operation::CreateBucket;
        self.count(operation);
        let name = request.bucket;
        if let Err(cause) = S3Prefix::from_parts(&name, "") {
            let error = error_response(operation, 400, "InvalidBucketName", &name);
            return Err(error.with_message(cause.to_string()).with_source(cause));
        }
        let mut buckets = self.write();
        if buckets.contains_key(&name) {
            let code = "BucketAlreadyOwnedByYou";
            return Err(error_response(operation, 409, code, &name));
        }
        let bucket = Bucket::new(Arc::clone(&name), self.clock.now());
        buckets.insert(name, bucket);
        Ok(())
    }

    async fn delete_bucket(&self, request: BucketRequest) -> Result<()> {
        let operation = Operation::DeleteBucket;
        self.count(operation);
        let name = &*request.bucket;
        let mut buckets = self.write();
        let bucket = buckets.get(name);
        let bucket = bucket.ok_or_else(|| no_such_bucket(operation, name))?;
        if !bucket.objects.is_empty() || !bucket.history.is_empty() {
            let error = error_response(operation, 409, "BucketNotEmpty", name);
            return Err(error.with_message("the bucket is not empty"));
        }
        buckets.remove(name);
        Ok(())
    }

    async fn presign(&self, request: PresignRequest) -> Result<String> {
        self.count(Operation::Presign);
        Err(Error::new(ErrorKind::Unsupported, Operation::Presign)
            .with_resource(request.url.as_str())
            .with_message("an in-memory store cannot presign URLs"))
    }
}

/// A call on a bucket.
#[derive(Clone, Copy)]
struct Call<'a> {
    store: &'a MemoryStore,
    operation: Operation,
    bucket: &'a str,
    /// The resource that errors name.
    resource: &'a str,
}

impl MemoryStore {
    /// Counts a call and returns it.
    fn call<'a>(
        &'a self,
        operation: Operation,
        bucket: &'a str,
        resource: &'a (impl AsRef<str> + ?Sized),
    ) -> Call<'a> {
        self.count(operation);
        Call {
            store: self,
            operation,
            bucket,
            resource: resource.as_ref(),
        }
    }
}

impl<'a> Call<'a> {
    /// Returns the same call on another bucket.
    fn of(self, bucket: &'a str, resource: &'a (impl AsRef<str> + ?Sized)) -> Self {
        Self {
            bucket,
            resource: resource.as_ref(),
            ..self
        }
    }

    fn read<T>(self, read: impl FnOnce(&Bucket) -> Result<T>) -> Result<T> {
        match self.store.read().get(self.bucket) {
            Some(bucket) => read(bucket),
            None => Err(no_such_bucket(self.operation, self.resource)),
        }
    }

    fn write<T>(self, write: impl FnOnce(&mut Bucket) -> Result<T>) -> Result<T> {
        match self.store.write().get_mut(self.bucket) {
            Some(bucket) => write(bucket),
            None => Err(no_such_bucket(self.operation, self.resource)),
        }
    }
}

fn no_such_bucket(operation: Operation, resource: &str) -> Error {
    error_response(operation, 404, "NoSuchBucket", resource)
}

fn check_delete(request: &DeleteRequest, limits: &Limits) -> Result<()> {
    let count = request.urls.len();
    if count > limits.max_keys_per_delete {
        let message = format!(
            "the request has {count} keys; at most {} are allowed",
            limits.max_keys_per_delete
        );
        let error = error_response(Operation::Delete, 400, "MalformedXML", &request.bucket);
        return Err(error.with_message(message));
    }
    match request
        .urls
        .iter()
        .find(|url| url.bucket() != &*request.bucket)
    {
        None => Ok(()),
        Some(url) => Err(Error::new(ErrorKind::InvalidInput, Operation::Delete)
            .with_resource(url.as_str())
            .with_message(format!(
                "the object is not in the bucket {} of the request",
                request.bucket
            ))),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt;

    use super::*;
    use crate::{PresignMethod, S3Url, StoreExt};

    fn url(key: &str) -> S3Url {
        S3Url::from_parts("b", key).unwrap()
    }

    fn delete(urls: Vec<S3Url>) -> Error {
        let store = MemoryStore::with_buckets(["b"]);
        store
            .delete(DeleteRequest::new("b", urls))
            .now_or_never()
            .unwrap()
            .unwrap_err()
    }

    #[test]
    fn a_delete_has_at_most_a_thousand_keys_of_its_bucket() {
        let many = (0..=1000).map(|number| url(&number.to_string())).collect();
        assert_eq!(delete(many).code(), Some("MalformedXML"));
        let other_bucket = S3Url::parse("s3://other/k").unwrap();
        let error = delete(vec![url("k"), other_bucket]);
        assert_eq!(
            (error.kind(), error.resource()),
            (ErrorKind::InvalidInput, Some("s3://other/k"))
        );
    }

    #[test]
    fn a_url_cannot_be_presigned() {
        let request = PresignRequest::new(url("k"), PresignMethod::Get, Duration::from_secs(1));
        let error = MemoryStore::new()
            .presign(request)
            .now_or_never()
            .unwrap()
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }

    #[test]
    fn a_bucket_with_a_name_that_urls_cannot_hold_is_not_created() {
        for name in ["", "a/b", "a b"] {
            let request = BucketRequest::new(name);
            let error = MemoryStore::new()
                .create_bucket(request)
                .now_or_never()
                .unwrap()
                .unwrap_err();
            assert_eq!(error.code(), Some("InvalidBucketName"), "{name:?}");
        }
    }

    #[test]
    fn a_bucket_is_not_created_twice() {
        let store = MemoryStore::with_buckets(["b"]);
        let again = store.create_bucket(BucketRequest::new("b"));
        let error = again.now_or_never().unwrap().unwrap_err();
        assert_eq!(
            (error.kind(), error.code()),
            (ErrorKind::AlreadyExists, Some("BucketAlreadyOwnedByYou"))
        );
    }

    #[test]
    fn errors_have_the_status_and_code_of_a_server() {
        let store = MemoryStore::with_buckets(["b"]);
        let error = store
            .get_bytes(url("k"))
            .now_or_never()
            .unwrap()
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "get s3://b/k: object not found (404 NoSuchKey)"
        );
        store
            .put_bytes(url("k"), "0123456789")
            .now_or_never()
            .unwrap()
            .unwrap();
        let request = GetRequest::new(url("k")).with_range(10..20);
        let error = store.get(request).now_or_never().unwrap().unwrap_err();
        assert_eq!(
            error.to_string(),
            "get s3://b/k bytes=10-19: range cannot be satisfied: the object has 10 bytes (416 InvalidRange)"
        );
    }
}
