//! `Transfer` methods of one request each (HEAD, buckets, versioning, tags, restore, presign), and deletes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use s3_core::{
    Attempt, AttemptLog, BucketInfo, BucketRequest, ByteCounter, DeleteRequest, DeletedVersion,
    ETag, Error, ErrorKind, GetObjectAttributes, GetTags, HeadRequest, ObjectAttributes,
    ObjectMeta, Operation, PresignRequest, RestoreRequest, Result, Retryability, S3Url, SetTags,
    SetVersioning, SharedStore, Store, Tags, VersionId, Versioning,
};

use tokio::time::Instant;

use crate::request_job::{RequestJob, request_job};
use crate::{AfterFailure, CallOptions, FanOutOptions, Job, Transfer};

/// S3's error code for creating a bucket that the caller already owns.
const OURS: &str = "BucketAlreadyOwnedByYou";
/// Minimum speed of a batch of deletes that is not a stall, in keys per second. 20: a server responds to a batch when
/// all of its keys are deleted, and one with slow disks takes 50 ms for each.
const DELETES_PER_SECOND: u64 = 20;
/// S3's error code for restoring an object that is being restored.
const RESTORING: &str = "RestoreAlreadyInProgress";

impl Transfer {
    /// Reads an object's metadata. One HEAD.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use s3_core::{MemoryStore, Payload, S3Url};
    /// use s3_transfer::{CallOptions, PutItem, Transfer, TransferConfig};
    ///
    /// let transfer = Transfer::new(MemoryStore::with_buckets(["b"]), TransferConfig::default());
    /// let options = CallOptions::default();
    /// let url = S3Url::parse("s3://b/k")?;
    /// transfer.put(PutItem::new(url.clone(), Payload::from("hello").into()), &options).await?;
    /// assert_eq!(transfer.head(url, &options).await?.size, 5);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// `NotFound` (a missing bucket looks the same), `AccessDenied`, and the errors of every call.
    pub async fn head(&self, url: S3Url, options: &CallOptions) -> Result<ObjectMeta> {
        self.head_with(HeadRequest::new(url), options).await
    }

    /// Reads an object's metadata, of one version or under conditions. One HEAD.
    ///
    /// # Errors
    ///
    /// Those of [`head`](Self::head), `PreconditionFailed` and `NotModified`.
    pub async fn head_with(
        &self,
        request: HeadRequest,
        options: &CallOptions,
    ) -> Result<ObjectMeta> {
        let url = request.url.clone();
        let job = request_job!(Operation::Head, url.as_str(), head(request));
        self.run(job, options).await
    }

    /// Reads an object's metadata with its checksum. If that is denied, as for an object under KMS without the
    /// permission to decrypt, reads it without the checksum. One HEAD, or two.
    ///
    /// # Errors
    ///
    /// Those of [`head`](Self::head).
    pub async fn head_with_checksum(
        &self,
        url: S3Url,
        options: &CallOptions,
    ) -> Result<ObjectMeta> {
        let request = HeadRequest::new(url.clone()).with_checksum();
        match self.head_with(request, options).await {
            Err(error) if error.kind() == ErrorKind::AccessDenied => self.head(url, options).await,
            meta => meta,
        }
    }

    /// Lists all buckets of the account. One request, or one per page on accounts with thousands.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use s3_core::MemoryStore;
    /// use s3_transfer::{CallOptions, Transfer, TransferConfig};
    ///
    /// let transfer = Transfer::new(MemoryStore::with_buckets(["b"]), TransferConfig::default());
    /// let options = CallOptions::default();
    /// let buckets = transfer.list_buckets(&options).await?;
    /// assert_eq!(&*buckets[0].name, "b");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// `AccessDenied`, and the errors of every call.
    pub async fn list_buckets(&self, options: &CallOptions) -> Result<Vec<BucketInfo>> {
        let job = request_job!(Operation::ListBuckets, "s3://", list_buckets());
        self.run(job, options).await
    }

