//! `UploadSession` and single upload requests: multipart uploads whose parts the caller sends.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use s3_core::{
    Attributes, CompleteUpload, CreateUpload, ErrorKind, Operation, PartTag, Payload, PutMode,
    Result, S3Url, Store, UploadId, UploadPart,
};
use tokio::sync::oneshot;

use super::PutOutcome;
use super::abort::UploadGuard;
use super::multipart::Completed;
use super::target::{Upload, WriteTarget, unconditional};
use super::token::WriteToken;
use crate::observer::ObjectEvents;
use crate::parts::MAX_PARTS;
use crate::{CallOptions, Error, Transfer};

/// A multipart upload in progress: parts are sent in any order and at the same time.
///
/// Dropping it cancels its parts and aborts the upload in the background.
pub struct UploadSession {
    transfer: Transfer,
    options: CallOptions,
    upload: Upload,
    mode: PutMode,
    /// The futures of parts have weak references, so they fail after the end of the session.
    parts: Arc<Mutex<SessionParts>>,
    events: ObjectEvents,
}

#[derive(Debug)]
struct SessionParts {
    /// `None` when the session has ended.
    guard: Option<UploadGuard>,
    /// The tag and the length of each part; `None` while it is in flight, and after it failed.
    sent: BTreeMap<u32, Option<(PartTag, u64)>>,
}

fn lock(parts: &Mutex<SessionParts>) -> MutexGuard<'_, SessionParts> {
    parts.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Transfer {
    /// Begins an upload whose parts the caller sends. One request.
    ///
    /// It is for sources other than a single reader or payload, which [`put`](Self::put) cuts into parts. The deadline
    /// and the observer of `options` apply to the whole upload.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use s3_core::{Attributes, MemoryStore, PutMode, S3Url};
    /// use s3_transfer::{CallOptions, Transfer, TransferConfig};
    ///
    /// let transfer = Transfer::new(MemoryStore::with_buckets(["b"]), TransferConfig::default());
    /// let (url, options) = (S3Url::parse("s3://b/k")?, CallOptions::default());
    /// let mode = PutMode::IfAbsent;
    /// let upload = transfer.begin_upload(url.clone(), Attributes::default(), mode, &options).await?;
    /// let (first, second) = (vec![b'a'; 5 << 20], "the rest");
    /// tokio::try_join!(upload.put_part(2, second.into()), upload.put_part(1, first.into()))?;
    /// upload.complete().await?;
    /// assert_eq!(transfer.head(url, &options).await?.size, (5 << 20) + 8);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// `NoSuchBucket`, `AccessDenied`, `Unsupported` if the server would ignore the condition of `mode`, and the errors
    /// of every call.
    pub async fn begin_upload(
        &self,
        url: S3Url,
        attributes: Attributes,
        mode: PutMode,
        options: &CallOptions,
    ) -> Result<UploadSession> {
        if mode != PutMode::Overwrite && !self.store().capabilities().complete_conditions {
            return Err(unconditional(&url));
        }
        let options = self.call_options(options);
        let events = ObjectEvents::start(&options, Operation::Put, &url, None);
        let target = WriteTarget {
            url,
            mode,
            attributes,
        };
        let begun = {
            let beginning = pin!(self.begin(&target, &options));
            let url = target.url.as_str();
            options.until_deadline(Operation::Put, url, beginning).await
        };
        let (upload, guard) = match begun {
            Ok(begun) => begun,
            Err(error) => {
                let outcome = Err(error);
                events.finish(&outcome, |()| (0, None));
                return outcome.map(|()| unreachable!("it is an error"));
            }
        };
        let parts = SessionParts {
            guard: Some(guard),
            sent: BTreeMap::new(),
        };
        Ok(UploadSession {
            transfer: self.clone(),
            options,
            upload,
            mode: target.mode,
            parts: Arc::new(Mutex::new(parts)),
            events,
        })
    }

    /// Creates an upload and returns its ID. It is only aborted by the caller, with this ID. One request.
    ///
    /// Use it if several processes send the parts. Otherwise use [`begin_upload`](Self::begin_upload), which aborts an
    /// unfinished upload.
    ///
    /// # Errors
    ///
    /// `NoSuchBucket`, `AccessDenied`, and the errors of every call.
    pub async fn create_upload(
        &self,
        request: CreateUpload,
        options: &CallOptions,
    ) -> Result<UploadId> {
        let created = self.create_named_upload(request, options).await?;
        Ok(created.id)
    }

    /// As [`create_upload`](Self::create_upload), and returns the token that identifies the object of this upload.
    ///
    /// # Errors
    ///
    /// As [`create_upload`](Self::create_upload).
    pub async fn create_named_upload(
        &self,
        request: CreateUpload,
        options: &CallOptions,
    ) -> Result<CreatedUpload> {
        let target = WriteTarget {
            url: request.url,
            mode: PutMode::Overwrite,
            attributes: request.attributes,
        };
        let (upload, guard) = self.begin(&target, options).await?;
        guard.completed();
        Ok(CreatedUpload {
            id: upload.id,
            token: upload.token.map(WriteToken::into_string),
        })
    }

    /// Sends one part of an upload. One request.
    ///
    /// # Errors
    ///
    /// `NoSuchUpload`, `LocalIo` if the payload cannot be read, and the errors of every call.
    pub async fn upload_part(&self, part: UploadPart, options: &CallOptions) -> Result<PartTag> {
        let _reservation = self.reserve_for(&part.payload).await;
        self.send_part(part, options).await
    }

    /// Completes an upload, given its ID and its parts. One request; one more if the response is lost. The object's
    /// ETag then shows whether it consists of these parts, if the server computes ETags from the parts' digests.
    ///
    /// On a server whose completions take no conditions, [`PutMode::IfAbsent`] costs a HEAD, and the write is not
    /// atomic.
    ///
    /// # Errors
    ///
    /// `NoSuchUpload`, `PreconditionFailed` for [`PutMode::IfMatch`], and `Unsupported` for it where the server would
    /// ignore it, and the errors of every call.
    pub async fn complete_upload(
        &self,
        request: CompleteUpload,
        options: &CallOptions,
    ) -> Result<PutOutcome> {
        self.complete_named_upload(request, None, options).await
    }

    /// As [`complete_upload`](Self::complete_upload). If the response is lost, the token of the upload shows whether
    /// this upload created the object, whatever its ETag is.
    ///
    /// # Errors
    ///
    /// As [`complete_upload`](Self::complete_upload).
    pub async fn complete_named_upload(
        &self,
        request: CompleteUpload,
        token: Option<String>,
        options: &CallOptions,
    ) -> Result<PutOutcome> {
        let is_checked_by_server = self.store().capabilities().complete_conditions;
        if !is_checked_by_server
            && self
                .keeps_existing(&request.url, &request.mode, options)
                .await?
        {
            return Ok(PutOutcome::AlreadyThere);
        }
        let upload = Upload {
            url: request.url,
            id: request.upload,
            token: token.map(WriteToken::from_string),
            checksum_algorithm: None,
        };
        let completed = self.complete(&upload, request.parts, request.mode.clone(), options);
        outcome(completed.await?, &request.mode)
    }
}

