//! `orphans` and `cleanup`: find and remove stale directories, files and uploads of killed processes.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use s3_core::AbortUpload;
use s3_transfer::AfterFailure;

use crate::batch::run_batch;
use crate::call::Call;
use crate::error::{Error, Result};
use crate::on_blocking_thread::on_blocking_thread;
use crate::orphan::{Orphan, find};
use crate::request::{Mode, Op, Request};
use crate::s3::Client;
use crate::{BatchError, Key, Outcome};

/// The operation of [`orphans`](Client::orphans).
#[derive(Clone, Debug)]
pub struct Orphans(Search);

/// The operation of [`cleanup`](Client::cleanup).
#[derive(Clone, Debug)]
pub struct Cleanup(Search);

#[derive(Clone, Debug)]
struct Search {
    older_than: Duration,
    directories: Vec<PathBuf>,
    uploads_below: Vec<Key>,
}

impl<M: Mode> Client<M> {
    /// Returns the orphans of killed processes that are older than `older_than`. Nothing is removed.
    ///
    /// It searches the parent of this client's temporary directory, for temporary directories of other clients and
    /// unfinished downloads, and the directories of [`in_directory`](Request::in_directory), without subdirectories.
    /// Files that a running process has locked are not orphans, nor are files of another user, or files on a file
    /// system without locks. Uploads are searched only with [`uploads_below`](Request::uploads_below).
    ///
    /// Ages of uploads are by the server's clock, those of files by the file system's; both are compared with the clock
    /// of this machine.
    ///
    /// Sends no request, except with `uploads_below` one per key and 1,000 unfinished uploads.
    ///
    /// # Errors
    ///
    /// A directory that cannot be read; class `Url` for a key that cannot be resolved; the errors of a listing; a
    /// closed client.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// use std::time::Duration;
    ///
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// let day = Duration::from_secs(24 * 3600);
    /// for orphan in s3.orphans(day).uploads_below("s3://b/").await? {
    ///     println!("{orphan:?}");
    /// }
    /// let removed = s3.cleanup(day).uploads_below("s3://b/").await?;
    /// # Ok(()) }
    /// ```
    pub fn orphans(&self, older_than: Duration) -> Request<Orphans, M> {
        self.request(Orphans(Search::new(older_than)))
    }

    /// Removes the [`orphans`](Self::orphans) of killed processes, and returns the removed ones. An orphan that is in
    /// use by now is kept.
    ///
    /// Sends the requests of [`orphans`](Self::orphans), and one per upload that is aborted. S3 does not say whether an
    /// upload is still in progress: `older_than` must be longer than any upload below the keys takes.
    ///
    /// # Errors
    ///
    /// As [`orphans`](Self::orphans). Every orphan is tried; the errors in the [`BatchError`](crate::BatchError) name
    /// the orphans that are still there.
    pub fn cleanup(&self, older_than: Duration) -> Request<Cleanup, M> {
        self.request(Cleanup(Search::new(older_than)))
    }
}

impl<M> Request<Orphans, M> {
    /// Searches this directory for unfinished downloads as well.
    pub fn in_directory(mut self, path: impl Into<PathBuf>) -> Self {
        self.op.0.directories.push(path.into());
        self
    }

    /// Searches for unfinished uploads of keys that begin with this one; with a root, the empty key means all below it.
    pub fn uploads_below(mut self, key: impl Into<Key>) -> Self {
        self.op.0.uploads_below.push(key.into());
        self
    }
}

impl<M> Request<Cleanup, M> {
    /// Searches this directory for unfinished downloads as well.
    pub fn in_directory(mut self, path: impl Into<PathBuf>) -> Self {
        self.op.0.directories.push(path.into());
        self
    }

    /// Searches for unfinished uploads of keys that begin with this one; with a root, the empty key means all below it.
    pub fn uploads_below(mut self, key: impl Into<Key>) -> Self {
        self.op.0.uploads_below.push(key.into());
        self
    }
}

impl Op for Orphans {
    type Output = Vec<Orphan>;

    const NAME: &'static str = "orphans";

    async fn run(self, call: Call) -> Result<Vec<Orphan>> {
        self.0.run(&call).await
    }
}