    /// Creates a bucket. One request.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use s3_core::{BucketRequest, MemoryStore};
    /// use s3_transfer::{CallOptions, Transfer, TransferConfig};
    ///
    /// let transfer = Transfer::new(MemoryStore::with_buckets(["b"]), TransferConfig::default());
    /// let options = CallOptions::default();
    /// transfer.create_bucket(BucketRequest::new("new"), &options).await?;
    /// assert_eq!(transfer.list_buckets(&options).await?.len(), 2);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// `AlreadyExists`, `AccessDenied`, `InvalidInput` for a name that the server does not accept.
    pub async fn create_bucket(&self, request: BucketRequest, options: &CallOptions) -> Result<()> {
        let resource = format!("s3://{}", request.bucket);
        let job = request_job!(Operation::CreateBucket, &resource, create_bucket(request));
        match self.run(job, options).await {
            // An earlier attempt, whose response was lost, has created it.
            Err(error) if error.code() == Some(OURS) && error.attempts() > 1 => Ok(()),
            outcome => outcome,
        }
    }

    /// Deletes an empty bucket. One request.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use s3_core::{BucketRequest, MemoryStore};
    /// use s3_transfer::{CallOptions, Transfer, TransferConfig};
    ///
    /// let transfer = Transfer::new(MemoryStore::with_buckets(["b"]), TransferConfig::default());
    /// let options = CallOptions::default();
    /// transfer.delete_bucket(BucketRequest::new("b"), &options).await?;
    /// assert!(transfer.list_buckets(&options).await?.is_empty());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// `NoSuchBucket`, `InvalidInput` if it is not empty, `AccessDenied`.
    pub async fn delete_bucket(&self, request: BucketRequest, options: &CallOptions) -> Result<()> {
        let resource = format!("s3://{}", request.bucket);
        let job = request_job!(Operation::DeleteBucket, &resource, delete_bucket(request));
        match self.run(job, options).await {
            // An earlier attempt, whose response was lost, has deleted it.
            Err(error) if error.kind() == ErrorKind::NoSuchBucket && error.attempts() > 1 => Ok(()),
            outcome => outcome,
        }
    }

    /// Returns whether versioning of a bucket is enabled or suspended; `None` if it was never enabled. One request.
    ///
    /// # Errors
    ///
    /// `NoSuchBucket`, `AccessDenied`, `Unsupported`, and the errors of every call.
    pub async fn versioning(
        &self,
        request: BucketRequest,
        options: &CallOptions,
    ) -> Result<Option<Versioning>> {
        let resource = format!("s3://{}", request.bucket);
        let job = request_job!(Operation::Versioning, &resource, versioning(request));
        self.run(job, options).await
    }

    /// Enables or suspends versioning of a bucket. One request.
    ///
    /// # Errors
    ///
    /// Those of [`versioning`](Self::versioning).
    pub async fn set_versioning(
        &self,
        request: SetVersioning,
        options: &CallOptions,
    ) -> Result<()> {
        let resource = format!("s3://{}", request.bucket);
        let job = request_job!(Operation::SetVersioning, &resource, set_versioning(request));
        self.run(job, options).await
    }

