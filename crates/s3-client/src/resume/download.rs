//! Resumable download to a file: parts recorded in a journal are not fetched again.

use std::fs::{self, File, OpenOptions};
use std::future::pending;
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crc_fast::{CrcAlgorithm, checksum, checksum_combine};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use s3_core::{
    Checksum, ChecksumAlgorithm, ChecksumType, Conditions, ETag, Error as RequestError, ErrorKind,
    ObjectMeta, Operation, Payload, S3Url,
};
use s3_transfer::{
    Destination, Event, GetItem, NotVerified, ObjectData, Verified, etag_that_is_md5, has_md5,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::events::ObjectEvents;
use super::journal::{Journal, NO_FOLLOW, sync_directory};
use super::kept::{InFlightGuard, Kept, Resume, partial_name, server};
use super::parts::{DOWNLOADED_PART, crc_of, in_flight, parts};
use super::upload::{is_expired, seconds_since_1970};
use crate::call::Call;
use crate::error::{Error, Result};
use crate::on_blocking_thread::on_blocking_thread;

/// Checksum algorithm of the parts in journal records.
const CRC: CrcAlgorithm = CrcAlgorithm::Crc64Nvme;

/// The result of a completed download.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FileDownload {
    /// The object.
    pub meta: ObjectMeta,
    /// Whether the bytes were compared with the server's checksum.
    pub verified: Verified,
}

/// The target file of a download.
pub(crate) struct FileTarget<'a> {
    pub(crate) path: &'a Path,
    /// Whether an existing file is replaced; otherwise it is an error.
    pub(crate) replaces: bool,
}

/// The file that receives the bytes. This process may write to it as long as it holds the lock.
///
/// A write may continue after its transfer was dropped, and must not end up in the file of the next transfer.
struct PartialFile {
    file: Arc<File>,
    path: PathBuf,
    #[expect(dead_code, reason = "locked until it is dropped")]
    lock: Arc<File>,
}

/// The state of a running download.
struct RunningDownload<'a> {
    call: &'a Call,
    resume: &'a Resume,
    meta: ObjectMeta,
    etag: ETag,
    part_size: u64,
    file: Arc<File>,
    partial: PathBuf,
    journal_path: PathBuf,
    journal: Journal,
    in_flight: Option<InFlightGuard>,
}

/// Downloads an object of several parts to a file; `meta` describes the object.
///
/// If the object is replaced during the download, the download starts over, once. After any other failure the bytes
/// stay in a partial file beside the target, for the next run.
pub(crate) async fn download(
    call: &Call,
    resume: &Resume,
    meta: ObjectMeta,
    target: &FileTarget<'_>,
) -> Result<FileDownload> {
    let (events, parts) = ObjectEvents::start(call, Operation::Get, meta.url.clone(), meta.size);
    let outcome = download_of_one_version(&parts, resume, meta, target).await;
    let verified = outcome.as_ref().ok().map(|done| done.verified);
    events.end(&outcome, verified);
    outcome
}

async fn download_of_one_version(
    call: &Call,
    resume: &Resume,
    meta: ObjectMeta,
    target: &FileTarget<'_>,
) -> Result<FileDownload> {
    let url = meta.url.clone();
    match Box::pin(download_once(call, resume, meta, target)).await {
        Err(error) if has_changed(&error) => {
            let meta = call.client.transfer.head(url, &call.options).await?;
            Box::pin(download_once(call, resume, meta, target)).await
        }
        outcome => outcome,
    }
}

fn has_changed(error: &Error) -> bool {
    let kind = error.as_request().map(RequestError::kind);
    matches!(
        kind,
        Some(ErrorKind::PreconditionFailed | ErrorKind::ChangedDuringRead)
    )
}

