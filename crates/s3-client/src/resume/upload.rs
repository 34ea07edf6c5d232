//! Resumable upload of a file, or server-side copy, in parts: parts recorded in a journal are not sent again.

use std::collections::BTreeMap;
use std::fs::File;
use std::future::pending;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use s3_core::{
    AbortUpload, Attributes, CompleteUpload, Conditions, CopyRequest, CreateUpload, ETag,
    Error as RequestError, ErrorKind, ObjectMeta, Operation, PartTag, PutMode, PutResponse, S3Url,
    UploadId,
};
use s3_transfer::{COPY_PART, CreatedUpload, Event, PutOutcome, WRITE_NAME, etag_of_parts};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::content::{Content, FileContent, ObjectContent, PartInJournal};
use super::events::ObjectEvents;
use super::journal::Journal;
use super::kept::{InFlightGuard, Kept, LIFETIME, Resume, server};
use super::parts::{in_flight, part_size, parts};
use crate::call::Call;
use crate::error::{Error, Result};
use crate::on_blocking_thread::on_blocking_thread;

/// Minimum size of a part in S3, except for the last; `MAX_PART` is the maximum.
const MIN_PART: u64 = 5 << 20;
const MAX_PART: u64 = 5 << 30;

/// A file to upload, with the object to write.
#[derive(Clone, Debug)]
pub(crate) struct FileUpload {
    pub(crate) path: PathBuf,
    pub(crate) url: S3Url,
    pub(crate) mode: PutMode,
    pub(crate) attributes: Attributes,
}

/// The object to write.
struct ObjectTarget {
    url: S3Url,
    mode: PutMode,
    attributes: Attributes,
}

/// The state of a running upload.
struct RunningUpload<'a> {
    call: &'a Call,
    resume: &'a Resume,
    target: ObjectTarget,
    content: Content,
    size: u64,
    part_size: u64,
    journal_path: PathBuf,
    journal: Journal,
    /// The token stored with the object, which identifies the upload that wrote it.
    token: Option<String>,
    in_flight: Option<InFlightGuard>,
}

/// Uploads a file of several parts.
///
/// A file that changes during the upload is an error, and nothing of it is kept. After any other failure the parts stay
/// on the server, for the next run.
pub(crate) async fn upload(call: &Call, resume: &Resume, item: FileUpload) -> Result<PutOutcome> {
    let path =
        std::path::absolute(&item.path).map_err(|error| Error::local_file(&item.path, error))?;
    let opened = path.clone();
    let file = on_blocking_thread(move || {
        let file = File::open(&opened).map_err(|error| Error::local_file(&opened, error))?;
        FileContent::new(Arc::new(file), item.path)
    })
    .await?;
    let size = file.size();
    let (events, parts) = ObjectEvents::start(call, Operation::Put, item.url.clone(), size);
    let target = ObjectTarget {
        url: item.url,
        mode: item.mode,
        attributes: item.attributes,
    };
    let path = path.to_string_lossy().into_owned();
    let identity = json!({"op": "upload", "path": path.clone(), "file": file.version()});
    let part_size = part_size(size, call.client.transfer.config().part_size);
    let content = (Content::File(file), size, part_size);
    let outcome = write(&parts, resume, target, content, ("upload", &path, identity));
    let outcome = Box::pin(outcome).await;
    events.end(&outcome, None);
    outcome
}

/// Copies an object in parts, or in one request if it is a single part. Sends one more request than a copy without a
/// journal: a HEAD.
///
/// If the object is replaced during the copy, the copy starts over, once. After any other failure the parts stay on the
/// server, for the next run.
pub(crate) async fn copy(
    call: &Call,
    resume: &Resume,
    request: CopyRequest,
    part_size: Option<u64>,
) -> Result<PutOutcome> {
    match Box::pin(copy_once(call, resume, request.clone(), part_size)).await {
        Err(error) if has_changed(&error) && request.source_conditions == Conditions::default() => {
            Box::pin(copy_once(call, resume, request, part_size)).await
        }
        outcome => outcome,
    }
}

