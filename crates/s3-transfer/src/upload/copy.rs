//! `Transfer::copy`: server-side copy, in one request or in parts.

use std::time::Duration;

use s3_core::{
    Attributes, Conditions, CopyRequest, Error, ErrorKind, GetTags, HeadRequest, ObjectMeta,
    Operation, PartTag, PutMode, PutResponse, Result, Store, UploadPartCopy,
};

use super::multipart::{Completed, next_tag};
use super::target::{Upload, WriteTarget, unconditional};
use crate::observer::ObjectEvents;
use crate::parts::{cut, upload_size};
use crate::request_job::request_job;
use crate::worker_pool::PoolJoinSet;
use crate::{CallOptions, Transfer};

/// The largest object that one request copies, by S3's documentation.
const SINGLE_COPY: u64 = 5 << 30;
/// The part size of a larger copy: 512 MiB. Parts are large, because no bytes pass through the client.
pub const COPY_PART: u64 = 512 << 20;
/// How many parts are copied concurrently. 16, because the server takes seconds for each.
const MAX_PARTS_IN_FLIGHT: usize = 16;
/// In bytes per second, 8 MiB/s: a slower copy counts as stalled. The server responds only when it is done, so every
/// copy in one request may take as long as the largest: 10 minutes for 5 GiB. An estimate.
const SLOWEST_COPY: u64 = 8 << 20;

impl Transfer {
    /// Copies an object without moving its bytes through the client.
    ///
    /// Requests: one. For an object of more than 5 GiB: the rejected copy, one HEAD, two for the upload and one per 512
    /// MiB. A condition on the target costs one HEAD more, and another one if it does not hold. If the response to a
    /// conditional copy is lost and its retry fails with 412, two HEADs find out whether the first attempt succeeded. On a
    /// server that ignores the condition of a copy, the HEAD and the copy are not atomic.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use s3_core::{CopyRequest, MemoryStore, Payload, S3Url};
    /// use s3_transfer::{CallOptions, PutItem, Transfer, TransferConfig};
    ///
    /// let transfer = Transfer::new(MemoryStore::with_buckets(["b"]), TransferConfig::default());
    /// let options = CallOptions::default();
    /// let url = S3Url::parse("s3://b/k")?;
    /// transfer.put(PutItem::new(url.clone(), Payload::from("hello").into()), &options).await?;
    /// let to = S3Url::parse("s3://b/copy")?;
    /// transfer.copy(CopyRequest::new(url, to.clone()), &options).await?;
    /// assert_eq!(transfer.head(to, &options).await?.size, 5);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// * `NotFound`, `NoSuchBucket`, `AccessDenied`.
    /// * `PreconditionFailed` if a condition of the request does not hold.
    /// * `Unsupported` on a server that would ignore [`PutMode::IfMatch`], or any target condition of a large copy.
    /// * `InvalidInput` for a copy of an object onto itself that changes nothing.
    pub async fn copy(&self, request: CopyRequest, options: &CallOptions) -> Result<PutResponse> {
        let url = request.to.clone();
        let options = self.call_options(options);
        let events = ObjectEvents::start(&options, Operation::Copy, &url, None);
        // Boxed once here, as in `put`: callers embed this future in theirs.
        let mut work = Box::pin(self.copy_any(request, &options));
        let outcome = options
            .until_deadline(Operation::Copy, url.as_str(), work.as_mut())
            .await;
        events.finish(&outcome, |_| (0, None));
        outcome
    }

    async fn copy_any(&self, request: CopyRequest, options: &CallOptions) -> Result<PutResponse> {
        let single = self.with_honoured_condition(&request, options).await?;
        let rejection = match self.copy_single(single.clone(), options).await {
            Ok(response) => return Ok(response),
            Err(error) => error,
        };
        match rejection.kind() {
            ErrorKind::InvalidInput => {}
            ErrorKind::PreconditionFailed => {
                let earlier = self.earlier_copy(&single, &rejection, options).await?;
                return earlier.ok_or(rejection);
            }
            _ => return Err(rejection),
        }
        let source = self.head_source(&request, options).await?;
        if source.size <= SINGLE_COPY {
            return Err(rejection);
        }
        // Boxed: few copies need it, and the future of every copy would be as large.
        Box::pin(self.copy_parts(request, source, options)).await
    }