async fn download_once(
    call: &Call,
    resume: &Resume,
    meta: ObjectMeta,
    target: &FileTarget<'_>,
) -> Result<FileDownload> {
    let path = std::path::absolute(target.path);
    let path = path.map_err(|error| Error::local_file(target.path, error))?;
    let Some(etag) = meta.etag.clone() else {
        return Err(Error::config(
            "the server sends no ETag, so a download cannot be resumed",
        ));
    };
    let part_size = call.client.transfer.config().part_size.min(DOWNLOADED_PART);
    let server = server(call, &meta.url).await?;
    let target_text = path.to_string_lossy().into_owned();
    let name = ["download", &server, &target_text, meta.url.as_str()];
    let header = json!({
        "op": "download",
        "server": server,
        "path": target_text,
        "url": meta.url.as_str(),
        "size": meta.size,
        "etag": etag.as_str(),
        "version": meta.version.as_ref().map(ToString::to_string),
        "part_size": part_size,
    });
    let in_flight = resume.begin().await;
    let Some((mut journal, records)) = resume.open_journal(&name, &meta.url).await? else {
        drop(in_flight);
        return without_journal(call, meta, path, target.replaces).await;
    };
    let journal_path = journal.path().to_owned();
    let partial = path.with_file_name(partial_name(&journal_path));
    let is_same = |first: &Value| first["header"] == header && !is_expired(first);
    let records = match records.split_first() {
        Some((first, parts)) if is_same(first) => parts.to_vec(),
        _ => {
            let first = json!({
                "header": header,
                "partial": partial.to_string_lossy(),
                "created": seconds_since_1970(),
            });
            if let Err(error) = journal.begin(&first) {
                resume.cannot_keep(&error);
                let removed = journal.remove();
                removed.map_err(|error| Error::local_file(&journal_path, error))?;
                return without_journal(call, meta, path, target.replaces).await;
            }
            Vec::new()
        }
    };
    // Created after the journal, which names the file.
    let (opened, size) = (partial.clone(), meta.size);
    let file = on_blocking_thread(move || {
        open_partial(&opened, size).map_err(|error| Error::local_file(&opened, error))
    });
    let file = match file.await {
        Ok(file) => file,
        Err(error) => {
            let removed = journal.remove();
            removed.map_err(|error| Error::local_file(&journal_path, error))?;
            return Err(error);
        }
    };
    let mut running = RunningDownload {
        call,
        resume,
        meta,
        etag,
        part_size,
        file: Arc::new(file),
        partial,
        journal_path,
        journal,
        in_flight: Some(in_flight),
    };
    let done = running.earlier(records).await?;
    let goes_on = done.iter().any(Option::is_some);
    match running.fetch(done).await {
        Ok(done) => {
            let verified = running.verified(&done, goes_on).await?;
            running.finish(verified, &path, target.replaces).await
        }
        Err(error) => {
            // Without completed parts, there is nothing to resume.
            if !resume.has_bytes(&running.journal_path) {
                running.discard();
            }
            Err(error)
        }
    }
}

/// Downloads without a journal: nothing is kept if it is interrupted.
async fn without_journal(
    call: &Call,
    meta: ObjectMeta,
    path: PathBuf,
    replaces: bool,
) -> Result<FileDownload> {
    let item = GetItem::new(meta.url).with_known(meta.size, meta.etag);
    let target = match replaces {
        true => Destination::File(path),
        false => Destination::NewFile(path),
    };
    let fetched = call
        .client
        .transfer
        .get(item, target, &call.options)
        .await?;
    Ok(FileDownload {
        meta: fetched.meta,
        verified: fetched.verified,
    })
}