    /// Deletes one object, or one version of it permanently; with `if_match`, only if the object has this ETag. Returns
    /// the version that was deleted, or the delete marker. One request.
    ///
    /// Deleting a missing object succeeds, unless an ETag is required.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use s3_core::{ETag, ErrorKind, MemoryStore, Payload, S3Url};
    /// use s3_transfer::{CallOptions, PutItem, Transfer, TransferConfig};
    ///
    /// let transfer = Transfer::new(MemoryStore::with_buckets(["b"]), TransferConfig::default());
    /// let options = CallOptions::default();
    /// let url = S3Url::parse("s3://b/k")?;
    /// transfer.put(PutItem::new(url.clone(), Payload::from("hello").into()), &options).await?;
    /// let other = Some(ETag::new("another"));
    /// let error = transfer.delete_one(url, None, other, &options).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// `NoSuchBucket`, `AccessDenied`, also for a version that is locked, `PreconditionFailed` for another ETag,
    /// `NotFound` if an ETag is required and there is no object, `Unsupported` where the server would ignore the ETag,
    /// and the errors of every call. After a lost response, a missing object counts as deleted.
    pub async fn delete_one(
        &self,
        url: S3Url,
        version: Option<VersionId>,
        if_match: Option<ETag>,
        options: &CallOptions,
    ) -> Result<Option<DeletedVersion>> {
        if if_match.is_some() && !self.store().capabilities().delete_if_match {
            return Err(Error::new(ErrorKind::Unsupported, Operation::Delete)
                .with_resource(&url)
                .with_message("this server does not support conditional deletes"));
        }
        let request = DeleteRequest::new(url.bucket(), vec![url.clone()])
            .with_versions(vec![version])
            .with_if_match(vec![if_match]);
        let job = RequestJob::new(
            Operation::Delete,
            url.as_str(),
            request,
            |store, request| {
                Box::pin(async move {
                    let mut response = store.delete(request).await?;
                    match response.failures.pop() {
                        Some((_, error)) => Err(error),
                        None => Ok(response.versions.pop().map(|(_, deleted)| deleted)),
                    }
                })
            },
        );
        match self.run(job, options).await {
            // An earlier attempt, whose response was lost, has deleted it.
            Err(error) if error.kind() == ErrorKind::NotFound && error.attempts() > 1 => Ok(None),
            Err(error) if error.kind() == ErrorKind::PreconditionFailed && error.attempts() > 1 => {
                Err(error.with_hint(
                    "an earlier attempt, whose response was lost, may have deleted the object before another client wrote it \
                     again",
                ))
            }
            outcome => outcome,
        }
    }

    /// Reads size, checksum and parts of an object. One request for up to 1,000 parts.
    ///
    /// # Errors
    ///
    /// `NotFound`, `AccessDenied`, `Unsupported`, and the errors of every call.
    pub async fn object_attributes(
        &self,
        request: GetObjectAttributes,
        options: &CallOptions,
    ) -> Result<ObjectAttributes> {
        let resource = request.url.clone();
        let job = request_job!(
            Operation::ObjectAttributes,
            resource.as_str(),
            object_attributes(request)
        );
        self.run(job, options).await
    }

    /// Restores an archived object for some days. One request. [`head`](Self::head) returns whether it can be read.
    ///
    /// # Errors
    ///
    /// `NotFound`, `InvalidInput` for an object that is in no archive, `Conflict` while another restoration is in
    /// progress, `AccessDenied`, and the errors of every call.
    pub async fn restore(&self, request: RestoreRequest, options: &CallOptions) -> Result<()> {
        let resource = request.url.clone();
        let job = request_job!(Operation::Restore, resource.as_str(), restore(request));
        match self.run(job, options).await {
            // An earlier attempt, whose response was lost, has begun it.
            Err(error) if error.code() == Some(RESTORING) && error.attempts() > 1 => Ok(()),
            outcome => outcome,
        }
    }

    /// Reads the tags of an object. One request.
    ///
    /// # Errors
    ///
    /// `NotFound`, `AccessDenied`, `Unsupported`, and the errors of every call.
    pub async fn get_tags(&self, request: GetTags, options: &CallOptions) -> Result<Tags> {
        let resource = request.url.clone();
        let job = request_job!(Operation::GetTags, resource.as_str(), get_tags(request));
        self.run(job, options).await
    }

    /// Replaces all tags of an object. One request.
    ///
    /// # Errors
    ///
    /// Those of [`get_tags`](Self::get_tags), and `InvalidInput` for tags that S3 does not accept.
    pub async fn set_tags(&self, request: SetTags, options: &CallOptions) -> Result<()> {
        let resource = request.url.clone();
        let job = request_job!(Operation::SetTags, resource.as_str(), set_tags(request));
        self.run(job, options).await
    }

