//! `sync`: makes one directory, local or in S3, equal to another; options, summary and event stream of the call.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_util::StreamExt;
use s3_core::Attributes;

use crate::call::Call;
use crate::error::Result;
use crate::request::{Async, Mode, Op, Request};
use crate::resume::Resume;
use crate::s3::Client;
use crate::sync::{
    Events, PathFilter, SyncAction, SyncCompare, SyncEvent, SyncJob, SyncOutcome, SyncPlace,
    SyncSettings,
};

/// The operation of [`sync`](Client::sync).
#[derive(Debug)]
pub struct SyncDirectories(pub(crate) SyncSettings);

/// Counts of a finished sync.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SyncSummary {
    /// Number of files or objects that were written, or would be in a dry run.
    pub transferred: u64,
    /// Number of files or objects that were deleted, or would be in a dry run.
    pub deleted: u64,
    /// Number of files or objects that were equal already.
    pub unchanged: u64,
}

/// The events of a sync, from [`stream`](Request::stream).
pub struct SyncStream {
    events: Events,
    job: SyncJob,
}

impl SyncStream {
    /// Returns the number of unchanged entries found so far. They have no events.
    #[must_use]
    pub fn unchanged(&self) -> u64 {
        self.job.unchanged()
    }
}

impl Stream for SyncStream {
    type Item = SyncEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<SyncEvent>> {
        self.events.poll_next_unpin(cx)
    }
}

impl fmt::Debug for SyncStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncStream").finish_non_exhaustive()
    }
}

impl<M: Mode> Client<M> {
    /// Makes the directory `to` equal to the directory `from`; one of them at least is in S3.
    ///
    /// Both sides are read in key order and merged, so that memory does not grow with the number of files. Transfers
    /// run during the merge. A listing that is not in key order, such as that of a directory bucket, is first read to
    /// its end and sorted in a temporary file. Equal sides cost only the requests of their listings. Keys that end in a
    /// slash are ignored, unless [`empty_directories`](Request::empty_directories) are kept.
    ///
    /// The awaited call returns a summary; [`stream`](Request::stream) returns each path that was written or deleted.
    ///
    /// # Errors
    ///
    /// The first failure, after all other entries were tried. [`Error::NotDeleted`](crate::Error::NotDeleted) with
    /// [`delete`](Request::delete) if something failed, if the source is empty, or if there is too much to delete: then
    /// nothing was deleted. A file that changes during its upload is uploaded again; after three uploads it is a
    /// failure. A key with an empty component, `.` or `..` is not downloaded.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use s3_client::{S3, S3Prefix};
    ///
    /// let s3 = S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// let directory = s3.scratch_path().expect("it is open").join("photos");
    /// std::fs::create_dir(&directory)?;
    /// std::fs::write(directory.join("1.jpg"), "a photo")?;
    /// let target = S3Prefix::parse("s3://b/photos")?;
    /// let summary = s3.sync(directory.as_path(), target.clone()).await?;
    /// assert_eq!((summary.transferred, summary.unchanged), (1, 0));
    /// let summary = s3.sync(directory.as_path(), target).delete().await?;
    /// assert_eq!((summary.transferred, summary.unchanged), (0, 1));
    /// # Ok(()) }
    /// ```
    pub fn sync(
        &self,
        from: impl Into<SyncPlace>,
        to: impl Into<SyncPlace>,
    ) -> Request<SyncDirectories, M> {
        self.request(SyncDirectories(SyncSettings {
            from: from.into(),
            to: to.into(),
            compare: SyncCompare::default(),
            delete: false,
            delete_excluded: false,
            from_empty: false,
            max_deletions: None,
            dry_run: false,
            follow_links: true,
            empty_directories: false,
            keep_times: false,
            filter: Arc::new(|_: &str| true),
            resume: None,
            copy_part_size: None,
            attributes: Arc::new(|_: &str| Attributes::default()),
        }))
    }
}

impl<M> Request<SyncDirectories, M> {
    /// Deletes the files or objects that only the target has, after source and target were read and if nothing failed.
    pub fn delete(mut self) -> Self {
        self.op.0.delete = true;
        self
    }