impl RunningDownload<'_> {
    fn parts(&self) -> impl Iterator<Item = (u32, Range<u64>)> + use<> {
        parts(self.meta.size, self.part_size)
    }

    /// Returns, for each part, its record if its bytes are in the file.
    async fn earlier(&self, records: Vec<Value>) -> Result<Vec<Option<Value>>> {
        let ranges: Vec<_> = self.parts().map(|(_, range)| range).collect();
        let (file, path) = (Arc::clone(&self.file), self.partial.clone());
        on_blocking_thread(move || {
            let mut done = vec![None; ranges.len()];
            for record in records {
                let Some(index) = index(&record) else {
                    continue;
                };
                let Some(range) = ranges.get(index) else {
                    continue;
                };
                let crc = crc_of(&file, range.clone(), CRC);
                let crc = crc.map_err(|error| Error::local_file(&path, error))?;
                if record["crc"].as_u64() == Some(crc) {
                    done[index] = Some(record);
                }
            }
            Ok(done)
        })
        .await
    }

    /// Fetches the missing parts, and returns the records of all parts, in order.
    async fn fetch(&mut self, mut done: Vec<Option<Value>>) -> Result<Vec<Value>> {
        let (url, size) = (self.meta.url.clone(), self.meta.size);
        let len = |range: &Range<u64>| range.end - range.start;
        let downloaded = self.parts().zip(&done).filter(|(_, done)| done.is_some());
        let bytes: u64 = downloaded.map(|((_, range), _)| len(&range)).sum();
        let kept = Kept {
            url: url.as_str().to_owned(),
            bytes,
            size,
        };
        self.resume.keep(&self.journal_path, kept);
        if let Some(observer) = self.call.observer().filter(|_| bytes > 0) {
            let (operation, url) = (Operation::Get, &url);
            observer.on_event(&Event::BytesMoved {
                operation,
                url,
                bytes,
            });
        }
        let missing = self.parts().zip(&done).filter(|(_, done)| done.is_none());
        let mut missing: Vec<_> = missing.map(|(part, _)| part).collect();
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
                let of = (url.clone(), size, self.etag.clone());
                let to = PartialFile {
                    file: Arc::clone(&self.file),
                    path: self.partial.clone(),
                    lock: self.journal.lock(),
                };
                let fetch = fetch_part(self.call.clone(), of, (number, range.clone()), to);
                let resume = self.resume.clone();
                running.spawn(async move {
                    let _memory = resume.memory().await;
                    Ok::<_, Error>((len(&range), fetch.await?))
                });
            }
            let Some(fetched) = running.join_next().await else {
                if failure.is_none() && !missing.is_empty() {
                    self.in_flight = None;
                    pending::<()>().await;
                }
                break;
            };
            let fetched = fetched.map_err(|error| Error::local("fetch a part", error.into()));
            let (len, record) = match fetched.flatten() {
                Ok(fetched) => fetched,
                // Wait for the other parts in flight: they are recorded for the next run.
                Err(error) => {
                    failure.get_or_insert(error);
                    continue;
                }
            };
            match self.journal.append(&record) {
                Ok(()) => self.resume.add(&self.journal_path, len),
                Err(error) => self.resume.cannot_keep(&error),
            }
            moved += len;
            if let Some(index) = index(&record) {
                done[index] = Some(record);
            }
        }
        match failure {
            Some(error) => Err(error),
            None => Ok(done.into_iter().flatten().collect()),
        }
    }

    /// Compares the bytes with the object's checksum. Without one, a resumed download is compared with the ETag if that
    /// is an MD5. `None` if they differ.
    async fn verified(&self, done: &[Value], goes_on: bool) -> Result<Option<Verified>> {
        let verified = verdict(done);
        let etag = etag_that_is_md5(&self.meta);
        let (Some(Verified::NotVerified(NotVerified::NotOffered)), true, Some(etag)) =
            (verified, goes_on, etag)
        else {
            return Ok(verified);
        };
        let payload = Payload::from_file(Arc::clone(&self.file), 0, self.meta.size);
        let (path, etag) = (self.partial.clone(), etag.clone());
        on_blocking_thread(move || {
            let has = has_md5(&payload, &etag).map_err(|error| Error::local_file(&path, error))?;
            Ok(has.then_some(Verified::Etag))
        })
        .await
    }

    /// Renames the partial file to the target, if its bytes are those of the object.
    async fn finish(
        self,
        verified: Option<Verified>,
        path: &Path,
        replaces: bool,
    ) -> Result<FileDownload> {
        let Some(verified) = verified else {
            let error = RequestError::new(ErrorKind::Integrity, Operation::Get)
                .with_resource(&self.meta.url)
                .with_message("the bytes do not have the checksum or the MD5 that the server sent");
            self.discard();
            return Err(error.into());
        };
        let file = Arc::clone(&self.file);
        let (from, to) = (self.partial.clone(), path.to_owned());
        let named = on_blocking_thread(move || {
            let named = file
                .sync_all()
                .and_then(|()| rename(&from, &to, replaces))
                .and_then(|()| sync_directory(&to));
            Ok(named)
        })
        .await?;
        if let Err(error) = named {
            let is_there = error.kind() == io::ErrorKind::AlreadyExists;
            let failed = failed_to_name(&self.meta.url, path, error);
            // The target exists: the next run would not use these bytes.
            if is_there {
                self.discard();
            }
            return Err(failed);
        }
        self.resume.ended(&self.journal_path);
        let removed = self.journal.remove();
        removed.map_err(|error| Error::local_file(&self.journal_path, error))?;
        Ok(FileDownload {
            meta: self.meta,
            verified,
        })
    }

    /// Removes bytes that are wrong, so that the next run does not resume from them.
    fn discard(self) {
        self.resume.ended(&self.journal_path);
        // If only one of journal and file is removed, the next run replaces the other.
        let _ = fs::remove_file(&self.partial);
        let _ = self.journal.remove();
    }
}