    /// Returns a presigned URL. Sends no request, but credentials may have to be fetched.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    ///
    /// use s3_core::{PresignMethod, PresignRequest, S3Url, SdkStore};
    /// use s3_transfer::{CallOptions, Transfer, TransferConfig};
    ///
    /// let store = SdkStore::builder()
    ///     .endpoint("http://127.0.0.1:9000")
    ///     .credentials("key", "secret", None)
    ///     .build();
    /// let transfer = Transfer::new(store, TransferConfig::default());
    /// let url = S3Url::parse("s3://b/k")?;
    /// let request = PresignRequest::new(url, PresignMethod::Get, Duration::from_secs(60));
    /// let address = transfer.presign(request, &CallOptions::default()).await?;
    /// assert!(address.starts_with("http://127.0.0.1:9000/b/k?"));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a time of less than a second or more than 7 days, `Unsupported` for an in-memory store.
    pub async fn presign(&self, request: PresignRequest, options: &CallOptions) -> Result<String> {
        let resource = request.url.clone();
        let job = request_job!(Operation::Presign, resource.as_str(), presign(request));
        self.run(job, options).await
    }

    /// Deletes objects, of one or of many buckets. One request per 1,000 keys of a bucket.
    ///
    /// Returns one outcome per input, in input order. Deleting a missing object succeeds. Only keys whose deletion
    /// fails with a transient error are tried again.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use s3_core::{MemoryStore, Payload, S3Url};
    /// use s3_transfer::{CallOptions, PutItem, Transfer, TransferConfig};
    ///
    /// let transfer = Transfer::new(MemoryStore::with_buckets(["b"]), TransferConfig::default());
    /// let options = CallOptions::default();
    /// let url = S3Url::parse("s3://b/k")?;
    /// transfer.put(PutItem::new(url.clone(), Payload::from("hello").into()), &options).await?;
    /// let nowhere = S3Url::parse("s3://nowhere/k")?;
    /// let outcomes = transfer.delete_many(vec![url, nowhere], &options).await;
    /// assert!(outcomes[0].is_ok() && outcomes[1].is_err());
    /// # Ok(()) }
    /// ```
    pub async fn delete_many(&self, urls: Vec<S3Url>, options: &CallOptions) -> Vec<Result<()>> {
        let outcomes = self.delete_outcomes(urls, AfterFailure::Continue, options);
        let outcomes = outcomes.await.into_iter();
        outcomes
            .map(|outcome| outcome.expect("every input is in one batch"))
            .collect()
    }

    /// As [`delete_many`](Self::delete_many), but may send no further request after a failure: objects of requests that
    /// were not sent have the outcome `None`. Requests in flight always complete.
    pub async fn delete_outcomes(
        &self,
        urls: Vec<S3Url>,
        after: AfterFailure,
        options: &CallOptions,
    ) -> Vec<Option<Result<()>>> {
        let mut outcomes: Vec<Option<Result<()>>> = urls.iter().map(|_| None).collect();
        let options = options.clone();
        let batches = batches(urls);
        let many = self.fan_out(batches, FanOutOptions::default(), move |transfer, batch| {
            let options = options.clone();
            async move {
                let done = transfer.delete_batch(batch, &options).await;
                match done.iter().all(|(_, outcome)| outcome.is_ok()) {
                    true => Ok(done),
                    false => Err(done),
                }
            }
        });
        let after = match after {
            AfterFailure::Cancel => AfterFailure::Drain,
            other => other,
        };
        let done = many.outcomes(after).await.into_iter().flatten();
        for (index, outcome) in done.flat_map(|done| done.unwrap_or_else(|done| done)) {
            outcomes[index] = Some(outcome);
        }
        outcomes
    }

    async fn delete_batch(&self, batch: Batch, options: &CallOptions) -> Vec<(usize, Result<()>)> {
        let resource = format!("s3://{}", batch.bucket).into();
        let job = DeleteBatch {
            since: options.began.unwrap_or_else(Instant::now),
            resource,
            pending: Arc::new(Mutex::new(batch)),
            responses: ByteCounter::default(),
        };
        let outcome = self.run(job.clone(), options).await;
        job.outcomes(outcome.as_ref().err())
    }
}