/// An upload that any process can complete if it knows the ID.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CreatedUpload {
    /// The server's ID of the upload.
    pub id: UploadId,
    /// The value of [`WRITE_NAME`](crate::WRITE_NAME) in the metadata of its object, if there was room for it.
    pub token: Option<String>,
}

fn outcome(completed: Completed, mode: &PutMode) -> Result<PutOutcome> {
    match completed {
        Completed::Written(response) => Ok(PutOutcome::Written(response)),
        Completed::PreconditionFailed(_) if *mode == PutMode::IfAbsent => {
            Ok(PutOutcome::AlreadyThere)
        }
        Completed::PreconditionFailed(error) => Err(error),
    }
}

impl UploadSession {
    /// Returns the server's ID of the upload.
    #[must_use]
    pub fn id(&self) -> &UploadId {
        &self.upload.id
    }

    /// Sends a part. Its number, from 1, is its position in the object. One request, sent when the future is polled.
    ///
    /// Any number of parts may be in flight, each in its own task. S3 requires at least 5 MiB for each but the last.
    /// A part that is sent again replaces the earlier one.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a number that is not in 1 to 10,000, `Cancelled` after the end of the session,
    /// `NoSuchUpload`, `LocalIo` if the payload cannot be read, and the errors of every call.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the part. The upload cannot be completed then, unless the part is sent again.
    pub fn put_part(
        &self,
        number: u32,
        payload: Payload,
    ) -> impl Future<Output = Result<PartTag>> + Send + 'static {
        // Inserted before the future is polled, so that a completion fails if the future is dropped.
        lock(&self.parts).sent.insert(number, None);
        let mut part = UploadPart::new(
            self.upload.url.clone(),
            self.upload.id.clone(),
            number,
            payload,
        );
        part.checksum_algorithm = self.upload.checksum_algorithm;
        let parts = Arc::downgrade(&self.parts);
        send_in_task(self.transfer.clone(), self.options.clone(), part, parts)
    }

    /// Completes the upload from its parts. One request; one more for an empty part if there are no parts.
    ///
    /// As with [`put`](Transfer::put), the object is checked if the response is lost, and a failure aborts the upload.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if a part has not been sent, because its future failed, was dropped or is pending;
    /// `PreconditionFailed` for [`PutMode::IfMatch`], and the errors of every call.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future aborts the upload. A completion in flight may take effect.
    pub async fn complete(self) -> Result<PutOutcome> {
        let outcome = {
            let work = pin!(self.complete_parts());
            let url = self.upload.url.as_str();
            self.options.until_deadline(Operation::Put, url, work).await
        };
        self.events.finish(&outcome, |(_, bytes)| (*bytes, None));
        outcome.map(|(outcome, _)| outcome)
    }

    async fn complete_parts(&self) -> Result<(PutOutcome, u64)> {
        if lock(&self.parts).sent.is_empty() {
            self.put_part(1, Payload::empty()).await?;
        }
        let (guard, sent) = {
            let mut parts = lock(&self.parts);
            (parts.guard.take(), std::mem::take(&mut parts.sent))
        };
        let guard = guard.expect("only the end of the session takes it");
        let bytes = sent.values().flatten().map(|(_, len)| *len).sum();
        let completed = match tags(sent) {
            Ok(tags) => {
                let (transfer, mode) = (&self.transfer, self.mode.clone());
                transfer
                    .complete(&self.upload, tags, mode, &self.options)
                    .await
            }
            Err(number) => Err(failed(&self.upload.url, ErrorKind::InvalidInput)
                .with_message(format!("part {number} has not been uploaded"))),
        };
        match completed {
            Ok(Completed::Written(response)) => {
                guard.completed();
                Ok((PutOutcome::Written(response), bytes))
            }
            Ok(rejected) => {
                guard.abort().await;
                outcome(rejected, &self.mode).map(|outcome| (outcome, 0))
            }
            Err(error) => {
                guard.abort().await;
                Err(error)
            }
        }
    }

    /// Cancels all parts and aborts the upload. Waits for the response, for at most one stall timeout; then the
    /// attempts continue in the background, as after a drop.
    pub async fn abort(self) {
        let guard = lock(&self.parts).guard.take();
        if let Some(guard) = guard {
            guard.abort().await;
        }
    }
}

