//! [`Resume`]: the directory of the journals of resumable transfers: opens them, lists interrupted ones, discards them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::future::pending;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use s3_core::{AbortUpload, ErrorKind, PresignMethod, PresignRequest, S3Url, UploadId};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::journal::{Journal, check_owner};
use super::parts::IN_MEMORY;
use crate::call::Call;
use crate::error::{Error, Result};
use crate::on_blocking_thread::on_blocking_thread;

/// Version of the journal format, a part of the hash that names a journal.
const VERSION: &str = "1";

/// Time after which a journal is not used any more. 7 days: unfinished uploads are billed.
pub(super) const LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);

/// Suffix of the names of partial files.
pub(crate) const PARTIAL_SUFFIX: &str = ".s3-resume";

/// Resumes transfers of files in another run, from journals in a directory. Clone is a reference count. All clones
/// share 80 MiB of memory for the parts of downloads.
///
/// An interrupted transfer leaves a partial file or an unfinished upload, which its journal names, for 7 days.
/// [`kept`](Self::kept) lists the transfers of this process, [`interrupted`](Self::interrupted) those of all processes,
/// and [`discard`](crate::S3::discard) removes one.
#[derive(Clone, Debug)]
pub struct Resume {
    /// The directory, or the reason why there are no journals.
    directory: Result<Arc<Path>, Arc<str>>,
    /// Whether uploaded files are assumed to be unchanged without reading them.
    trusts_files: bool,
    memory: Arc<Semaphore>,
    kept: Arc<Mutex<BTreeMap<PathBuf, Kept>>>,
    warnings: Arc<Mutex<BTreeSet<String>>>,
    in_flight: Arc<InFlight>,
}

/// Counts the transfers with requests in flight.
#[derive(Debug)]
struct InFlight {
    count: watch::Sender<usize>,
    is_stopped: AtomicBool,
}

/// A transfer with requests in flight. Dropping it decrements the count.
#[derive(Debug)]
pub(super) struct InFlightGuard(Arc<InFlight>);

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        self.0.count.send_modify(|count| *count -= 1);
    }
}

/// A transfer of this process that has not completed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Kept {
    /// The URL of the object.
    pub url: String,
    /// The number of bytes transferred so far.
    pub bytes: u64,
    /// The total number of bytes.
    pub size: u64,
}

impl Resume {
    /// Keeps journals in a directory of the local disk, which is created when it is needed.
    ///
    /// Only this user may have write permission to the directory. Otherwise nothing is kept, and a
    /// [warning](Self::warnings) says so.
    pub fn in_dir(directory: impl Into<PathBuf>) -> Self {
        Self::new(Ok(directory.into().into()))
    }

    /// Disables journals. `reason` is in the [warnings](Self::warnings) when a transfer would have used one.
    pub fn unavailable(reason: &str) -> Self {
        Self::new(Err(reason.into()))
    }

    fn new(directory: Result<Arc<Path>, Arc<str>>) -> Self {
        Self {
            directory,
            trusts_files: false,
            memory: Arc::new(Semaphore::new(IN_MEMORY)),
            kept: Arc::default(),
            warnings: Arc::default(),
            in_flight: Arc::new(InFlight {
                count: watch::Sender::new(0),
                is_stopped: AtomicBool::new(false),
            }),
        }
    }

    /// Trusts size, inode and times of a file, instead of reading again the parts that an earlier run has sent. Saves
    /// reading the file once, but does not detect bytes that were changed below the file system.
    ///
    /// Partial files of downloads are always read: after a power failure they may lack bytes.
    #[must_use]
    pub fn trusting_files(mut self) -> Self {
        self.trusts_files = true;
        self
    }

    pub(super) fn trusts_files(&self) -> bool {
        self.trusts_files
    }

