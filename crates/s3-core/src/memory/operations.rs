//! The operations of the [`MemoryStore`].

use std::collections::BTreeMap;
use std::sync::Arc;

use s3_url::S3Prefix;

use super::bucket::Bucket;
use super::copy::{copy_object, copy_part};
use super::error_response::error_response;
use super::object::{Object, normalise, read_payload};
use super::store::Buckets;
use super::upload::{Part, Upload, check_number, upload_id};
use super::{Limits, MemoryStore, list};
use crate::{
    AbortUpload, BucketInfo, BucketRequest, Capabilities, CompleteUpload, CopyRequest,
    CreateUpload, DeleteRequest, DeleteResponse, Error, ErrorKind, GetRequest, GetResponse,
    HeadRequest, ListPage, ListParts, ListRequest, ListUploads, ObjectMeta, Operation, PartTag,
    PartsPage, PresignRequest, PutRequest, PutResponse, Result, Store, UploadId, UploadPart,
    UploadPartCopy, UploadsPage,
};

/// Every method counts the call, reads and hashes bytes before it takes the lock, and leaves the rules to the bucket.
impl Store for MemoryStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            presign: false,
            ..Capabilities::aws()
        }
    }

    async fn get(&self, request: GetRequest) -> Result<GetResponse> {
        self.count(Operation::Get);
        let (bucket, resource) = (request.url.bucket(), request.url.as_str());
        find_bucket(&self.read(), bucket, Operation::Get, resource)?.get(&request)
    }

    async fn head(&self, request: HeadRequest) -> Result<ObjectMeta> {
        self.count(Operation::Head);
        let (bucket, resource) = (request.url.bucket(), request.url.as_str());
        find_bucket(&self.read(), bucket, Operation::Head, resource)?.head(&request)
    }

    async fn put(&self, request: PutRequest) -> Result<PutResponse> {
        self.count(Operation::Put);
        let PutRequest {
            url,
            payload,
            mode,
            attributes,
            checksum,
        } = request;
        find_bucket(&self.read(), url.bucket(), Operation::Put, url.as_str())?;
        let now = self.clock.now();
        let mut object = Object::from_payload(
            url.clone(),
            &payload,
            attributes,
            &self.limits,
            now,
            Operation::Put,
        )?;
        object.checksum = checksum;
        find_bucket_mut(
            &mut self.write(),
            url.bucket(),
            Operation::Put,
            url.as_str(),
        )?
        .put(object, &mode, Operation::Put)
    }

    async fn copy(&self, request: CopyRequest) -> Result<PutResponse> {
        self.count(Operation::Copy);
        let CopyRequest { from, to, mode, .. } = &request;
        let copy = {
            let buckets = self.read();
            find_bucket(&buckets, to.bucket(), Operation::Copy, to.as_str())?;
            let source = find_bucket(&buckets, from.bucket(), Operation::Copy, from.as_str())?;
            copy_object(source, &request, &self.limits, self.clock.now())?
        };
        find_bucket_mut(&mut self.write(), to.bucket(), Operation::Copy, to.as_str())?.put(
            copy,
            mode,
            Operation::Copy,
        )
    }

    async fn delete(&self, request: DeleteRequest) -> Result<DeleteResponse> {
        self.count(Operation::Delete);
        check_delete(&request, &self.limits)?;
        find_bucket_mut(
            &mut self.write(),
            &request.bucket,
            Operation::Delete,
            &request.bucket,
        )?
        .delete(&request);
        Ok(DeleteResponse::default())
    }

    async fn list_page(&self, request: ListRequest) -> Result<ListPage> {
        self.count(Operation::List);
        let (bucket, resource) = (request.prefix.bucket(), request.prefix.as_str());
        let buckets = self.read();
        let bucket = find_bucket(&buckets, bucket, Operation::List, resource)?;
        list::page(&bucket.objects, &request, &self.limits)
    }

    async fn create_upload(&self, request: CreateUpload) -> Result<UploadId> {
        let operation = Operation::CreateUpload;
        self.count(operation);
        let CreateUpload { url, attributes } = request;
        let attributes = normalise(attributes, &self.limits, operation, &url)?;
        let id = upload_id(self.next_upload(), &url);
        let initiated = self.clock.now();
        let mut buckets = self.write();
        let bucket = find_bucket_mut(&mut buckets, url.bucket(), operation, url.as_str())?;
        bucket.create_upload(
            Upload {
                url,
                attributes,
                initiated,
                parts: BTreeMap::new(),
            },
            id.clone(),
        );
        Ok(id)
    }

    async fn upload_part(&self, request: UploadPart) -> Result<PartTag> {
        let operation = Operation::UploadPart;
        self.count(operation);
        let UploadPart {
            url,
            upload,
            number,
            payload,
            checksum,
        } = request;
        check_number(number, &self.limits, operation, &url)?;
        find_bucket(&self.read(), url.bucket(), operation, url.as_str())?
            .upload(&url, &upload, operation)?;
        let data = read_payload(&payload, self.limits.max_part_size, operation, &url)?;
        let part = Part::new(data, checksum, self.clock.now());
        find_bucket_mut(&mut self.write(), url.bucket(), operation, url.as_str())?
            .upload_part(&url, &upload, number, part, operation)
    }

    async fn upload_part_copy(&self, request: UploadPartCopy) -> Result<PartTag> {
        let operation = Operation::UploadPartCopy;
        self.count(operation);
        let UploadPartCopy {
            url,
            upload,
            number,
            from,
            ..
        } = &request;
        check_number(*number, &self.limits, operation, url)?;
        let data = {
            let buckets = self.read();
            find_bucket(&buckets, url.bucket(), operation, url.as_str())?
                .upload(url, upload, operation)?;
            let source = find_bucket(&buckets, from.bucket(), operation, from.as_str())?;
            copy_part(source, &request, &self.limits)?
        };
        let part = Part::new(data, None, self.clock.now());
        find_bucket_mut(&mut self.write(), url.bucket(), operation, url.as_str())?
            .upload_part(url, upload, *number, part, operation)
    }

    async fn complete_upload(&self, request: CompleteUpload) -> Result<PutResponse> {
        let operation = Operation::CompleteUpload;
        self.count(operation);
        let (bucket, resource) = (request.url.bucket(), request.url.as_str());
        find_bucket_mut(&mut self.write(), bucket, operation, resource)?
            .complete_upload(&request, &self.limits)
    }

    async fn abort_upload(&self, request: AbortUpload) -> Result<()> {
        let operation = Operation::AbortUpload;
        self.count(operation);
        let (bucket, resource) = (request.url.bucket(), request.url.as_str());
        find_bucket_mut(&mut self.write(), bucket, operation, resource)?.abort_upload(&request)
    }

    async fn list_uploads(&self, request: ListUploads) -> Result<UploadsPage> {
        let operation = Operation::ListUploads;
        self.count(operation);
        let (bucket, resource) = (request.prefix.bucket(), request.prefix.as_str());
        Ok(find_bucket(&self.read(), bucket, operation, resource)?
            .list_uploads(&request, &self.limits))
    }

    async fn list_parts(&self, request: ListParts) -> Result<PartsPage> {
        let operation = Operation::ListParts;
        self.count(operation);
        let (bucket, resource) = (request.url.bucket(), request.url.as_str());
        find_bucket(&self.read(), bucket, operation, resource)?.list_parts(&request, &self.limits)
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
            return Err(error_response(
                operation,
                409,
                "BucketAlreadyOwnedByYou",
                &name,
            ));
        }
        buckets.insert(name, Bucket::new(self.clock.now()));
        Ok(())
    }

    async fn delete_bucket(&self, request: BucketRequest) -> Result<()> {
        let operation = Operation::DeleteBucket;
        self.count(operation);
        let name = &*request.bucket;
        let mut buckets = self.write();
        if !find_bucket(&buckets, name, operation, name)?
            .objects
            .is_empty()
        {
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

fn find_bucket<'a>(
    buckets: &'a Buckets,
    name: &str,
    operation: Operation,
    resource: &str,
) -> Result<&'a Bucket> {
    buckets
        .get(name)
        .ok_or_else(|| error_response(operation, 404, "NoSuchBucket", resource))
}

fn find_bucket_mut<'a>(
    buckets: &'a mut Buckets,
    name: &str,
    operation: Operation,
    resource: &str,
) -> Result<&'a mut Bucket> {
    buckets
        .get_mut(name)
        .ok_or_else(|| error_response(operation, 404, "NoSuchBucket", resource))
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
