//! Transfers one entry of a sync: uploads, downloads or copies it, or creates a directory or its marker object.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use s3_core::{Attributes, CopyRequest, ErrorKind, Payload, PutMode, S3Prefix};
use s3_transfer::{COPY_PART, Destination, GetItem, PutItem, Source, Verified};

use super::entry::SyncEntry;
use super::place::SyncPlace;
use super::state::{SyncSettings, SyncState};
use crate::call::Call;
use crate::error::{Error, Result};
use crate::modification_time::kept_modification_time;
use crate::on_blocking_thread::on_blocking_thread;
use crate::resume::{self, FileUpload};

/// Age below which an object may be written again within the same second, the resolution of times in S3.
const RECENT: Duration = Duration::from_secs(2);

/// Maximum number of uploads of a file that changes during its upload.
const UPLOADS: usize = 3;

/// Writes an entry of the source to the target. Returns whether the bytes of a download were compared with a checksum.
pub(crate) async fn transfer(
    state: &Arc<SyncState>,
    entry: &SyncEntry,
    call: &Call,
) -> Result<Option<Verified>> {
    let settings = &state.settings;
    match (&settings.from, &settings.to) {
        (SyncPlace::Local(_), SyncPlace::Remote(to)) if entry.is_directory() => {
            write_marker(to, entry, settings, call).await?;
            Ok(None)
        }
        (SyncPlace::Remote(_), SyncPlace::Local(to)) if entry.is_directory() => {
            make_directory(to, entry).await?;
            Ok(None)
        }
        (SyncPlace::Local(from), SyncPlace::Remote(to)) => {
            let path = from.join(&entry.path);
            for _ in 0..UPLOADS {
                if upload(&path, to, entry, settings, call).await? {
                    return Ok(None);
                }
            }
            Err(changed(&path))
        }
        (SyncPlace::Remote(from), SyncPlace::Local(to)) => {
            let verified = download(from, to, entry, state, call).await?;
            Ok(Some(verified))
        }
        (SyncPlace::Remote(from), SyncPlace::Remote(to)) => {
            copy(from, to, entry, settings, call).await?;
            Ok(None)
        }
        (SyncPlace::Local(_), SyncPlace::Local(_)) => unreachable!("such sides were rejected"),
    }
}

/// Writes the empty marker object of an empty directory.
async fn write_marker(
    to: &S3Prefix,
    entry: &SyncEntry,
    settings: &SyncSettings,
    call: &Call,
) -> Result<()> {
    let payload = Source::Payload(Payload::from(""));
    let item = PutItem::new(SyncPlace::url(to, &entry.path)?, payload);
    let item = item.with_attributes(attributes(entry, settings, call));
    call.client.transfer.put(item, &call.options).await?;
    Ok(())
}

/// Creates the directory that a marker object represents.
async fn make_directory(to: &Path, entry: &SyncEntry) -> Result<()> {
    if entry.size > 0 {
        let problem = io::Error::other("the key ends in a slash, and the object is not empty");
        return Err(Error::local("make a directory of the key", problem));
    }
    let path = local_path(to, entry.path.trim_end_matches('/'))?;
    on_blocking_thread(move || create_directory(&path)).await
}

/// Creates the parent directory of a file, unless another name on the disk differs from the file's only in case.
async fn make_place(
    state: &Arc<SyncState>,
    to: &Path,
    entry: &SyncEntry,
    path: &Path,
) -> Result<()> {
    let (state, to, below) = (Arc::clone(state), to.to_owned(), entry.path.clone());
    let path = path.to_owned();
    on_blocking_thread(move || {
        let checked = state.check_case(&to, &below);
        checked.map_err(|error| Error::local(&format!("write {}", path.display()), error))?;
        path.parent().map_or(Ok(()), create_directory)
    })
    .await
}

fn create_directory(path: &Path) -> Result<()> {
    fs::create_dir_all(path)
        .map_err(|error| Error::local(&format!("create the directory {}", path.display()), error))
}

fn attributes(entry: &SyncEntry, settings: &SyncSettings, call: &Call) -> Attributes {
    let mut attributes = (settings.attributes)(&entry.path);
    if attributes.encryption.is_none() {
        attributes.encryption.clone_from(&call.client.encryption);
    }
    attributes
}