async fn copy_once(
    call: &Call,
    resume: &Resume,
    request: CopyRequest,
    wanted: Option<u64>,
) -> Result<PutOutcome> {
    let transfer = &call.client.transfer;
    let source = transfer.head_source(&request, &call.options).await?;
    let part_size = part_size(
        source.size,
        wanted.map_or(COPY_PART, |bytes| bytes.clamp(MIN_PART, MAX_PART)),
    );
    if source.size <= part_size || source.etag.is_none() {
        return Ok(PutOutcome::Written(
            transfer.copy(request, &call.options).await?,
        ));
    }
    let attributes = transfer.attributes_of_copy(&request, &source, &call.options);
    let target = ObjectTarget {
        attributes: attributes.await?,
        url: request.to.clone(),
        mode: request.mode.clone(),
    };
    let (events, parts) = ObjectEvents::start(call, Operation::Copy, target.url.clone(), 0);
    let identity = json!({
        "op": "copy",
        "from": request.from.as_str(),
        "etag": source.etag.as_ref().map(ETag::as_str),
        "size": source.size,
    });
    let from = request.from.as_str().to_owned();
    let size = source.size;
    let content = (
        Content::Object(ObjectContent::new(request, source)),
        size,
        part_size,
    );
    let outcome = write(&parts, resume, target, content, ("copy", &from, identity)).await;
    events.end(&outcome, None);
    outcome
}

/// Writes an object in parts of one size, some of which an earlier run may have sent. Direction, server, source and
/// target identify the journal. `identity` is the version of the content, and parts of another version are not used.
async fn write(
    call: &Call,
    resume: &Resume,
    target: ObjectTarget,
    (content, size, part_size): (Content, u64, u64),
    (direction, source, identity): (&str, &str, Value),
) -> Result<PutOutcome> {
    let server = server(call, &target.url).await?;
    let name = [direction, &server, source, target.url.as_str()];
    let mut header = identity;
    header["server"] = server.clone().into();
    header["url"] = target.url.as_str().into();
    header["part_size"] = part_size.into();
    header["attributes"] = format!("{:?} {:?}", target.attributes, target.mode).into();
    let in_flight = resume.begin().await;
    let Some((journal, records)) = resume.open_journal(&name, &target.url).await? else {
        drop(in_flight);
        return without_journal(call, target, &content).await;
    };
    let mut running = RunningUpload {
        call,
        resume,
        target,
        content,
        size,
        part_size,
        journal_path: journal.path().to_owned(),
        journal,
        token: None,
        in_flight: Some(in_flight),
    };
    let (earlier, unusable) = match running.earlier(&header, &records).await? {
        Earlier::Completed(response) => {
            running.end()?;
            return Ok(PutOutcome::Written(response));
        }
        Earlier::Parts(id, tags) => (Some((id, tags)), None),
        Earlier::Unusable(id) => (None, Some(id)),
        Earlier::Nothing => (None, None),
    };
    let has_earlier = earlier.is_some() || unusable.is_some();
    let begun = match (running.keeps_existing().await, earlier) {
        (Ok(true), earlier) => {
            for id in earlier.map(|(id, _)| id).iter().chain(&unusable) {
                running.abort(id).await?;
            }
            running.end()?;
            return Ok(PutOutcome::AlreadyThere);
        }
        (Ok(false), Some(parts)) => Ok(Some(parts)),
        (Ok(false), None) => {
            let begun = running.begin(&header, unusable).await;
            begun.map(|id| Some((id?, BTreeMap::new())))
        }
        (Err(error), _) => Err(error),
    };
    let (upload, tags) = match begun {
        Ok(Some(begun)) => begun,
        Ok(None) => {
            let (target, content) = running.end()?;
            return without_journal(call, target, &content).await;
        }
        // The next run can use the parts of the earlier one.
        Err(error) if has_earlier => return Err(error),
        Err(error) => {
            running.end()?;
            return Err(error);
        }
    };
    match running.send(&upload, tags).await {
        Ok(tags) => running.finish(upload, tags).await,
        // Without completed parts, there is nothing to resume.
        Err(error) if !resume.has_bytes(&running.journal_path) => {
            // If the abort fails, the journal is kept and still names the upload.
            if running.abort(&upload).await.is_ok() {
                running.end()?;
            }
            Err(error)
        }
        Err(error) => Err(error),
    }
}