    /// Returns the running and interrupted transfers of this process, with the number of bytes kept of each.
    #[must_use]
    pub fn kept(&self) -> Vec<Kept> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.values().cloned().collect()
    }

    /// Returns the transfers of all processes that were interrupted at least `older_than` ago.
    ///
    /// # Errors
    ///
    /// [`Error::Local`] if the directory cannot be read.
    pub fn interrupted(&self, older_than: Duration) -> Result<Vec<KeptTransfer>> {
        let mut found = self.journals()?;
        found.retain(|found| !found.is_in_use && found.age >= older_than);
        Ok(found.into_iter().map(|found| found.transfer).collect())
    }

    /// Returns the IDs of uploads that are in progress on this machine, or were interrupted less than `newer_than` ago.
    ///
    /// # Errors
    ///
    /// [`Error::Local`] if the directory cannot be read.
    pub fn uploads(&self, newer_than: Duration) -> Result<Vec<UploadId>> {
        let mut found = self.journals()?;
        found.retain(|found| found.is_in_use || found.age < newer_than);
        let id = |found: FoundJournal| found.transfer.upload_id().map(UploadId::new);
        Ok(found.into_iter().filter_map(id).collect())
    }

    /// Reads all journals, in the order of their names.
    fn journals(&self) -> Result<Vec<FoundJournal>> {
        let Ok(directory) = &self.directory else {
            return Ok(Vec::new());
        };
        let failed = |error| Error::local(&format!("read {}", directory.display()), error);
        let entries = match fs::read_dir(directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        check_owner(directory).map_err(failed)?;
        let mut found = Vec::new();
        for entry in entries {
            let path = entry.map_err(failed)?.path();
            if is_journal(&path) {
                // A journal that was removed meanwhile is skipped.
                found.extend(FoundJournal::read(path).map_err(failed)?);
            }
        }
        found.sort_by(|one, other| one.transfer.path.cmp(&other.transfer.path));
        Ok(found)
    }

    /// Returns the warnings so far, each once: why a transfer started over, which uploads stay on the server.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        warnings.iter().cloned().collect()
    }

    pub(super) fn warn(&self, text: String) {
        tracing::warn!("{text}");
        let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        warnings.insert(text);
    }

    /// Starts no further part, to be called before the process ends. Transfers complete the parts in flight, and with
    /// the last part the object; then they wait until they are dropped.
    pub fn stop(&self) {
        self.in_flight.is_stopped.store(true, Ordering::Relaxed);
    }

    /// Waits until no transfer has a request in flight.
    pub async fn idle(&self) {
        let mut count = self.in_flight.count.subscribe();
        // It cannot fail, because `self` has the sender.
        let _ = count.wait_for(|count| *count == 0).await;
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.in_flight.is_stopped.load(Ordering::Relaxed)
    }

    /// Returns at once unless [`stop`](Self::stop) was called; after that, waits until it is dropped.
    pub(crate) async fn unless_stopped(&self) {
        if self.is_stopped() {
            pending::<()>().await;
        }
    }

    /// Counts a transfer as in flight.
    pub(super) async fn begin(&self) -> InFlightGuard {
        self.unless_stopped().await;
        self.in_flight.count.send_modify(|count| *count += 1);
        InFlightGuard(Arc::clone(&self.in_flight))
    }

    /// Waits until there is memory for one more part.
    pub(super) async fn memory(&self) -> OwnedSemaphorePermit {
        let permit = Arc::clone(&self.memory).acquire_owned().await;
        permit.expect("the semaphore is never closed")
    }

    /// Opens the journal of a transfer. `None` if that is impossible: then a warning says why, and the transfer runs
    /// without one.
    pub(super) async fn open_journal(
        &self,
        what: &[&str],
        url: &S3Url,
    ) -> Result<Option<(Journal, Vec<Value>)>> {
        let opened = match self.journal(what) {
            Ok(path) => on_blocking_thread(move || Ok(Journal::open(&path))).await?,
            Err(error) => Err(error),
        };
        match opened {
            Ok(Some(opened)) => Ok(Some(opened)),
            Ok(None) => {
                let problem = io::Error::other("another process is transferring it");
                Err(Error::local(&format!("transfer {url}"), problem))
            }
            Err(error) => {
                self.cannot_keep(&error);
                Ok(None)
            }
        }
    }

    /// Adds the warning that interrupted transfers start over, and why.
    pub(super) fn cannot_keep(&self, error: &io::Error) {
        let place = match &self.directory {
            Ok(directory) => format!(" to {}", directory.display()),
            Err(_) => String::new(),
        };
        self.warn(format!(
            "cannot write a journal{place}, so transfers cannot be resumed: {error}"
        ));
    }

    /// Returns the path of the journal of a transfer, whose name is a hash of the strings that identify it.
    fn journal(&self, what: &[&str]) -> io::Result<PathBuf> {
        let directory = self.directory.as_ref();
        let directory = directory.map_err(|reason| io::Error::other(&**reason))?;
        let mut digest = Sha256::new();
        for part in [&[VERSION], what].concat() {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part.as_bytes());
        }
        Ok(directory.join(hex::encode(digest.finalize())))
    }

    pub(super) fn keep(&self, journal: &Path, kept: Kept) {
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(journal.to_owned(), kept);
    }

    pub(super) fn add(&self, journal: &Path, bytes: u64) {
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = all.get_mut(journal) {
            kept.bytes += bytes;
        }
    }

    /// Returns whether any bytes of a transfer are kept.
    pub(super) fn has_bytes(&self, journal: &Path) -> bool {
        let all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(journal).is_some_and(|kept| kept.bytes > 0)
    }

    pub(super) fn ended(&self, journal: &Path) {
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(journal);
    }
}