/// Uploads a file and returns whether it did not change. If its size has changed, the upload fails: the next sync sees
/// the new size.
async fn upload(
    path: &Path,
    to: &S3Prefix,
    entry: &SyncEntry,
    settings: &SyncSettings,
    call: &Call,
) -> Result<bool> {
    let attributes = attributes(entry, settings, call);
    let opened = path.to_owned();
    let (file, before) = on_blocking_thread(move || {
        let file = File::open(&opened).and_then(|file| Ok((file.metadata()?, file)));
        let (before, file) = file.map_err(|error| Error::local_file(&opened, error))?;
        Ok((Arc::new(file), before))
    })
    .await?;
    let is_large = before.len() > call.client.transfer.config().single_put_up_to;
    if let Some(resume) = settings.resume.as_ref().filter(|_| is_large) {
        let item = FileUpload {
            path: path.to_owned(),
            url: SyncPlace::url(to, &entry.path)?,
            mode: PutMode::Overwrite,
            attributes,
        };
        resume::upload(call, resume, item).await?;
        return Ok(true);
    }
    let payload = Payload::from_file(Arc::clone(&file), 0, before.len());
    let payload = payload.of_version(before.clone());
    let item = PutItem::new(SyncPlace::url(to, &entry.path)?, Source::Payload(payload));
    let transfer = &call.client.transfer;
    let sent = transfer
        .put(item.with_attributes(attributes), &call.options)
        .await;
    let sent = match sent {
        // The failure may be caused by a change of the file.
        Err(error) if error.kind() == ErrorKind::LocalIo => Err(error),
        sent => Ok(sent?),
    };
    let after = on_blocking_thread(move || Ok(file.metadata())).await?;
    let after = after.map_err(|error| Error::local_file(path, error))?;
    if before.len() != after.len() {
        return Err(changed(path));
    }
    if version(&before) != version(&after) {
        return Ok(false);
    }
    sent?;
    Ok(true)
}

async fn download(
    from: &S3Prefix,
    to: &Path,
    entry: &SyncEntry,
    state: &Arc<SyncState>,
    call: &Call,
) -> Result<Verified> {
    let settings = &state.settings;
    let path = local_path(to, &entry.path)?;
    make_place(state, to, entry, &path).await?;
    let url = SyncPlace::url(from, &entry.path)?;
    let transfer = &call.client.transfer;
    let is_large = entry.size > transfer.config().single_put_up_to;
    let resume = settings.resume.as_ref().filter(|_| is_large);
    let meta = match resume {
        // Some servers list no ETag.
        Some(_) => Some(transfer.head(url.clone(), &call.options).await?),
        None => None,
    };
    let (meta, verified) = match resume.zip(meta.filter(|meta| meta.etag.is_some())) {
        Some((resume, meta)) => {
            let target = resume::FileTarget {
                path: &path,
                replaces: true,
            };
            let done = resume::download(call, resume, meta, &target).await?;
            (done.meta, done.verified)
        }
        None => {
            let item = GetItem::new(url).with_known(entry.size, entry.etag.clone());
            let target = Destination::File(path.clone());
            let done = transfer.get(item, target, &call.options).await?;
            (done.meta, done.verified)
        }
    };
    let kept = kept_modification_time(&meta).filter(|_| settings.keep_times);
    let Some(time) = kept.or_else(|| meta.last_modified.map(time_to_set)) else {
        return Ok(verified);
    };
    on_blocking_thread(move || {
        let file = File::options().write(true).open(&path);
        file.and_then(|file| file.set_modified(time))
            .map_err(|error| Error::local_file(&path, error))
    })
    .await?;
    Ok(verified)
}

async fn copy(
    from: &S3Prefix,
    to: &S3Prefix,
    entry: &SyncEntry,
    settings: &SyncSettings,
    call: &Call,
) -> Result<()> {
    let source = SyncPlace::url(from, &entry.path)?;
    let mut request = CopyRequest::new(source, SyncPlace::url(to, &entry.path)?);
    request.source_conditions.if_match.clone_from(&entry.etag);
    request.encryption.clone_from(&call.client.encryption);
    let part_size = settings.copy_part_size;
    let is_large = entry.size > part_size.unwrap_or(COPY_PART);
    match settings.resume.as_ref().filter(|_| is_large) {
        Some(resume) => drop(resume::copy(call, resume, request, part_size).await?),
        None => drop(call.client.transfer.copy(request, &call.options).await?),
    }
    Ok(())
}

/// Returns the local path of a key below a directory. A key that would leave the directory is an error.
fn local_path(directory: &Path, path: &str) -> Result<PathBuf> {
    let is_name = |name: &str| !matches!(name, "" | "." | "..") && !name.contains('\0');
    if path.split('/').all(is_name) {
        let path = directory.join(path);
        return std::path::absolute(&path).map_err(|error| Error::local_file(&path, error));
    }
    let problem = io::Error::other("a component of the key is empty, . or ..");
    Err(Error::local("convert the key to a local path", problem))
}

/// Returns values that change when a file is written.
fn version(file: &Metadata) -> [i64; 4] {
    [
        file.mtime(),
        file.mtime_nsec(),
        file.ctime(),
        file.ctime_nsec(),
    ]
}