/// Keys of one bucket, with their indices in the caller's input.
#[derive(Debug)]
struct Batch {
    bucket: Arc<str>,
    waiting: Vec<(usize, S3Url)>,
    /// Errors in the last response for waiting keys, by their index in the caller's input.
    rejected: BTreeMap<usize, Error>,
    done: Vec<(usize, Result<()>)>,
}

fn batches(urls: Vec<S3Url>) -> Vec<Batch> {
    let mut buckets: BTreeMap<String, Vec<(usize, S3Url)>> = BTreeMap::new();
    for (index, url) in urls.into_iter().enumerate() {
        buckets
            .entry(url.bucket().to_owned())
            .or_default()
            .push((index, url));
    }
    let mut batches = Vec::new();
    for (bucket, mut urls) in buckets {
        while !urls.is_empty() {
            let rest = urls.split_off(urls.len().min(DeleteRequest::MAX_KEYS));
            let waiting = std::mem::replace(&mut urls, rest);
            batches.push(Batch {
                bucket: bucket.as_str().into(),
                waiting,
                rejected: BTreeMap::new(),
                done: Vec::new(),
            });
        }
    }
    batches
}

/// Job that deletes the waiting keys with one DeleteObjects request. Keys that fail with a transient error stay
/// waiting.
#[derive(Clone, Debug)]
struct DeleteBatch {
    /// When the call began.
    since: Instant,
    resource: Arc<str>,
    pending: Arc<Mutex<Batch>>,
    /// Counts the responses of a server without batch deletes.
    responses: ByteCounter,
}

impl DeleteBatch {
    fn pending(&self) -> MutexGuard<'_, Batch> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn outcomes(&self, last: Option<&Error>) -> Vec<(usize, Result<()>)> {
        let mut batch = self.pending();
        let mut done = std::mem::take(&mut batch.done);
        let unfinished = std::mem::take(&mut batch.waiting);
        for (index, url) in unfinished {
            let last = last.expect("keys are left only after a failure");
            // The key's own error in the last response, or else the error of the request.
            let error = match batch.rejected.remove(&index) {
                Some(own) if last.retryability() == Retryability::Spent => own
                    .with_attempts(last.attempts())
                    .with_attempt_log(last.attempt_log().cloned().unwrap_or_default())
                    .with_retryability(last.retryability()),
                _ => last.duplicate().with_resource(url),
            };
            done.push((index, Err(error)));
        }
        done
    }
}

impl Job for DeleteBatch {
    type Output = ();

    fn operation(&self) -> Operation {
        Operation::Delete
    }

    fn resource(&self) -> &str {
        &self.resource
    }

    fn byte_counter(&self) -> Option<&ByteCounter> {
        Some(&self.responses)
    }

    fn extra_stall_time(&self) -> Duration {
        let keys = self.pending().waiting.len() as u64;
        Duration::from_secs(keys / DELETES_PER_SECOND)
    }

    async fn run(self, store: SharedStore) -> Result<()> {
        let began = Instant::now();
        let request = {
            let mut batch = self.pending();
            batch.rejected.clear();
            let urls = batch.waiting.iter().map(|(_, url)| url.clone()).collect();
            DeleteRequest::new(Arc::clone(&batch.bucket), urls).counted_by(self.responses.clone())
        };
        let mut failures: BTreeMap<usize, Error> =
            store.delete(request).await?.failures.into_iter().collect();
        let mut batch = self.pending();
        let mut again = None;
        let waiting = std::mem::take(&mut batch.waiting);
        for (position, (index, url)) in waiting.into_iter().enumerate() {
            match failures.remove(&position) {
                None => batch.done.push((index, Ok(()))),
                Some(error) if error.retryability().is_retryable() => {
                    batch.waiting.push((index, url));
                    again = Some(error.duplicate());
                    batch.rejected.insert(index, error);
                }
                Some(error) => {
                    let since = began.saturating_duration_since(self.since);
                    let mut log = AttemptLog::default();
                    log.push(Attempt::failed(&error, since, began.elapsed()));
                    batch.done.push((index, Err(error.with_attempt_log(log))));
                }
            }
        }
        again.map_or(Ok(()), Err)
    }
}