/// An interrupted transfer, as its journal describes it.
#[derive(Clone, Debug)]
pub struct KeptTransfer {
    /// The path of the journal.
    path: PathBuf,
    header: Value,
}

impl KeptTransfer {
    /// Returns the path of the journal.
    #[must_use]
    pub fn journal(&self) -> &Path {
        &self.path
    }

    /// Returns the URL of the object.
    #[must_use]
    pub fn url(&self) -> &str {
        self.text("url")
    }

    /// Returns the ID of the unfinished upload.
    #[must_use]
    pub fn upload_id(&self) -> Option<&str> {
        self.header["upload"].as_str()
    }

    /// Returns the partial file. `None` if the name in the journal is not the one that this transfer would use.
    #[must_use]
    pub fn partial_file(&self) -> Option<&Path> {
        let path = self.header["partial"].as_str().map(Path::new)?;
        let is_own = path.file_name() == Some(partial_name(&self.path).as_ref());
        is_own.then_some(path)
    }

    fn text(&self, field: &str) -> &str {
        self.header["header"][field].as_str().unwrap_or_default()
    }

    /// Aborts the upload or removes the partial file, and removes the journal. Returns `false` if another process has
    /// locked it or has restarted it, or if it belongs to another server.
    pub(crate) async fn discard(self, call: &Call) -> Result<bool> {
        // The lock is held from here on, so that no process resumes the upload while it is aborted.
        let Some((journal, kept)) = self.lock().await? else {
            return Ok(false);
        };
        if let (Ok(url), Some(id)) = (S3Url::parse(kept.url()), kept.upload_id()) {
            if server(call, &url).await? != kept.text("server") {
                return Ok(false);
            }
            let upload = AbortUpload::new(url, UploadId::new(id));
            let transfer = &call.client.transfer;
            transfer.abort_upload(upload, &call.options).await?;
        }
        on_blocking_thread(move || {
            let failed = |error| Error::local(&format!("remove {}", kept.path.display()), error);
            match kept.partial_file().map(fs::remove_file) {
                Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(failed(error));
                }
                _ => {}
            }
            journal.remove().map_err(failed)?;
            Ok(true)
        })
        .await
    }

    /// Locks the journal and reads it again. `None` if another process has locked it, or if it now belongs to another
    /// transfer.
    async fn lock(self) -> Result<Option<(Journal, Self)>> {
        on_blocking_thread(move || {
            let failed = |error| Error::local(&format!("open {}", self.path.display()), error);
            let Some((journal, records)) = Journal::open(&self.path).map_err(failed)? else {
                return Ok(None);
            };
            let header = records.into_iter().next().unwrap_or_default();
            // A journal without a header belongs to a transfer that has ended since.
            let is_same = header == self.header || header.is_null();
            let path = self.path;
            Ok(is_same.then_some((journal, Self { path, header })))
        })
        .await
    }
}

/// A journal, and whether its transfer is running.
#[derive(Debug)]
struct FoundJournal {
    transfer: KeptTransfer,
    is_in_use: bool,
    /// The time since its last record.
    age: Duration,
}

