//! Uploads a file in parts that a later run need not send again.

use std::collections::BTreeMap;
use std::fs::File;
use std::future::pending;
use std::io;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crc_fast::CrcAlgorithm;
use md5::{Digest, Md5};
use s3_core::{
    AbortUpload, Attributes, CompleteUpload, CreateUpload, ETag, Error as RequestError, ErrorKind,
    Operation, PartTag, Payload, PutMode, PutResponse, S3Url, UploadId, UploadPart,
};
use s3_transfer::{Event, PutItem, PutOutcome, Source};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::events::ObjectEvents;
use super::journal::Journal;
use super::kept::{InFlightGuard, Kept, LIFETIME, Resume, server};
use super::parts::{crc_of, in_flight, part_size, parts};
use crate::call::Call;
use crate::error::{Error, Result};
use crate::on_blocking_thread::on_blocking_thread;

const CRC: CrcAlgorithm = CrcAlgorithm::Crc64Nvme;

/// A file to upload, and where to.
#[derive(Clone, Debug)]
pub(crate) struct FileUpload {
    pub(crate) path: PathBuf,
    pub(crate) url: S3Url,
    pub(crate) mode: PutMode,
    pub(crate) attributes: Attributes,
}

/// An upload that runs.
struct Running<'a> {
    call: &'a Call,
    resume: &'a Resume,
    item: FileUpload,
    file: Arc<File>,
    size: u64,
    part_size: u64,
    journal_path: PathBuf,
    journal: Journal,
    in_flight: Option<InFlightGuard>,
}

/// Uploads a file of several parts.
///
/// A file that changes meanwhile is an error, and nothing of it is kept. After any other failure the parts stay on the
/// server, for the next run.
pub(crate) async fn upload(call: &Call, resume: &Resume, item: FileUpload) -> Result<PutOutcome> {
    let path =
        std::path::absolute(&item.path).map_err(|error| Error::local_file(&item.path, error))?;
    let opened = path.clone();
    let (file, version) = on_blocking_thread(move || {
        let file = File::open(&opened).map_err(|error| Error::local_file(&opened, error))?;
        let version = version(&file).map_err(|error| Error::local_file(&opened, error))?;
        Ok((Arc::new(file), version))
    })
    .await?;
    let size = version["size"].as_u64().unwrap_or_default();
    let (events, parts) = ObjectEvents::start(call, Operation::Put, item.url.clone(), size);
    let outcome = Box::pin(upload_opened(&parts, resume, item, (path, file, version))).await;
    events.end(&outcome, None);
    outcome
}

async fn upload_opened(
    call: &Call,
    resume: &Resume,
    item: FileUpload,
    (path, file, version): (PathBuf, Arc<File>, Value),
) -> Result<PutOutcome> {
    let size = version["size"].as_u64().unwrap_or_default();
    let part_size = part_size(size, call.client.transfer.config().part_size);
    let server = server(call, &item.url).await?;
    let path_text = path.to_string_lossy().into_owned();
    let name = ["upload", &server, &path_text, item.url.as_str()];
    let header = json!({
        "op": "upload",
        "server": server,
        "path": path_text,
        "url": item.url.as_str(),
        "file": version.clone(),
        "part_size": part_size,
        "attributes": format!("{:?} {:?}", item.attributes, item.mode),
    });
    let in_flight = resume.begin().await;
    let Some((journal, records)) = resume.open_journal(&name, &item.url).await? else {
        drop(in_flight);
        return without_journal(call, item, file, &version).await;
    };
    let mut running = Running {
        call,
        resume,
        item,
        file,
        size,
        part_size,
        journal_path: journal.path().to_owned(),
        journal,
        in_flight: Some(in_flight),
    };
    let (earlier, refused) = match running.earlier(&header, &records).await? {
        Earlier::Completed(response) => {
            running.end()?;
            return Ok(PutOutcome::Written(response));
        }
        Earlier::Parts(id, tags) => (Some((id, tags)), None),
        Earlier::Refused(id) => (None, Some(id)),
        Earlier::Nothing => (None, None),
    };
    let has_earlier = earlier.is_some() || refused.is_some();
    let begun = match (running.keeps_existing().await, earlier) {
        (Ok(true), earlier) => {
            for id in earlier.map(|(id, _)| id).iter().chain(&refused) {
                running.abort(id).await?;
            }
            running.end()?;
            return Ok(PutOutcome::AlreadyThere);
        }
        (Ok(false), Some(parts)) => Ok(Some(parts)),
        (Ok(false), None) => {
            let begun = running.begin(&header, refused).await;
            begun.map(|id| Some((id?, BTreeMap::new())))
        }
        (Err(error), _) => Err(error),
    };
    let (upload, tags) = match begun {
        Ok(Some(begun)) => begun,
        Ok(None) => {
            let (item, file) = (running.item.clone(), Arc::clone(&running.file));
            running.end()?;
            return without_journal(call, item, file, &version).await;
        }
        // The parts are of use to the next run.
        Err(error) if has_earlier => return Err(error),
        Err(error) => {
            running.end()?;
            return Err(error);
        }
    };
    match running.send(&upload, tags).await {
        Ok(tags) => running.finish(upload, tags, &version).await,
        // There is nothing to go on with.
        Err(error) if !resume.has_bytes(&running.journal_path) => {
            running.abort(&upload).await?;
            running.end()?;
            Err(error)
        }
        Err(error) => Err(error),
    }
}