    /// Returns the request for a copy in one request, without a target condition that the server is known to ignore.
    ///
    /// A HEAD looks for the target first: servers that honour `If-None-Match` for a put may ignore it for a copy (moto 5
    /// does), and would replace the object.
    async fn with_honoured_condition(
        &self,
        request: &CopyRequest,
        options: &CallOptions,
    ) -> Result<CopyRequest> {
        let server = self.store().capabilities();
        let mut single = request.clone();
        match &single.mode {
            PutMode::Overwrite => return Ok(single),
            PutMode::IfMatch(_) if !server.put_if_match => return Err(unconditional(&single.to)),
            _ => {}
        }
        let found = match self.find(&single.to, options).await {
            // Without permission to list, a HEAD of a missing object also fails with 403: the server decides.
            Err(error) if error.kind() == ErrorKind::AccessDenied => None,
            found => found?,
        };
        let holds = found.is_none_or(|found| match &single.mode {
            PutMode::IfMatch(named) => found.etag.as_ref() == Some(named),
            _ => false,
        });
        if !holds {
            // As S3 does, report a missing source before a target that exists.
            let source = self.head_source(request, options).await;
            if let Err(error) = source
                && error.kind() == ErrorKind::NotFound
            {
                return Err(error);
            }
            return Err(Error::new(ErrorKind::PreconditionFailed, Operation::Copy)
                .with_resource(&single.to)
                .with_message("the target exists, or its ETag is not the one in the condition"));
        }
        if single.mode == PutMode::IfAbsent && !server.put_if_absent {
            single.mode = PutMode::Overwrite;
        }
        Ok(single)
    }

    async fn copy_single(
        &self,
        request: CopyRequest,
        options: &CallOptions,
    ) -> Result<PutResponse> {
        let resource = request.to.clone();
        let job = request_job!(Operation::Copy, resource.as_str(), copy(request));
        let longest = Duration::from_secs(SINGLE_COPY / SLOWEST_COPY);
        self.run(job.with_extra_stall_time(longest), options).await
    }

    /// Returns the source of a copy, with its checksum, if it meets the conditions of the copy. One HEAD.
    ///
    /// # Errors
    ///
    /// `NotFound`, `AccessDenied`, `PreconditionFailed`, and the errors of every call.
    pub async fn head_source(
        &self,
        request: &CopyRequest,
        options: &CallOptions,
    ) -> Result<ObjectMeta> {
        let mut head = HeadRequest::new(request.from.clone()).with_checksum();
        head.version.clone_from(&request.source_version);
        head.conditions.clone_from(&request.source_conditions);
        match self.head_with(head, options).await {
            // A read reports a failed condition as 304; for a copy it is a failed precondition.
            Err(error) if error.kind() == ErrorKind::NotModified => {
                Err(error.with_kind(ErrorKind::PreconditionFailed))
            }
            source => source,
        }
    }

    /// Returns the attributes for a multipart copy, where the server copies none: those of the request, or else of the
    /// source. Sends no request, or one to read the tags of the source.
    ///
    /// # Errors
    ///
    /// Those of [`get_tags`](Self::get_tags).
    pub async fn attributes_of_copy(
        &self,
        request: &CopyRequest,
        source: &ObjectMeta,
        options: &CallOptions,
    ) -> Result<Attributes> {
        let mut attributes = request.attributes.clone().unwrap_or_else(|| {
            let mut kept = source.attributes.clone();
            // As in a copy in one request, encryption and storage class of the source are not copied.
            kept.encryption = None;
            kept.storage_class = None;
            kept
        });
        let encryption = request.encryption.clone();
        attributes.encryption = encryption.or(attributes.encryption);
        let of_source = source.checksum.as_ref().map(|checksum| checksum.algorithm);
        let algorithm = request.checksum_algorithm.or(attributes.checksum_algorithm);
        attributes.checksum_algorithm = algorithm.or(of_source);
        match &request.tags {
            Some(tags) => attributes.tags = tags.clone(),
            None if attributes.tags.is_empty() && source.tag_count > 0 => {
                let mut get = GetTags::new(request.from.clone());
                get.version.clone_from(&request.source_version);
                attributes.tags = self.get_tags(get, options).await?;
            }
            None => {}
        }
        Ok(attributes)
    }