impl FoundJournal {
    /// Reads a journal; `None` if it does not exist.
    fn read(path: PathBuf) -> io::Result<Option<Self>> {
        let Some(age) = age(&path) else {
            return Ok(None);
        };
        let (records, is_in_use) = match Journal::peek(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read?,
        };
        let header = records.into_iter().next().unwrap_or_default();
        Ok(Some(Self {
            transfer: KeptTransfer { path, header },
            is_in_use,
            age,
        }))
    }
}

/// Returns whether a file has the name of a journal. Other files in the directory are ignored.
fn is_journal(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Returns the name of the partial file of a transfer. It is in the directory of the target, so that the rename is
/// atomic.
pub(super) fn partial_name(journal: &Path) -> String {
    let name = journal.file_name().unwrap_or_default().to_string_lossy();
    let name: String = name.chars().take(16).collect();
    format!(".{name}{PARTIAL_SUFFIX}")
}

fn age(path: &Path) -> Option<Duration> {
    let modified = fs::metadata(path).ok()?.modified().ok()?;
    Some(
        SystemTime::now()
            .duration_since(modified)
            .unwrap_or_default(),
    )
}

/// Returns a text that identifies the server and the signer of requests for an object: host and access key of a
/// presigned URL, which is computed without a request. Without credentials it is the endpoint and `unsigned`; for an
/// in-memory store only `unsigned`.
///
/// Access keys of temporary credentials change every few hours while the transfer stays the same, so that all of them
/// are `session`.
pub(super) async fn server(call: &Call, url: &S3Url) -> Result<String> {
    let request = PresignRequest::new(url.clone(), PresignMethod::Head, Duration::from_secs(60));
    let presigned = call.client.transfer.presign(request, &call.options).await;
    match presigned {
        Ok(presigned) => {
            let host = presigned.split('/').take(3).collect::<Vec<_>>().join("/");
            Ok(format!("{host} {}", signer(&presigned)))
        }
        Err(error) => match error.kind() {
            // An in-memory store, or no credentials.
            ErrorKind::Unsupported | ErrorKind::InvalidInput => {
                let endpoint = call.client.endpoint.as_deref().unwrap_or_default();
                Ok(format!("{endpoint} unsigned"))
            }
            _ => Err(error.into()),
        },
    }
}

/// Returns the access key of a presigned URL, or `session` for temporary credentials.
fn signer(presigned: &str) -> &str {
    let field = |name: &str| presigned.split_once(name).map(|(_, value)| value);
    match field("X-Amz-Security-Token=") {
        Some(_) => "session",
        None => field("X-Amz-Credential=")
            .and_then(|value| value.split(['%', '/', '&']).next())
            .unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::S3;

    #[test]
    fn all_temporary_credentials_are_one_signer_and_each_access_key_is_another() {
        let of = |query| signer(query).to_owned();
        let key = "https://h/b/k?X-Amz-Credential=AKIA1%2F20260101%2Fus-east-1&X-Amz-Date=20260101T000000Z";
        assert_eq!(of(key), "AKIA1");
        let session = "https://h/b/k?X-Amz-Credential=ASIA1%2F20260101&X-Amz-Security-Token=abc";
        assert_eq!(of(session), "session");
        assert_eq!(of("https://h/b/k"), "");
    }

    #[tokio::test]
    async fn a_journal_removes_no_file_but_its_own_partial_file() {
        let dir = tempfile::tempdir().unwrap();
        let resume = Resume::in_dir(dir.path().join("state"));
        let foreign = dir.path().join("foreign");
        fs::write(&foreign, "of another program").unwrap();
        let name = dir.path().join("state").join("0".repeat(64));
        let (mut journal, _) = Journal::open(&name).unwrap().unwrap();
        journal
            .begin(&json!({"header": {}, "partial": foreign.to_str()}))
            .unwrap();
        drop(journal);
        let kept = resume.interrupted(Duration::ZERO).unwrap().remove(0);
        assert!(S3::in_memory().unwrap().discard(kept).await.unwrap());
        assert!(foreign.exists() && !name.exists());
    }
}
