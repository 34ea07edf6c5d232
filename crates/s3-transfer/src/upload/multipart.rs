//! Multipart upload of an object: sends the parts, then completes the upload.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use s3_core::{
    CompleteUpload, Error, ErrorKind, Operation, PartTag, Payload, PutMode, PutResponse, Result,
    S3Url, Store, UploadPart,
};

use super::PutOutcome;
use super::reader::Reader;
use super::reconcile::{WriteCheck, unseen};
use super::target::{MAX_WRITE_ROUNDS, Upload, WriteTarget, unconditional, unreadable};
use crate::join_error::join_result;
use crate::observer::report_sent;
use crate::parts::{MAX_PARTS, growing_size, upload_size};
use crate::request_job::{count_large_payload, request_job};
use crate::transfer::{Reservation, give_back};
use crate::worker_pool::PoolJoinSet;
use crate::{CallOptions, Transfer};

/// Time that a completion may take in addition to the stall timeout: "several minutes", by S3's documentation. A second
/// request in the meantime would find no upload.
const COMPLETION: Duration = Duration::from_secs(180);

/// The source of the parts.
pub(crate) enum Parts {
    Payload(Payload),
    /// A reader. `head` was already read from it, into reserved memory.
    Reader {
        head: Option<(Bytes, Reservation)>,
        reader: Reader,
    },
}

/// Outcome of CompleteMultipartUpload.
pub(crate) enum Completed {
    Written(PutResponse),
    /// The condition of the upload does not hold.
    PreconditionFailed(Error),
}

impl Transfer {
    pub(crate) async fn put_parts(
        &self,
        target: WriteTarget,
        parts: Parts,
        options: &CallOptions,
    ) -> Result<(PutOutcome, u64)> {
        let absent = target.mode == PutMode::IfAbsent;
        if self
            .keeps_existing(&target.url, &target.mode, options)
            .await?
        {
            return Ok((PutOutcome::AlreadyThere, 0));
        }
        let (upload, mut guard) = self.begin(&target, options).await?;
        let mut sending = PartSender::new(self, &upload, guard.parts(), options);
        let sent = sending.all(parts).await;
        let bytes = sending.bytes;
        let completed = match sent {
            Ok(tags) => self.complete(&upload, tags, target.mode, options).await,
            Err(error) => Err(error),
        };
        match completed {
            Ok(Completed::Written(response)) => {
                guard.completed();
                Ok((PutOutcome::Written(response), bytes))
            }
            Ok(Completed::PreconditionFailed(_)) if absent => {
                guard.abort().await;
                Ok((PutOutcome::AlreadyThere, 0))
            }
            Ok(Completed::PreconditionFailed(error)) | Err(error) => {
                guard.abort().await;
                Err(error)
            }
        }
    }

    /// Returns whether the object exists and an upload in this mode must not replace it. Call it before the upload, so
    /// that no data is sent without effect. One HEAD for [`PutMode::IfAbsent`], otherwise no request.
    ///
    /// If HEAD is denied and the completion is conditional, the result is `false`: without permission to list, S3 also
    /// denies HEAD for missing keys.
    ///
    /// # Errors
    ///
    /// `Unsupported` for [`PutMode::IfMatch`] where the server would ignore it, and the errors of
    /// [`head`](Self::head).
    pub async fn keeps_existing(
        &self,
        url: &S3Url,
        mode: &PutMode,
        options: &CallOptions,
    ) -> Result<bool> {
        let conditions = self.store().capabilities().complete_conditions;
        match mode {
            PutMode::IfAbsent => {}
            PutMode::IfMatch(_) if !conditions => return Err(unconditional(url)),
            _ => return Ok(false),
        }
        match self.is_there(url, options).await {
            Err(denied) if denied.kind() == ErrorKind::AccessDenied && conditions => Ok(false),
            known => known,
        }
    }

    /// Completes an upload. If the server does not support conditional completions, the caller has checked `mode`.
    pub(crate) async fn complete(
        &self,
        upload: &Upload,
        parts: Vec<PartTag>,
        mode: PutMode,
        options: &CallOptions,
    ) -> Result<Completed> {
        let mut request = CompleteUpload::new(upload.url.clone(), upload.id.clone(), parts.clone());
        request.mode = if self.store().capabilities().complete_conditions {
            mode.clone()
        } else {
            PutMode::Overwrite
        };
        let mut doubtful = false;
        for round in 1.. {
            let error = match self.send_complete(request.clone(), options).await {
                Ok(response) => return Ok(Completed::Written(response)),
                Err(error) => error,
            };
            doubtful |= error.attempts() > 1;
            // A completion that is sent again after its own success fails: the upload is gone, or the object exists, or
            // the first completion is a conflicting write.
            let precondition_failed = error.kind() == ErrorKind::PreconditionFailed;
            let fails_after_success = matches!(
                error.kind(),
                ErrorKind::PreconditionFailed | ErrorKind::NoSuchUpload | ErrorKind::Conflict
            );
            let check = if doubtful && fails_after_success {
                match self.completed_earlier(upload, &parts, options).await {
                    Err(denied) if denied.kind() == ErrorKind::AccessDenied => {
                        return Err(unseen(error));
                    }
                    check => check?,
                }
            } else {
                WriteCheck::Foreign
            };
            match check {
                WriteCheck::Ours(written) => return Ok(Completed::Written(written)),
                WriteCheck::Foreign if precondition_failed => {
                    return Ok(Completed::PreconditionFailed(error));
                }
                WriteCheck::Missing
                    if precondition_failed
                        && mode == PutMode::IfAbsent
                        && round < MAX_WRITE_ROUNDS => {}
                _ => return Err(error),
            }
        }
        unreachable!("the last round returns")
    }