fn changed(path: &Path) -> Error {
    let problem = io::Error::other("the file changed during the upload; sync again");
    Error::local(&format!("upload {}", path.display()), problem)
}

/// Returns the modification time for a downloaded file: when the object was written. A recent time gets a fraction of a
/// second, which makes the next sync compare the content, because the object may be written again within the same
/// second.
fn time_to_set(written: SystemTime) -> SystemTime {
    match SystemTime::now().duration_since(written) {
        Ok(age) if age > RECENT => written,
        _ => written + Duration::from_millis(1),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use s3_core::{MemoryStore, Store};

    use super::*;
    use crate::S3;

    /// A store that writes to a file during each put.
    #[derive(Debug)]
    struct Changing {
        store: MemoryStore,
        file: PathBuf,
        puts: Arc<AtomicU64>,
    }

    impl Store for Changing {
        fn capabilities(&self) -> s3_core::Capabilities {
            self.store.capabilities()
        }

        async fn get(&self, request: s3_core::GetRequest) -> s3_core::Result<s3_core::GetResponse> {
            self.store.get(request).await
        }

        async fn head(
            &self,
            request: s3_core::HeadRequest,
        ) -> s3_core::Result<s3_core::ObjectMeta> {
            self.store.head(request).await
        }

        async fn put(&self, request: s3_core::PutRequest) -> s3_core::Result<s3_core::PutResponse> {
            let count = self.puts.fetch_add(1, Ordering::Relaxed);
            let file = File::options().write(true).open(&self.file).unwrap();
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(count);
            file.set_modified(time).unwrap();
            self.store.put(request).await
        }

        async fn delete(
            &self,
            request: s3_core::DeleteRequest,
        ) -> s3_core::Result<s3_core::DeleteResponse> {
            self.store.delete(request).await
        }

        async fn list_page(
            &self,
            request: s3_core::ListRequest,
        ) -> s3_core::Result<s3_core::ListPage> {
            self.store.list_page(request).await
        }
    }

    #[tokio::test]
    async fn names_that_are_one_on_the_disk_do_not_replace_each_other() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("d");
        let store = MemoryStore::with_buckets(["bkt"]);
        let s3 = S3::builder()
            .store(store)
            .tmproot(std::env::temp_dir())
            .build()
            .unwrap();
        for key in ["A", "a", "b"] {
            s3.put(format!("s3://bkt/p/{key}"), key).await.unwrap();
        }
        let place = S3Prefix::parse("s3://bkt/p").unwrap();
        let (op, call) = s3.sync(place, target.as_path()).into_call();
        let fails = async |state: &Arc<SyncState>, path: &str| {
            let entry = SyncEntry {
                path: path.to_owned(),
                size: 1,
                modified: None,
                etag: None,
                is_implied: false,
                is_special: false,
            };
            transfer(state, &entry, &call).await.is_err()
        };
        let state = Arc::new(SyncState::new(op.0.clone()).with_folded_case());
        assert!(!fails(&state, "A").await && !fails(&state, "b").await);
        assert!(fails(&state, "a").await);
        assert_eq!(fs::read_dir(&target).unwrap().count(), 2);
        // The next sync replaces a file with exactly this name.
        let state = Arc::new(SyncState::new(op.0.clone()).with_folded_case());
        assert!(!fails(&state, "A").await);
        // The file system of this test is case-sensitive.
        let state = Arc::new(SyncState::new(op.0));
        assert!(!fails(&state, "a").await && !fails(&state, "A").await);
    }

    #[tokio::test]
    async fn a_file_that_keeps_changing_is_not_uploaded() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("f");
        fs::write(&file, "f").unwrap();
        let puts = Arc::new(AtomicU64::new(0));
        let store = MemoryStore::with_buckets(["bkt"]);
        let changing = Changing {
            store: store.clone(),
            file,
            puts: Arc::clone(&puts),
        };
        let s3 = S3::builder().store(changing).tmproot(std::env::temp_dir());
        let s3 = s3.build().unwrap();
        let place = S3Prefix::parse("s3://bkt/p").unwrap();
        let error = s3.sync(directory.path(), place).await.unwrap_err();
        assert!(
            error.to_string().contains("changed during the upload"),
            "{error}"
        );
        assert_eq!(puts.load(Ordering::Relaxed), UPLOADS as u64);
        let s3 = S3::builder().store(store).tmproot(std::env::temp_dir());
        let s3 = s3.build().unwrap();
        let written = s3.list_recursive().at(["s3://bkt/"]).await.unwrap();
        assert!(written.is_empty(), "{written:?}");
    }
}