    async fn copy_parts(
        &self,
        request: CopyRequest,
        source: ObjectMeta,
        options: &CallOptions,
    ) -> Result<PutResponse> {
        let attributes = self.attributes_of_copy(&request, &source, options).await?;
        let target = WriteTarget {
            url: request.to,
            mode: request.mode,
            attributes,
        };
        // A put checks whether the target exists; a copy does not.
        let conditions = self.store().capabilities().complete_conditions;
        if target.mode == PutMode::IfAbsent && !conditions {
            return Err(unconditional(&target.url));
        }
        let (upload, mut guard) = self.begin(&target, options).await?;
        // The ETag pins the parts to one version. Reading a version by its ID requires another permission.
        let learned = source.version.filter(|_| source.etag.is_none());
        let version = request.source_version.or(learned);
        let size = upload_size(source.size, COPY_PART);
        let parts = (1..).zip(cut(0..source.size, size)).map(|(number, range)| {
            let Upload { url, id, .. } = upload.clone();
            let mut part = UploadPartCopy::new(url, id, number, request.from.clone());
            part.source_version.clone_from(&version);
            part.range = Some(range.into());
            let named = request.source_conditions.if_match.as_ref();
            part.source_if_match = source.etag.as_ref().or(named).cloned();
            part
        });
        let parts: Vec<UploadPartCopy> = parts.collect();
        let copied = self.copy_all(parts, guard.parts(), options).await;
        // Parts are pinned to the version that the HEAD described, even if the caller set no condition.
        let has_conditions = request.source_conditions != Conditions::default();
        let copied = copied.map_err(|error| match error.kind() {
            ErrorKind::PreconditionFailed if !has_conditions => error
                .with_kind(ErrorKind::ChangedDuringRead)
                .with_message(format!("{} was replaced during its copy", request.from)),
            _ => error,
        });
        let completed = match copied {
            Ok(mut tags) => {
                // S3 computes a checksum of each part; only one with the upload's algorithm is sent back.
                for tag in &mut tags {
                    let wanted = upload.checksum_algorithm;
                    tag.checksum.take_if(|sum| Some(sum.algorithm) != wanted);
                }
                self.complete(&upload, tags, target.mode, options).await
            }
            Err(error) => Err(error),
        };
        match completed {
            Ok(Completed::Written(response)) => {
                guard.completed();
                Ok(response)
            }
            Ok(Completed::PreconditionFailed(error)) | Err(error) => {
                guard.abort().await;
                Err(error)
            }
        }
    }

    async fn copy_all(
        &self,
        parts: Vec<UploadPartCopy>,
        running: &mut PoolJoinSet<Result<PartTag>>,
        options: &CallOptions,
    ) -> Result<Vec<PartTag>> {
        let mut tags = Vec::new();
        for part in parts {
            if running.len() >= MAX_PARTS_IN_FLIGHT {
                tags.extend(next_tag(running).await?);
            }
            let (transfer, options) = (self.clone(), options.clone());
            running.spawn(async move { transfer.copy_part(part, &options).await });
        }
        while let Some(tag) = next_tag(running).await? {
            tags.push(tag);
        }
        tags.sort_by_key(|tag| tag.number);
        Ok(tags)
    }

    /// Copies a range of an object into a part of an upload. One request.
    ///
    /// # Errors
    ///
    /// `NoSuchUpload`, `NotFound` and `PreconditionFailed` for the source, and the errors of every call.
    pub async fn copy_part(&self, part: UploadPartCopy, options: &CallOptions) -> Result<PartTag> {
        let resource = part.url.clone();
        let job = request_job!(
            Operation::UploadPartCopy,
            resource.as_str(),
            upload_part_copy(part)
        );
        let longest = Duration::from_secs(COPY_PART / SLOWEST_COPY);
        self.run(job.with_extra_stall_time(longest), options).await
    }
}