/// The state that an earlier run left.
enum Earlier {
    Nothing,
    /// An upload that cannot be listed or aborted, because the server or these credentials do not allow it, or because
    /// its listing is invalid.
    Unusable(UploadId),
    /// The parts that need not be sent again.
    Parts(UploadId, BTreeMap<u32, PartTag>),
    /// The upload was completed, and only its journal was not removed.
    Completed(PutResponse),
}

impl RunningUpload<'_> {
    /// Returns the state that an earlier run left. An upload that cannot be resumed is aborted.
    async fn earlier(&mut self, header: &Value, records: &[Value]) -> Result<Earlier> {
        let Some((first, parts)) = records.split_first() else {
            return Ok(Earlier::Nothing);
        };
        let Some(id) = first["upload"].as_str().map(UploadId::new) else {
            return Ok(Earlier::Nothing);
        };
        self.token = first["token"].as_str().map(str::to_owned);
        let transfer = &self.call.client.transfer;
        if first["header"] != *header || is_expired(first) {
            let abort = AbortUpload::new(self.target.url.clone(), id.clone());
            return match transfer.abort_upload(abort, &self.call.options).await {
                Err(error) if is_denied(&error) => Ok(Earlier::Unusable(id)),
                aborted => Ok(aborted.map(|()| Earlier::Nothing)?),
            };
        }
        let listed = transfer
            .list_parts(self.target.url.clone(), id.clone(), &self.call.options)
            .await;
        let listed = match listed {
            Err(error) if error.kind() == ErrorKind::NoSuchUpload => {
                return self.completed(parts).await;
            }
            Err(error) if is_denied(&error) || error.kind() == ErrorKind::Protocol => {
                let url = &self.target.url;
                self.resume.warn(format!(
                    "cannot resume the upload of {url}, so it starts over: {error}"
                ));
                return Ok(Earlier::Unusable(id));
            }
            listed => listed?,
        };
        let listed: BTreeMap<_, _> = listed.into_iter().map(|part| (part.number, part)).collect();
        let ranges: BTreeMap<_, _> = self.parts().collect();
        let mut candidates = Vec::new();
        for part in parts {
            let number = part["part"].as_u64().map(u32::try_from);
            let Some(Ok(number)) = number else {
                continue;
            };
            let (Some(range), Some(listed)) = (ranges.get(&number), listed.get(&number)) else {
                continue;
            };
            let is_there = listed.size == range.end - range.start
                && part["etag"].as_str() == Some(listed.etag.as_str());
            if is_there {
                let mut tag = PartTag::new(number, listed.etag.clone());
                let algorithm = self.target.attributes.checksum_algorithm;
                let sum = listed.checksum.as_ref();
                tag.checksum = sum.filter(|sum| Some(sum.algorithm) == algorithm).cloned();
                candidates.push(PartInJournal {
                    tag,
                    range: range.clone(),
                    crc: part["crc"].as_u64(),
                });
            }
        }
        let trusts = self.resume.trusts_files();
        let tags = self.content.unchanged_parts(candidates, trusts).await?;
        let tags = tags.into_iter().map(|tag| (tag.number, tag)).collect();
        Ok(Earlier::Parts(id, tags))
    }

    /// Returns whether an upload that does not exist any more was completed: then the object has its token, or the ETag
    /// computed from all parts.
    async fn completed(&self, parts: &[Value]) -> Result<Earlier> {
        let recorded = parts.iter().filter_map(|part| {
            let number = u32::try_from(part["part"].as_u64()?).ok()?;
            let tag = PartTag::new(number, ETag::new(part["etag"].as_str()?));
            Some((number, tag))
        });
        let tags: BTreeMap<_, _> = recorded.collect();
        if tags.len() != self.parts().count() {
            return Ok(Earlier::Nothing);
        }
        let tags: Vec<_> = tags.into_values().collect();
        let etag = etag_of_parts(&tags);
        let is_ours = |existing: &ObjectMeta| match &self.token {
            Some(token) => existing.attributes.user.get(WRITE_NAME) == Some(token),
            None => etag.is_some() && existing.etag == etag,
        };
        let transfer = &self.call.client.transfer;
        match transfer
            .head(self.target.url.clone(), &self.call.options)
            .await
        {
            Ok(existing) if is_ours(&existing) && existing.size == self.size => {
                Ok(Earlier::Completed(PutResponse::new(existing.etag)))
            }
            Err(error) if error.kind() != ErrorKind::NotFound && !is_denied(&error) => {
                Err(error.into())
            }
            _ => Ok(Earlier::Nothing),
        }
    }

    /// Returns whether an object exists that the upload must not replace.
    async fn keeps_existing(&self) -> Result<bool> {
        let (transfer, options) = (&self.call.client.transfer, &self.call.options);
        let keeps = transfer.keeps_existing(&self.target.url, &self.target.mode, options);
        Ok(keeps.await?)
    }

    /// Creates an upload, and aborts `replaced`, which could not be resumed. The ID of the new upload is on disk before
    /// any part is sent; `None` if it cannot be written.
    async fn begin(
        &mut self,
        header: &Value,
        replaced: Option<UploadId>,
    ) -> Result<Option<UploadId>> {
        // Abort first: if that fails, the journal still names the earlier upload.
        if let Some(replaced) = replaced {
            self.abort(&replaced).await?;
        }
        let transfer = &self.call.client.transfer;
        let create = CreateUpload::new(self.target.url.clone(), self.target.attributes.clone());
        let created = transfer.create_named_upload(create, &self.call.options);
        let CreatedUpload { id, token, .. } = created.await?;
        self.token = token;
        let begun = self.journal.begin(&json!({
            "header": header,
            "upload": id.as_str(),
            "token": self.token,
            "created": seconds_since_1970(),
        }));
        if let Err(error) = begun {
            self.resume.cannot_keep(&error);
            self.abort(&id).await?;
            return Ok(None);
        }
        Ok(Some(id))
    }

    fn parts(&self) -> impl Iterator<Item = (u32, Range<u64>)> + use<> {
        parts(self.size, self.part_size)
    }

    /// Sends the missing parts, and returns the tags of all parts.
    async fn send(
        &mut self,
        upload: &UploadId,
        mut tags: BTreeMap<u32, PartTag>,
    ) -> Result<BTreeMap<u32, PartTag>> {
        let uploaded = self.parts().filter(|(number, _)| tags.contains_key(number));
        let bytes: u64 = uploaded.map(|(_, range)| range.end - range.start).sum();
        let url = self.target.url.as_str().to_owned();
        let kept = Kept {
            url,
            bytes,
            size: self.size,
        };
        self.resume.keep(&self.journal_path, kept);
        let moves_bytes = matches!(self.content, Content::File(_));
        if let Some(observer) = self.call.observer().filter(|_| moves_bytes && bytes > 0) {
            let (operation, url) = (Operation::Put, &self.target.url);
            observer.on_event(&Event::BytesMoved {
                operation,
                url,
                bytes,
            });
        }
        let mut missing: Vec<_> = self
            .parts()
            .filter(|(number, _)| !tags.contains_key(number))
            .collect();
        missing.reverse();
        let mut running = JoinSet::new();
        let mut failure = None;
        let (began, mut moved) = (Instant::now(), 0);
        loop {
            while failure.is_none()
                && !self.resume.is_stopped()
                && running.len() < in_flight(moved, began.elapsed(), self.part_size)
                && let Some((number, range)) = missing.pop()
            {
                let (call, content) = (self.call.clone(), self.content.clone());
                let (url, id) = (self.target.url.clone(), upload.clone());
                let resume = self.resume.clone();
                let algorithm = self.target.attributes.checksum_algorithm;
                running.spawn(async move {
                    let len = range.end - range.start;
                    let part = (url, id, number);
                    let sent = content.send(&call, &resume, part, range, algorithm);
                    let (tag, crc) = sent.await?;
                    Ok::<_, Error>((tag, crc, len))
                });
            }
            let Some(sent) = running.join_next().await else {
                if failure.is_none() && !missing.is_empty() {
                    self.in_flight = None;
                    pending::<()>().await;
                }
                return failure.map_or(Ok(tags), Err);
            };
            let sent = sent.map_err(|error| Error::local("send a part", error.into()));
            let (tag, crc, len) = match sent.flatten() {
                Ok(sent) => sent,
                // Wait for the other parts in flight: they are recorded for the next run.
                Err(error) => {
                    failure.get_or_insert(error);
                    continue;
                }
            };
            let record =
                json!({"part": tag.number, "len": len, "crc": crc, "etag": tag.etag.as_str()});
            match self.journal.append(&record) {
                Ok(()) => self.resume.add(&self.journal_path, len),
                Err(error) => self.resume.cannot_keep(&error),
            }
            moved += len;
            tags.insert(tag.number, tag);
        }
    }

    async fn finish(self, upload: UploadId, tags: BTreeMap<u32, PartTag>) -> Result<PutOutcome> {
        let outcome = match self.content.check_unchanged().await {
            Ok(()) => {
                let tags = tags.into_values().collect();
                let mut request =
                    CompleteUpload::new(self.target.url.clone(), upload.clone(), tags);
                request.mode = self.target.mode.clone();
                let transfer = &self.call.client.transfer;
                let token = self.token.clone();
                let completed = transfer.complete_named_upload(request, token, &self.call.options);
                completed.await.map_err(Error::from)
            }
            Err(error) => Err(error),
        };
        match &outcome {
            Ok(PutOutcome::Written(_)) => {}
            // The object exists already, or the file was replaced: the upload is useless.
            Ok(_) | Err(Error::Local { .. }) => self.abort(&upload).await?,
            Err(_) => return outcome,
        }
        self.end()?;
        outcome
    }

    /// Removes the journal.
    fn end(self) -> Result<(ObjectTarget, Content)> {
        self.resume.ended(&self.journal_path);
        let removed = self.journal.remove();
        removed.map_err(|error| Error::local_file(&self.journal_path, error))?;
        Ok((self.target, self.content))
    }

    /// Aborts an upload. If the server rejects the abort, adds a warning that the parts stay.
    async fn abort(&self, id: &UploadId) -> Result<()> {
        let abort = AbortUpload::new(self.target.url.clone(), id.clone());
        let transfer = &self.call.client.transfer;
        match transfer.abort_upload(abort, &self.call.options).await {
            Err(error) if is_denied(&error) => {
                let url = &self.target.url;
                self.resume.warn(format!(
                    "could not abort the unfinished upload of {url}: {error}"
                ));
                Ok(())
            }
            aborted => Ok(aborted?),
        }
    }
}

/// Writes the object without a journal: nothing is kept if it is interrupted.
async fn without_journal(
    call: &Call,
    target: ObjectTarget,
    content: &Content,
) -> Result<PutOutcome> {
    let ObjectTarget {
        url,
        mode,
        attributes,
    } = target;
    content.write_all(call, url, mode, attributes).await
}

/// Returns whether the source of a copy was replaced.
fn has_changed(error: &Error) -> bool {
    let kind = error.as_request().map(RequestError::kind);
    kind == Some(ErrorKind::PreconditionFailed)
}

/// Returns whether the server does not support this, or does not allow it with these credentials, so that a retry is
/// useless.
fn is_denied(error: &RequestError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::AccessDenied | ErrorKind::Unsupported
    )
}

pub(super) fn is_expired(first: &Value) -> bool {
    let age = seconds_since_1970().saturating_sub(first["created"].as_u64().unwrap_or_default());
    age > LIFETIME.as_secs()
}

pub(super) fn seconds_since_1970() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_secs()
}