/// Result of an earlier run.
enum Earlier {
    Nothing,
    /// An upload that the server does not list or abort, or not with these credentials.
    Refused(UploadId),
    /// Parts that need not be sent again.
    Parts(UploadId, BTreeMap<u32, PartTag>),
    /// Everything but the removal of its journal.
    Completed(PutResponse),
}

impl Running<'_> {
    /// Returns the result of an earlier run. An upload that cannot be continued is aborted.
    async fn earlier(&self, header: &Value, records: &[Value]) -> Result<Earlier> {
        let Some((first, parts)) = records.split_first() else {
            return Ok(Earlier::Nothing);
        };
        let Some(id) = first["upload"].as_str().map(UploadId::new) else {
            return Ok(Earlier::Nothing);
        };
        let transfer = &self.call.client.transfer;
        if first["header"] != *header || is_expired(first) {
            let abort = AbortUpload::new(self.item.url.clone(), id.clone());
            return match transfer.abort_upload(abort, &self.call.options).await {
                Err(error) if is_refused(&error) => Ok(Earlier::Refused(id)),
                aborted => Ok(aborted.map(|()| Earlier::Nothing)?),
            };
        }
        let listed = transfer
            .list_parts(self.item.url.clone(), id.clone(), &self.call.options)
            .await;
        let listed = match listed {
            Err(error) if error.kind() == ErrorKind::NoSuchUpload => {
                return self.completed(parts).await;
            }
            Err(error) if is_refused(&error) => {
                let url = &self.item.url;
                self.resume
                    .warn(format!("the upload of {url} starts over: {error}"));
                return Ok(Earlier::Refused(id));
            }
            listed => listed?,
        };
        let listed: BTreeMap<_, _> = listed.into_iter().map(|part| (part.number, part)).collect();
        let ranges: BTreeMap<_, _> = self.parts().collect();
        let mut candidates = Vec::new();
        for part in parts {
            let number = part["part"]
                .as_u64()
                .and_then(|number| u32::try_from(number).ok());
            let Some((number, crc)) = number.zip(part["crc"].as_u64()) else {
                continue;
            };
            let (Some(range), Some(listed)) = (ranges.get(&number), listed.get(&number)) else {
                continue;
            };
            let is_there = listed.size == range.end - range.start
                && part["etag"].as_str() == Some(listed.etag.as_str());
            if is_there {
                let mut tag = PartTag::new(number, listed.etag.clone());
                let algorithm = self.item.attributes.checksum_algorithm;
                let sum = listed.checksum.as_ref();
                tag.checksum = sum.filter(|sum| Some(sum.algorithm) == algorithm).cloned();
                candidates.push((tag, range.clone(), crc));
            }
        }
        let (file, path) = (Arc::clone(&self.file), self.item.path.clone());
        let tags = on_blocking_thread(move || {
            let mut tags = BTreeMap::new();
            for (tag, range, crc) in candidates {
                let read = crc_of(&file, range, CRC);
                if read.map_err(|error| Error::local_file(&path, error))? == crc {
                    tags.insert(tag.number, tag);
                }
            }
            Ok(tags)
        });
        Ok(Earlier::Parts(id, tags.await?))
    }

    /// Returns whether an upload that is gone was completed: then the object has the ETag of all parts.
    async fn completed(&self, parts: &[Value]) -> Result<Earlier> {
        let recorded = parts.iter().filter_map(|part| {
            let number = part["part"].as_u64()?;
            Some((number, part["etag"].as_str()?.to_owned()))
        });
        let tags: BTreeMap<_, _> = recorded.collect();
        let Some(etag) =
            etag_of_parts(tags.values()).filter(|_| tags.len() == self.parts().count())
        else {
            return Ok(Earlier::Nothing);
        };
        let transfer = &self.call.client.transfer;
        match transfer
            .head(self.item.url.clone(), &self.call.options)
            .await
        {
            Ok(meta) if meta.etag.as_ref() == Some(&etag) && meta.size == self.size => {
                Ok(Earlier::Completed(PutResponse::new(meta.etag)))
            }
            Err(error) if error.kind() != ErrorKind::NotFound && !is_refused(&error) => {
                Err(error.into())
            }
            _ => Ok(Earlier::Nothing),
        }
    }

    /// Returns whether the upload would not replace the object that exists.
    async fn keeps_existing(&self) -> Result<bool> {
        let (transfer, options) = (&self.call.client.transfer, &self.call.options);
        let keeps = transfer.keeps_existing(&self.item.url, &self.item.mode, options);
        Ok(keeps.await?)
    }

    /// Creates an upload, in place of one that could not be continued. Its id is on disk before anything is sent; `None`
    /// if it cannot be written.
    async fn begin(
        &mut self,
        header: &Value,
        replaced: Option<UploadId>,
    ) -> Result<Option<UploadId>> {
        let transfer = &self.call.client.transfer;
        let create = CreateUpload::new(self.item.url.clone(), self.item.attributes.clone());
        let id = transfer.create_upload(create, &self.call.options).await?;
        let begun = self.journal.begin(&json!({
            "header": header,
            "upload": id.as_str(),
            "created": seconds_since_1970(),
        }));
        if let Some(replaced) = replaced {
            self.abort(&replaced).await?;
        }
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

    /// Sends what is missing, and returns the tags of all parts.
    async fn send(
        &mut self,
        upload: &UploadId,
        mut tags: BTreeMap<u32, PartTag>,
    ) -> Result<BTreeMap<u32, PartTag>> {
        let there = self.parts().filter(|(number, _)| tags.contains_key(number));
        let bytes: u64 = there.map(|(_, range)| range.end - range.start).sum();
        let url = self.item.url.as_str().to_owned();
        let kept = Kept {
            url,
            bytes,
            size: self.size,
        };
        self.resume.keep(&self.journal_path, kept);
        if let Some(observer) = self.call.observer().filter(|_| bytes > 0) {
            let (operation, url) = (Operation::Put, &self.item.url);
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
                let (call, file) = (self.call.clone(), Arc::clone(&self.file));
                let (url, id) = (self.item.url.clone(), upload.clone());
                let resume = self.resume.clone();
                let algorithm = self.item.attributes.checksum_algorithm;
                running.spawn(async move {
                    let len = range.end - range.start;
                    let (summed, bytes) = (Arc::clone(&file), range.clone());
                    let memory = resume.memory().await;
                    let crc = on_blocking_thread(move || {
                        let _memory = memory;
                        crc_of(&summed, bytes, CRC)
                            .map_err(|error| Error::local("read the file", error))
                    });
                    let crc = crc.await?;
                    let payload = Payload::from_file(file, range.start, len);
                    let mut part = UploadPart::new(url, id, number, payload);
                    part.checksum_algorithm = algorithm;
                    let tag = call
                        .client
                        .transfer
                        .upload_part(part, &call.options)
                        .await?;
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
                // The parts in flight are worth waiting for.
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

    async fn finish(
        self,
        upload: UploadId,
        tags: BTreeMap<u32, PartTag>,
        before: &Value,
    ) -> Result<PutOutcome> {
        let file = Arc::clone(&self.file);
        let after = on_blocking_thread(move || Ok(version(&file))).await?;
        let after = after.map_err(|error| Error::local_file(&self.item.path, error))?;
        let outcome = if after == *before {
            let tags = tags.into_values().collect();
            let mut request = CompleteUpload::new(self.item.url.clone(), upload.clone(), tags);
            request.mode = self.item.mode.clone();
            let transfer = &self.call.client.transfer;
            transfer
                .complete_upload(request, &self.call.options)
                .await
                .map_err(Error::from)
        } else {
            Err(changed(&self.item.path))
        };
        match &outcome {
            Ok(PutOutcome::Written(_)) => {}
            // The object is there already, or the file is another one: nothing of the upload is of use.
            Ok(_) | Err(Error::Local { .. }) => self.abort(&upload).await?,
            Err(_) => return outcome,
        }
        self.end()?;
        outcome
    }

    /// Removes the journal.
    fn end(self) -> Result<()> {
        self.resume.ended(&self.journal_path);
        let removed = self.journal.remove();
        removed.map_err(|error| Error::local_file(&self.journal_path, error))
    }

    /// Aborts an upload. If the server refuses that, a warning says that its parts stay.
    async fn abort(&self, id: &UploadId) -> Result<()> {
        let abort = AbortUpload::new(self.item.url.clone(), id.clone());
        let transfer = &self.call.client.transfer;
        match transfer.abort_upload(abort, &self.call.options).await {
            Err(error) if is_refused(&error) => {
                let url = &self.item.url;
                self.resume
                    .warn(format!("an unfinished upload of {url} stays: {error}"));
                Ok(())
            }
            aborted => Ok(aborted?),
        }
    }
}

/// Uploads without a journal: if it is interrupted, nothing is kept.
async fn without_journal(
    call: &Call,
    item: FileUpload,
    file: Arc<File>,
    before: &Value,
) -> Result<PutOutcome> {
    let size = before["size"].as_u64().unwrap_or_default();
    let (opened, path) = (Arc::clone(&file), item.path.clone());
    let found = on_blocking_thread(move || {
        let found = opened.metadata();
        found.map_err(|error| Error::local_file(&path, error))
    });
    let payload = Payload::from_file(Arc::clone(&file), 0, size).of_version(found.await?);
    let put = PutItem::new(item.url, Source::Payload(payload)).with_mode(item.mode);
    let put = put.with_attributes(item.attributes);
    let outcome = match call.client.transfer.put(put, &call.options).await {
        // The reason may be that the file has changed.
        Err(error) if error.kind() == ErrorKind::LocalIo => Err(error),
        outcome => Ok(outcome?),
    };
    let after = on_blocking_thread(move || Ok(version(&file))).await?;
    match after.map_err(|error| Error::local_file(&item.path, error))? == *before {
        true => Ok(outcome?),
        false => Err(changed(&item.path)),
    }
}

fn changed(path: &Path) -> Error {
    let problem = io::Error::other("the file was changed meanwhile; upload it again");
    Error::local(&format!("upload {}", path.display()), problem)
}

/// Returns whether the server does not do this, or not with these credentials: then it will not the next time either.
fn is_refused(error: &RequestError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::AccessDenied | ErrorKind::Unsupported
    )
}

/// Returns the ETag of an object of these parts, if they have MD5s.
fn etag_of_parts<'a>(etags: impl ExactSizeIterator<Item = &'a String>) -> Option<ETag> {
    let count = etags.len();
    let mut digest = Md5::new();
    for etag in etags {
        digest.update(hex::decode(etag).ok().filter(|md5| md5.len() == 16)?);
    }
    let md5 = hex::encode(digest.finalize());
    Some(ETag::new(&format!("{md5}-{count}")))
}

/// Returns a value that changes when a file is written or replaced. The time of the last change cannot be set back.
fn version(file: &File) -> io::Result<Value> {
    let found = file.metadata()?;
    Ok(json!({
        "dev": found.dev(),
        "inode": found.ino(),
        "size": found.len(),
        "modified": [found.mtime(), found.mtime_nsec()],
        "changed": [found.ctime(), found.ctime_nsec()],
    }))
}

pub(super) fn is_expired(first: &Value) -> bool {
    let age = seconds_since_1970().saturating_sub(first["created"].as_u64().unwrap_or_default());
    age > LIFETIME.as_secs()
}

pub(super) fn seconds_since_1970() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_secs()
}
