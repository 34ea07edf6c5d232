//! The operations of the store: count, read what must be read, take the lock, apply the rules.

use std::collections::BTreeMap;
use std::sync::Arc;

use s3_url::S3Prefix;

use super::bucket::Bucket;
use super::copy::{copied, copied_part};
use super::object::{Object, normalise, receive};
use super::refusal::refuse;
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

/// Every method counts, reads what it must before the lock, and leaves the rules to the bucket.
impl Store for MemoryStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            presign: false,
            ..Capabilities::aws()
        }
    }

    async fn get(&self, request: GetRequest) -> Result<GetResponse> {
        self.count(Operation::Get);
        let (bucket, place) = (request.url.bucket(), request.url.as_str());
        find(&self.read(), bucket, Operation::Get, place)?.get(&request)
    }

    async fn head(&self, request: HeadRequest) -> Result<ObjectMeta> {
        self.count(Operation::Head);
        let (bucket, place) = (request.url.bucket(), request.url.as_str());
        find(&self.read(), bucket, Operation::Head, place)?.head(&request)
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
        find(&self.read(), url.bucket(), Operation::Put, url.as_str())?;
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
        find_mut(
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
            find(&buckets, to.bucket(), Operation::Copy, to.as_str())?;
            let source = find(&buckets, from.bucket(), Operation::Copy, from.as_str())?;
            copied(source, &request, &self.limits, self.clock.now())?
        };
        find_mut(&mut self.write(), to.bucket(), Operation::Copy, to.as_str())?.put(
            copy,
            mode,
            Operation::Copy,
        )
    }

    async fn delete(&self, request: DeleteRequest) -> Result<DeleteResponse> {
        self.count(Operation::Delete);
        check_delete(&request, &self.limits)?;
        find_mut(
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
        let (bucket, place) = (request.prefix.bucket(), request.prefix.as_str());
        let buckets = self.read();
        let bucket = find(&buckets, bucket, Operation::List, place)?;
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
        let bucket = find_mut(&mut buckets, url.bucket(), operation, url.as_str())?;
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
        find(&self.read(), url.bucket(), operation, url.as_str())?
            .upload(&url, &upload, operation)?;
        let data = receive(&payload, self.limits.max_part_size, operation, &url)?;
        let part = Part::new(data, checksum, self.clock.now());
        find_mut(&mut self.write(), url.bucket(), operation, url.as_str())?
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
            find(&buckets, url.bucket(), operation, url.as_str())?
                .upload(url, upload, operation)?;
            let source = find(&buckets, from.bucket(), operation, from.as_str())?;
            copied_part(source, &request, &self.limits)?
        };
        let part = Part::new(data, None, self.clock.now());
        find_mut(&mut self.write(), url.bucket(), operation, url.as_str())?
            .upload_part(url, upload, *number, part, operation)
    }

    async fn complete_upload(&self, request: CompleteUpload) -> Result<PutResponse> {
        let operation = Operation::CompleteUpload;
        self.count(operation);
        let (bucket, place) = (request.url.bucket(), request.url.as_str());
        find_mut(&mut self.write(), bucket, operation, place)?
            .complete_upload(&request, &self.limits)
    }

    async fn abort_upload(&self, request: AbortUpload) -> Result<()> {
        let operation = Operation::AbortUpload;
        self.count(operation);
        let (bucket, place) = (request.url.bucket(), request.url.as_str());
        find_mut(&mut self.write(), bucket, operation, place)?.abort_upload(&request)
    }

    async fn list_uploads(&self, request: ListUploads) -> Result<UploadsPage> {
        let operation = Operation::ListUploads;
        self.count(operation);
        let (bucket, place) = (request.prefix.bucket(), request.prefix.as_str());
        Ok(find(&self.read(), bucket, operation, place)?.list_uploads(&request, &self.limits))
    }

    async fn list_parts(&self, request: ListParts) -> Result<PartsPage> {
        let operation = Operation::ListParts;
        self.count(operation);
        let (bucket, place) = (request.url.bucket(), request.url.as_str());
        find(&self.read(), bucket, operation, place)?.list_parts(&request, &self.limits)
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
            let error = refuse(operation, 400, "InvalidBucketName", &name);
            return Err(error.with_message(cause.to_string()).with_source(cause));
        }
        let mut buckets = self.write();
        if buckets.contains_key(&name) {
            return Err(refuse(operation, 409, "BucketAlreadyOwnedByYou", &name));
        }
        buckets.insert(name, Bucket::new(self.clock.now()));
        Ok(())
    }

    async fn delete_bucket(&self, request: BucketRequest) -> Result<()> {
        let operation = Operation::DeleteBucket;
        self.count(operation);
        let name = &*request.bucket;
        let mut buckets = self.write();
        if !find(&buckets, name, operation, name)?.objects.is_empty() {
            let error = refuse(operation, 409, "BucketNotEmpty", name);
            return Err(error.with_message("the bucket is not empty"));
        }
        buckets.remove(name);
        Ok(())
    }

    async fn presign(&self, request: PresignRequest) -> Result<String> {
        self.count(Operation::Presign);
        Err(Error::new(ErrorKind::Unsupported, Operation::Presign)
            .with_resource(request.url.as_str())
            .with_message("a store in memory has no address"))
    }
}

fn find<'a>(
    buckets: &'a Buckets,
    name: &str,
    operation: Operation,
    place: &str,
) -> Result<&'a Bucket> {
    buckets
        .get(name)
        .ok_or_else(|| refuse(operation, 404, "NoSuchBucket", place))
}

fn find_mut<'a>(
    buckets: &'a mut Buckets,
    name: &str,
    operation: Operation,
    place: &str,
) -> Result<&'a mut Bucket> {
    buckets
        .get_mut(name)
        .ok_or_else(|| refuse(operation, 404, "NoSuchBucket", place))
}

fn check_delete(request: &DeleteRequest, limits: &Limits) -> Result<()> {
    let count = request.urls.len();
    if count > limits.max_keys_per_delete {
        let message = format!(
            "{count} keys, where {} are allowed",
            limits.max_keys_per_delete
        );
        let error = refuse(Operation::Delete, 400, "MalformedXML", &request.bucket);
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
            .with_message(format!("the key is not in the bucket {}", request.bucket))),
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
    fn a_delete_names_at_most_a_thousand_keys_of_its_bucket() {
        let many = (0..=1000).map(|number| url(&number.to_string())).collect();
        assert_eq!(delete(many).code(), Some("MalformedXML"));
        let elsewhere = S3Url::parse("s3://other/k").unwrap();
        let error = delete(vec![url("k"), elsewhere]);
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
    fn a_bucket_that_no_url_can_name_is_not_made() {
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
    fn errors_look_like_those_of_a_server() {
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