impl fmt::Debug for UploadSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UploadSession").field(&self.upload).finish()
    }
}

/// Returns the tags in the order of the parts, or the number of a part that is missing.
fn tags(sent: BTreeMap<u32, Option<(PartTag, u64)>>) -> std::result::Result<Vec<PartTag>, u32> {
    let tag = |(number, sent): (u32, Option<(PartTag, u64)>)| match sent {
        Some((tag, _)) => Ok(tag),
        None => Err(number),
    };
    sent.into_iter().map(tag).collect()
}

fn failed(url: &S3Url, kind: ErrorKind) -> Error {
    Error::new(kind, Operation::UploadPart).with_resource(url)
}

/// Sends a part in a task that the session's guard owns, and ends before it aborts the upload.
async fn send_in_task(
    transfer: Transfer,
    options: CallOptions,
    part: UploadPart,
    parts: Weak<Mutex<SessionParts>>,
) -> Result<PartTag> {
    let (url, number, len) = (part.url.clone(), part.number, part.payload.len());
    if !(1..=MAX_PARTS).contains(&u64::from(number)) {
        return Err(failed(&url, ErrorKind::InvalidInput)
            .with_message(format!("part {number} is not in 1 to {MAX_PARTS}")));
    }
    let ended = || failed(&url, ErrorKind::Cancelled).with_message("the upload has ended");
    let (mut reply, outcome) = oneshot::channel();
    let task = async move {
        let mut sending = pin!(transfer.upload_part(part, &options));
        let outcome = tokio::select! {
            outcome = &mut sending => outcome,
            () = reply.closed() => Err(Error::new(ErrorKind::Cancelled, Operation::UploadPart)),
        };
        // The guard waits only for the end of the task.
        let end = outcome.as_ref().cloned().map_err(Error::duplicate);
        let _ = reply.send(outcome);
        end
    };
    let open = parts.upgrade().is_some_and(|parts| {
        let guard = &mut lock(&parts).guard;
        guard
            .as_mut()
            .map(|guard| guard.parts().spawn(task))
            .is_some()
    });
    if !open {
        return Err(ended());
    }
    let tag = outcome.await.map_err(|_| ended())??;
    if let Some(parts) = parts.upgrade() {
        lock(&parts).sent.insert(number, Some((tag.clone(), len)));
    }
    Ok(tag)
}