    /// Also deletes files or objects that the filter excludes. Without [`delete`](Self::delete) it has no effect.
    pub fn delete_excluded(mut self) -> Self {
        self.op.0.delete_excluded = true;
        self
    }

    /// Allows deletions if the source is empty, which may mean a disk that is not mounted.
    pub fn from_empty(mut self) -> Self {
        self.op.0.from_empty = true;
        self
    }

    /// Deletes nothing if there are more than `most` files or objects to delete.
    pub fn max_deletions(mut self, most: u64) -> Self {
        self.op.0.max_deletions = Some(most);
        self
    }

    /// Sets when a source counts as different; by default when it is newer or has another size.
    pub fn compare(mut self, compare: SyncCompare) -> Self {
        self.op.0.compare = compare;
        self
    }

    /// Reads both sides and changes nothing.
    pub fn dry_run(mut self) -> Self {
        self.op.0.dry_run = true;
        self
    }

    /// Skips symbolic links of local directories. By default they are followed.
    pub fn skip_links(mut self) -> Self {
        self.op.0.follow_links = false;
        self
    }

    /// Keeps empty directories: in S3 they are empty objects whose keys end in a slash. Without this, such keys are
    /// ignored.
    pub fn empty_directories(mut self) -> Self {
        self.op.0.empty_directories = true;
        self
    }

    /// Sets the modification times of downloaded files to those stored with the objects by
    /// [`keep_modification_time`](crate::keep_modification_time) or rclone. Without a stored time, it is that of the
    /// object.
    ///
    /// An object that is newer than its file may still have that stored time, which listings do not contain. Therefore
    /// contents are compared: the file is read, and if its MD5 cannot be compared with the ETag, a HEAD is sent.
    pub fn keep_times(mut self) -> Self {
        self.op.0.keep_times = true;
        self
    }

    /// Includes only paths that the filter admits. Others are neither transferred nor deleted.
    pub fn filter(mut self, admits: PathFilter) -> Self {
        self.op.0.filter = admits;
        self
    }

    /// Makes transfers of several parts resumable: the next sync does not transfer again the parts that an interrupted
    /// one has completed.
    pub fn resume(mut self, resume: &Resume) -> Self {
        self.op.0.resume = Some(resume.clone());
        self
    }

    /// Sets the size of the parts of copies within S3 that [`resume`](Self::resume) can resume; 512 MiB by default.
    /// Objects of one part are copied in one request.
    pub fn copy_part_size(mut self, bytes: u64) -> Self {
        self.op.0.copy_part_size = Some(bytes);
        self
    }

    /// Sets the attributes of uploads; `of` returns them for a path below the source.
    pub fn attributes(mut self, of: impl Fn(&str) -> Attributes + Send + Sync + 'static) -> Self {
        self.op.0.attributes = Arc::new(of);
        self
    }
}

impl Request<SyncDirectories, Async> {
    /// Returns each path that was written or deleted, or that has failed, in order of completion.
    ///
    /// Nothing runs before the stream is polled, and dropping it cancels the transfers in flight.
    pub fn stream(self) -> SyncStream {
        let (op, call) = self.into_call();
        let job = SyncJob::new(op.0, call);
        let events = job.events();
        SyncStream { events, job }
    }
}

impl Op for SyncDirectories {
    type Output = SyncSummary;

    const NAME: &'static str = "sync";

    async fn run(self, call: Call) -> Result<SyncSummary> {
        let job = SyncJob::new(self.0, call);
        let mut events = job.events();
        let mut summary = SyncSummary::default();
        let mut first_failure = None;
        while let Some(event) = events.next().await {
            match event.outcome {
                SyncOutcome::Failed(error) => {
                    first_failure.get_or_insert(error);
                }
                SyncOutcome::Special => {}
                _ if event.action == SyncAction::Delete => summary.deleted += 1,
                _ => summary.transferred += 1,
            }
        }
        summary.unchanged = job.unchanged();
        first_failure.map_or(Ok(summary), Err)
    }
}

#[cfg(test)]
mod tests;