    async fn send_complete(
        &self,
        request: CompleteUpload,
        options: &CallOptions,
    ) -> Result<PutResponse> {
        let resource = request.url.clone();
        let job = request_job!(
            Operation::CompleteUpload,
            resource.as_str(),
            complete_upload(request)
        );
        self.run(job.with_extra_stall_time(COMPLETION), options)
            .await
    }
}

/// Sends the parts of an upload.
struct PartSender<'a> {
    transfer: &'a Transfer,
    upload: &'a Upload,
    options: &'a CallOptions,
    /// Owned by the upload's guard, which cancels them.
    running: &'a mut PoolJoinSet<Result<PartTag>>,
    sent: u32,
    bytes: u64,
    tags: Vec<PartTag>,
}

impl<'a> PartSender<'a> {
    fn new(
        transfer: &'a Transfer,
        upload: &'a Upload,
        running: &'a mut PoolJoinSet<Result<PartTag>>,
        options: &'a CallOptions,
    ) -> Self {
        Self {
            transfer,
            upload,
            options,
            running,
            sent: 0,
            bytes: 0,
            tags: Vec::new(),
        }
    }

    /// Sends all parts and returns their tags in order. After a failure others may still be in flight.
    async fn all(&mut self, parts: Parts) -> Result<Vec<PartTag>> {
        let payload = match parts {
            Parts::Payload(payload) => {
                self.payload(&payload).await?;
                Some(payload)
            }
            Parts::Reader { head, reader } => {
                self.reader(head, reader).await?;
                None
            }
        };
        while let Some(tag) = next_tag(self.running).await? {
            self.tags.push(tag);
        }
        if let Some(payload) = payload {
            let is_of_version = payload.check_version();
            is_of_version.map_err(|cause| unreadable(&self.upload.url, cause))?;
        }
        self.tags.sort_by_key(|tag| tag.number);
        Ok(std::mem::take(&mut self.tags))
    }

    /// Sends the slices of a payload. They are views: a file is read while its part is sent.
    async fn payload(&mut self, payload: &Payload) -> Result<()> {
        let size = upload_size(payload.len(), self.transfer.config().part_size);
        for part in crate::parts::cut(0..payload.len(), size) {
            let slice = payload.slice(part.start, part.end - part.start);
            let reservation = self.transfer.reserve_for(&slice).await;
            self.send(slice, reservation).await?;
        }
        Ok(())
    }

    async fn reader(
        &mut self,
        mut head: Option<(Bytes, Reservation)>,
        mut reader: Reader,
    ) -> Result<()> {
        loop {
            let size = growing_size(u64::from(self.sent), self.transfer.config().part_size);
            let len = usize::try_from(size).unwrap_or(usize::MAX);
            let (piece, reservation) = match head.take() {
                Some(head) => head,
                None => {
                    let mut reservation = self.transfer.reserve_to_collect(size).await;
                    let piece = reader.read(len).await;
                    let piece = piece.map_err(|cause| unreadable(&self.upload.url, cause))?;
                    give_back(&mut reservation, piece.len());
                    (piece, reservation)
                }
            };
            let last = piece.len() < len;
            if !piece.is_empty() {
                self.send(piece.into(), Some(reservation)).await?;
            }
            if last {
                return Ok(());
            }
        }
    }

    async fn send(&mut self, payload: Payload, reservation: Option<Reservation>) -> Result<()> {
        if u64::from(self.sent) >= MAX_PARTS {
            return Err(Error::new(ErrorKind::InvalidInput, Operation::Put)
                .with_resource(&self.upload.url)
                .with_message("the source does not end within 10,000 parts")
                .with_hint("a larger part_size makes room for a longer source"));
        }
        if self.running.len() >= self.transfer.config().concurrency.max() {
            self.tags.extend(next_tag(self.running).await?);
        }
        self.sent += 1;
        self.bytes += payload.len();
        let (url, id) = (self.upload.url.clone(), self.upload.id.clone());
        let mut part = UploadPart::new(url, id, self.sent, payload);
        part.checksum_algorithm = self.upload.checksum_algorithm;
        let (transfer, options) = (self.transfer.clone(), self.options.clone());
        self.running.spawn(async move {
            let _reservation = reservation;
            transfer.send_part(part, &options).await
        });
        Ok(())
    }
}

/// Waits until one of the parts in flight completes, and returns its tag.
pub(super) async fn next_tag(
    running: &mut PoolJoinSet<Result<PartTag>>,
) -> Result<Option<PartTag>> {
    let done = running.join_next().await;
    done.map(|done| join_result(done, Operation::UploadPart)?)
        .transpose()
}

impl Transfer {
    pub(super) async fn send_part(
        &self,
        mut part: UploadPart,
        options: &CallOptions,
    ) -> Result<PartTag> {
        let (resource, len) = (part.url.clone(), part.payload.len());
        self.wait_for_rate(len).await;
        let sent = count_large_payload(&mut part.payload);
        let job = request_job!(Operation::UploadPart, resource.as_str(), upload_part(part));
        let work = pin!(self.run(job.with_upload(len, sent.clone()), options));
        report_sent(options, &resource, len, sent, work).await
    }
}