impl Op for Cleanup {
    type Output = Vec<Orphan>;

    const NAME: &'static str = "cleanup";

    async fn run(self, call: Call) -> Result<Vec<Orphan>> {
        let found = self.0.run(&call).await?;
        let transfer = call.client.transfer.clone();
        let remove = move |_, orphan| {
            let call = call.clone();
            async move { remove(orphan, &call).await }
        };
        let removed = run_batch(&transfer, AfterFailure::Continue, found, remove).await;
        let removed = BatchError::check(Self::NAME, removed, None, |_| Outcome::Done)?;
        Ok(removed.into_iter().flatten().collect())
    }
}

impl Search {
    fn new(older_than: Duration) -> Self {
        Self {
            older_than,
            directories: Vec::new(),
            uploads_below: Vec::new(),
        }
    }

    async fn run(mut self, call: &Call) -> Result<Vec<Orphan>> {
        let prefixes = self.uploads_below.iter();
        let prefixes = prefixes.map(|key| {
            let prefix = call.client.prefix_url(key)?;
            // The root is a directory: `data2/…` is not below the root `data`.
            Ok(if key.as_str().is_none() {
                prefix.with_trailing_slash()
            } else {
                prefix
            })
        });
        let prefixes = prefixes.collect::<Result<Vec<_>>>()?;
        let scratch = &call.client.scratch;
        if scratch.is_closed() {
            return Err(Error::Closed {
                action: "look for orphans".to_owned(),
            });
        }
        let mut found = match scratch.directory() {
            Ok(scratch) => {
                self.directories
                    .extend(scratch.parent().map(ToOwned::to_owned));
                let scratch = scratch.to_owned();
                let (directories, older_than) = (self.directories, self.older_than);
                on_blocking_thread(move || in_all(directories, &scratch, older_than)).await?
            }
            // If this client cannot create the directory, there are no orphans in it.
            Err(_) if self.directories.is_empty() && !prefixes.is_empty() => Vec::new(),
            Err(error) => return Err(error),
        };
        let older_than = self.older_than;
        let now = SystemTime::now();
        for prefix in prefixes {
            let uploads = call.client.transfer.list_uploads(prefix, &call.options);
            let old = |at: SystemTime| now.duration_since(at).is_ok_and(|age| age >= older_than);
            let uploads = uploads.await?.into_iter();
            // An upload without a date may be recent.
            let uploads = uploads.filter(|upload| upload.initiated.is_some_and(old));
            found.extend(uploads.map(|upload| Orphan::Upload {
                url: upload.url,
                upload: upload.upload,
            }));
        }
        Ok(found)
    }
}

/// Searches each directory once. Only entries of the owner of `scratch`, the current user, are found.
fn in_all(
    mut directories: Vec<PathBuf>,
    scratch: &Path,
    older_than: Duration,
) -> Result<Vec<Orphan>> {
    let unreadable = |path: &Path, error| {
        Error::local(&format!("look for orphans in {}", path.display()), error)
    };
    let ours = fs::metadata(scratch).map_err(|error| unreadable(scratch, error))?;
    for directory in &mut directories {
        *directory = directory
            .canonicalize()
            .map_err(|error| unreadable(directory, error))?;
    }
    directories.sort();
    directories.dedup();
    let mut found = Vec::new();
    for directory in directories {
        let here = find(&directory, &ours, older_than);
        found.extend(here.map_err(|error| unreadable(&directory, error))?);
    }
    Ok(found)
}

/// Removes an orphan and returns it; `None` if it is in use by now.
async fn remove(orphan: Orphan, call: &Call) -> Result<Option<Orphan>> {
    if let Orphan::Upload { url, upload } = &orphan {
        let abort = AbortUpload::new(url.clone(), upload.clone());
        let transfer = &call.client.transfer;
        transfer.abort_upload(abort, &call.options).await?;
        return Ok(Some(orphan));
    }
    on_blocking_thread(move || match orphan.remove_local() {
        Ok(removed) => Ok(removed.then_some(orphan)),
        Err(error) => Err(Error::local(&format!("remove {orphan}"), error)),
    })
    .await
}
