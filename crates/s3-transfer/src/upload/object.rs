//! `Transfer::put`: uploads one object, in one request or in parts.

use std::pin::pin;

use bytes::Bytes;
use s3_core::{
    ErrorKind, HeadRequest, ObjectMeta, Operation, Payload, PutMode, PutRequest, PutResponse,
    Result, S3Url, Store,
};

use super::multipart::Parts;
use super::reader::Reader;
use super::reconcile::{WriteCheck, unseen};
use super::target::{MAX_WRITE_ROUNDS, WriteTarget, unconditional, unreadable};
use super::token::WriteToken;
use super::{PutItem, PutOutcome, Source};
use crate::observer::{ObjectEvents, report_sent};
use crate::request_job::{count_large_payload, request_job};
use crate::transfer::{Reservation, give_back};
use crate::{CallOptions, Transfer};

/// Memory that a file takes while it is sent. 512 KiB: the backends read files in chunks of 256 KiB, one of them ahead.
const FILE_BUFFER: u64 = 512 << 10;

impl Transfer {
    /// Uploads an object.
    ///
    /// Requests: one PUT for up to `single_put_up_to` bytes, else two and one per part. With
    /// [`PutMode::IfAbsent`], a small object costs one conditional PUT, and a large one a HEAD before anything is
    /// sent. On a server without conditional PUTs a small object costs a HEAD too, and the write is not atomic.
    /// A reader of unknown length is read to its end in chunks of `part_size`.
    ///
    /// If the response to a conditional write is lost, the object is checked before "already there" is reported.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use s3_core::{MemoryStore, Payload, PutMode, S3Url};
    /// use s3_transfer::{CallOptions, PutItem, PutOutcome, Transfer, TransferConfig};
    ///
    /// let transfer = Transfer::new(MemoryStore::with_buckets(["b"]), TransferConfig::default());
    /// let options = CallOptions::default();
    /// let url = S3Url::parse("s3://b/k")?;
    /// for expected in [true, false] {
    ///     let item = PutItem::new(url.clone(), Payload::from("once").into()).with_mode(PutMode::IfAbsent);
    ///     let outcome = transfer.put(item, &options).await?;
    ///     assert_eq!(matches!(outcome, PutOutcome::Written(_)), expected);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// `NoSuchBucket`, `AccessDenied`, `PreconditionFailed` for [`PutMode::IfMatch`], and `Unsupported` for it where
    /// the server would ignore it, `LocalIo` if the source cannot be read, `InvalidInput` beyond S3's limits, and
    /// the last transient error when no attempts are left.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future aborts a multipart upload in the background. A PUT in flight may take effect.
    pub async fn put(&self, item: PutItem, options: &CallOptions) -> Result<PutOutcome> {
        let url = item.url.clone();
        let options = self.call_options(options);
        let planned = match &item.source {
            Source::Payload(payload) => Some(payload.len()),
            _ => None,
        };
        let events = ObjectEvents::start(&options, Operation::Put, &url, planned);
        // Boxed once here: callers move the future of a put into their own several times.
        let mut work = Box::pin(self.put_source(item, &options));
        let outcome = options
            .until_deadline(Operation::Put, url.as_str(), work.as_mut())
            .await;
        events.finish(&outcome, |(_, bytes)| (*bytes, None));
        outcome.map(|(outcome, _)| outcome)
    }

    /// Returns the outcome of the write, and how many bytes were sent for it.
    async fn put_source(&self, item: PutItem, options: &CallOptions) -> Result<(PutOutcome, u64)> {
        let target = WriteTarget {
            url: item.url,
            mode: item.mode,
            attributes: item.attributes,
        };
        match item.source {
            Source::Payload(payload) => self.put_payload(target, payload, options).await,
            // Boxed: most puts are payloads, and the future of a call stays small.
            Source::Read(reader) => {
                let reader = Reader::Blocking(Some(reader));
                Box::pin(self.put_reader(target, reader, options)).await
            }
            Source::AsyncRead(reader) => {
                Box::pin(self.put_reader(target, Reader::Async(reader), options)).await
            }
        }
    }

    async fn put_payload(
        &self,
        target: WriteTarget,
        payload: Payload,
        options: &CallOptions,
    ) -> Result<(PutOutcome, u64)> {
        if payload.len() <= self.config().single_put_up_to {
            return self.put_single(target, payload, options).await;
        }
        Box::pin(self.put_parts(target, Parts::Payload(payload), options)).await
    }

    async fn put_reader(
        &self,
        target: WriteTarget,
        mut reader: Reader,
        options: &CallOptions,
    ) -> Result<(PutOutcome, u64)> {
        let size = usize::try_from(self.config().part_size).unwrap_or(usize::MAX);
        let mut reservation = self.reserve_to_collect(self.config().part_size).await;
        let head: Bytes = reader
            .read(size)
            .await
            .map_err(|cause| unreadable(&target.url, cause))?;
        give_back(&mut reservation, head.len());
        if head.len() < size {
            return self.put_single(target, head.into(), options).await;
        }
        let head = Some((head, reservation));
        Box::pin(self.put_parts(target, Parts::Reader { head, reader }, options)).await
    }