/// Reads a part of one version of an object and writes it at its offset in the file. Returns its record, with the
/// checksum of the object from the response, and the checksum of the part's bytes.
async fn fetch_part(
    call: Call,
    (url, size, etag): (S3Url, u64, ETag),
    (number, range): (u32, Range<u64>),
    to: PartialFile,
) -> Result<Value> {
    let conditions = Conditions::default().with_if_match(etag.clone());
    let item = GetItem::new(url).with_known(size, Some(etag));
    let item = item.with_range(range.clone()).with_conditions(conditions);
    let transfer = &call.client.transfer;
    let fetched = transfer
        .get(item, Destination::Memory, &call.options)
        .await
        .map_err(RequestError::without_range)?;
    let ObjectData::Memory(bytes) = fetched.data else {
        unreachable!("memory was asked for")
    };
    if fetched.range != range {
        return Err(RequestError::new(ErrorKind::Protocol, Operation::Get)
            .with_message("the response has another range than requested")
            .into());
    }
    let sent = fetched.meta.checksum;
    on_blocking_thread(move || {
        let written = to.file.write_all_at(&bytes, range.start);
        written.map_err(|error| Error::local_file(&to.path, error))?;
        let of_object = sent.and_then(|sent| recorded(&sent, &bytes));
        Ok(json!({
            "part": number,
            "len": bytes.len(),
            "crc": checksum(CRC, &bytes),
            "object": of_object,
        }))
    })
    .await
}

/// Returns the record of the checksum in a response: its value and that of the bytes, or that it is composite.
fn recorded(sent: &Checksum, bytes: &[u8]) -> Option<Value> {
    if sent.checksum_type == ChecksumType::Composite {
        return Some(json!({"composite": true}));
    }
    let (_, algorithm) = combinable(sent.algorithm.as_str())?;
    Some(json!({
        "algorithm": sent.algorithm.as_str(),
        "value": &*sent.value,
        "crc": checksum(algorithm, bytes),
    }))
}

/// Returns the index of the part that a record describes.
fn index(record: &Value) -> Option<usize> {
    let number = usize::try_from(record["part"].as_u64()?).ok()?;
    number.checked_sub(1)
}

/// Compares the combined checksums of all parts, in order, with the checksum of the object; `None` if they differ.
fn verdict(parts: &[Value]) -> Option<Verified> {
    let unknown = Some(Verified::NotVerified(NotVerified::NotOffered));
    let Some(first) = parts.first().map(|part| &part["object"]) else {
        return unknown;
    };
    if first["composite"] == true {
        return Some(Verified::NotVerified(NotVerified::Composite));
    }
    let Some((name, algorithm)) = first["algorithm"].as_str().and_then(combinable) else {
        return unknown;
    };
    let mut all = None;
    for part in parts {
        let (object, len) = (&part["object"], part["len"].as_u64()?);
        let is_same =
            object["value"] == first["value"] && object["algorithm"] == first["algorithm"];
        let Some(crc) = object["crc"].as_u64().filter(|_| is_same) else {
            return unknown;
        };
        all = Some(all.map_or(crc, |all| checksum_combine(algorithm, all, crc, len)));
    }
    let expected = first["value"].as_str()?;
    if encoded(all?, name) == expected {
        return Some(Verified::Checksum(name));
    }
    // Some servers send the checksum of the part instead of that of the object.
    let of_first = encoded(first["crc"].as_u64()?, name) == expected;
    of_first.then_some(Verified::NotVerified(NotVerified::Part))
}

/// Renames a file. An existing target is replaced only with `replaces`, otherwise it is an error.
///
/// On a file system that cannot rename without replacing, it uses a hard link.
fn rename(from: &Path, to: &Path, replaces: bool) -> io::Result<()> {
    if replaces {
        return fs::rename(from, to);
    }
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            fs::hard_link(from, to)?;
            fs::remove_file(from)
        }
        renamed => Ok(renamed?),
    }
}

fn failed_to_name(url: &S3Url, path: &Path, error: io::Error) -> Error {
    let message = format!("{}: {error}", path.display());
    RequestError::new(ErrorKind::of_local(error.kind()), Operation::Get)
        .with_resource(url)
        .with_message(message)
        .with_source(error)
        .into()
}

/// Opens the partial file, and sets its length to that of the object.
fn open_partial(path: &Path, size: u64) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(false);
    let file = file.custom_flags(NO_FOLLOW).open(path)?;
    file.set_len(size)?;
    Ok(file)
}

/// Returns the algorithms of a checksum whose part checksums can be combined.
fn combinable(name: &str) -> Option<(ChecksumAlgorithm, CrcAlgorithm)> {
    let all = [
        (ChecksumAlgorithm::Crc32, CrcAlgorithm::Crc32IsoHdlc),
        (ChecksumAlgorithm::Crc32c, CrcAlgorithm::Crc32Iscsi),
        (ChecksumAlgorithm::Crc64Nvme, CrcAlgorithm::Crc64Nvme),
    ];
    all.into_iter()
        .find(|(algorithm, _)| algorithm.as_str() == name)
}

/// Returns a checksum in the form that S3 writes it.
fn encoded(sum: u64, algorithm: ChecksumAlgorithm) -> String {
    let bytes = sum.to_be_bytes();
    match algorithm {
        ChecksumAlgorithm::Crc64Nvme => STANDARD.encode(bytes),
        _ => STANDARD.encode(&bytes[4..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_compared_with_the_checksum_of_the_object() {
        // The check values of these checksums: those of the bytes `123456789`.
        for (name, value) in [
            ("CRC32", "y/Q5Jg=="),
            ("CRC32C", "4waSgw=="),
            ("CRC64NVME", "rosUhgp5mIg="),
        ] {
            let (algorithm, crc) = combinable(name).unwrap();
            let part = |bytes: &[u8], value: &str| {
                let object =
                    json!({"algorithm": name, "value": value, "crc": checksum(crc, bytes)});
                json!({"part": 1, "len": bytes.len(), "object": object})
            };
            let all = |value: &str| [part(b"1234", value), part(b"56789", value)];
            assert_eq!(verdict(&all(value)), Some(Verified::Checksum(algorithm)));
            assert_eq!(
                verdict(&[part(b"1234", value), part(b"56780", value)]),
                None
            );
            let of_first = encoded(checksum(crc, b"1234"), algorithm);
            let verified = Some(Verified::NotVerified(NotVerified::Part));
            assert_eq!(verdict(&all(&of_first)), verified);
        }
        let unknown = Some(Verified::NotVerified(NotVerified::NotOffered));
        assert_eq!(
            verdict(&[json!({"part": 1, "len": 3, "object": null})]),
            unknown
        );
    }

    #[test]
    fn a_composite_checksum_is_not_compared_with_the_bytes() {
        let (algorithm, crc) = combinable("CRC32").unwrap();
        // The checksum of a single part, with and without the number of parts that S3 appends.
        for value in ["y/Q5Jg==-1", "y/Q5Jg=="] {
            let mut sent = Checksum::new(algorithm, value);
            sent.checksum_type = ChecksumType::Composite;
            let record = |bytes: &[u8]| json!({"part": 1, "len": bytes.len(), "object": recorded(&sent, bytes)});
            let parts = [record(b"1234"), record(b"56789")];
            let composite = Some(Verified::NotVerified(NotVerified::Composite));
            assert_eq!(verdict(&parts), composite);
            sent.checksum_type = ChecksumType::FullObject;
            let of_object = recorded(&sent, b"1234").unwrap();
            assert_eq!(of_object["crc"].as_u64(), Some(checksum(crc, b"1234")));
        }
    }
}