    async fn put_single(
        &self,
        target: WriteTarget,
        payload: Payload,
        options: &CallOptions,
    ) -> Result<(PutOutcome, u64)> {
        let len = payload.len();
        let outcome = self.put_whole(target, payload, options).await?;
        let sent = match outcome {
            PutOutcome::Written(_) => len,
            PutOutcome::AlreadyThere => 0,
        };
        Ok((outcome, sent))
    }

    async fn put_whole(
        &self,
        target: WriteTarget,
        payload: Payload,
        options: &CallOptions,
    ) -> Result<PutOutcome> {
        let absent = target.mode == PutMode::IfAbsent;
        let atomic = self.store().capabilities().put_if_absent;
        if absent && !atomic && self.is_there(&target.url, options).await? {
            return Ok(PutOutcome::AlreadyThere);
        }
        let mode = if absent && !atomic {
            PutMode::Overwrite
        } else {
            target.mode
        };
        if matches!(mode, PutMode::IfMatch(_)) && !self.store().capabilities().put_if_match {
            return Err(unconditional(&target.url));
        }
        let mut attributes = target.attributes;
        let token = match mode {
            PutMode::Overwrite => None,
            _ => self.name_write(&mut attributes),
        };
        let request = PutRequest::new(target.url, payload)
            .with_mode(mode)
            .with_attributes(attributes);
        if request.mode == PutMode::Overwrite {
            return self
                .send_put(request, options)
                .await
                .map(PutOutcome::Written);
        }
        Box::pin(self.put_on_condition(request, token, options)).await
    }

    /// Writes conditionally. If the condition fails, finds out whether an earlier attempt of this write or another
    /// writer made it fail.
    async fn put_on_condition(
        &self,
        request: PutRequest,
        token: Option<WriteToken>,
        options: &CallOptions,
    ) -> Result<PutOutcome> {
        let absent = request.mode == PutMode::IfAbsent;
        let mut doubtful = false;
        for round in 1.. {
            let rejection = match self.send_put(request.clone(), options).await {
                Ok(written) => return Ok(PutOutcome::Written(written)),
                Err(error) if error.kind() == ErrorKind::PreconditionFailed => error,
                Err(error) => return Err(error),
            };
            doubtful |= rejection.attempts() > 1;
            let check = if doubtful {
                let token = token.as_ref();
                match self.earlier_success(&request, token, options).await {
                    Err(error) if error.kind() == ErrorKind::AccessDenied => {
                        return Err(unseen(rejection));
                    }
                    check => check?,
                }
            } else {
                WriteCheck::Foreign
            };
            match check {
                WriteCheck::Ours(written) => return Ok(PutOutcome::Written(written)),
                WriteCheck::Foreign if absent => return Ok(PutOutcome::AlreadyThere),
                // The object was deleted meanwhile, so neither "already there" nor "failed" is certain: try again.
                WriteCheck::Missing if absent && round < MAX_WRITE_ROUNDS => {}
                _ => return Err(rejection),
            }
        }
        unreachable!("the last round returns")
    }

    async fn send_put(
        &self,
        mut request: PutRequest,
        options: &CallOptions,
    ) -> Result<PutResponse> {
        let (resource, len) = (request.url.clone(), request.payload.len());
        self.wait_for_rate(len).await;
        let _reservation = self.reserve_for(&request.payload).await;
        let sent = count_large_payload(&mut request.payload);
        let job = request_job!(Operation::Put, resource.as_str(), put(request));
        let work = pin!(self.run(job.with_upload(len, sent.clone()), options));
        report_sent(options, &resource, len, sent, work).await
    }

    /// Reserves the memory for sending a payload: a buffer for a file, nothing for bytes that are already in memory.
    pub(crate) async fn reserve_for(&self, payload: &Payload) -> Option<Reservation> {
        if payload.is_empty() || payload.as_chunks().is_some() {
            return None;
        }
        Some(self.reserve_to_send(payload.len().min(FILE_BUFFER)).await)
    }

    pub(crate) async fn is_there(&self, url: &S3Url, options: &CallOptions) -> Result<bool> {
        Ok(self.find(url, options).await?.is_some())
    }

    /// Returns an object's metadata; `None` if it does not exist. One HEAD.
    pub(crate) async fn find(
        &self,
        url: &S3Url,
        options: &CallOptions,
    ) -> Result<Option<ObjectMeta>> {
        self.find_with(HeadRequest::new(url.clone()), options).await
    }

    /// As [`find`](Self::find), of one version or with the checksum.
    pub(super) async fn find_with(
        &self,
        head: HeadRequest,
        options: &CallOptions,
    ) -> Result<Option<ObjectMeta>> {
        match self.head_with(head, options).await {
            Ok(meta) => Ok(Some(meta)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use s3_core::MemoryStore;

    use super::*;
    use crate::TransferConfig;

    #[tokio::test]
    async fn only_payloads_from_files_reserve_memory() {
        let transfer = Transfer::new(MemoryStore::new(), TransferConfig::default());
        let file = Arc::new(tempfile::tempfile().unwrap());
        for (payload, takes) in [
            (Payload::from("some bytes"), false),
            (Payload::empty(), false),
            (Payload::from_file(Arc::clone(&file), 0, 0), false),
            (Payload::from_file(file, 0, 10), true),
        ] {
            let reservation = transfer.reserve_for(&payload).await;
            assert_eq!(reservation.is_some(), takes, "{payload:?}");
        }
    }
}
