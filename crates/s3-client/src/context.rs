//! [`ClientContext`]: state shared by all handles of a client: engine, root, temporary directory and memory budget.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use s3_core::url::Root;
use s3_core::{Encryption, S3Prefix, S3Url};
use s3_transfer::{MemoryBudget, Transfer};

use crate::Key;
use crate::error::{Error, Result};
use crate::scratch::Scratch;

/// Maximum time that `close` waits for aborts. 10 s: an abort is one request, and a server that has not responded by
/// then is slow or down.
const CLOSE_LIMIT: Duration = Duration::from_secs(10);

/// State shared by all handles, requests and streams of a client.
#[derive(Debug)]
pub(crate) struct ClientContext {
    /// ID of the process that built the client.
    pub(crate) process: u32,
    pub(crate) transfer: Transfer,
    /// The endpoint; `None` for AWS and for a store set by the caller.
    pub(crate) endpoint: Option<Arc<str>>,
    pub(crate) root: Root,
    pub(crate) encryption: Option<Encryption>,
    /// Maximum size of a download that stays in memory, in bytes.
    pub(crate) max_in_memory_object: u64,
    /// Memory for all downloads of the client that are alive or in flight.
    pub(crate) memory: MemoryBudget,
    pub(crate) scratch: Arc<Scratch>,
    /// Number of failed aborts of the engine when the client was built or last closed.
    pub(crate) known_failed_aborts: AtomicUsize,
}

impl ClientContext {
    /// Returns an error in a forked child: the threads and permits of the client exist in its parent only.
    pub(crate) fn check_process(&self) -> Result<()> {
        if self.process == process::id() {
            return Ok(());
        }
        Err(Error::Forked)
    }

    /// Removes the temporary directory, and waits until uploads that were cancelled or failed are aborted.
    pub(crate) async fn close(&self) -> Result<()> {
        let removed = self.scratch.close();
        // The aborts run in the parent; a forked child cannot wait for them.
        if self.check_process().is_err() {
            return removed;
        }
        let in_flight = self.transfer.wait_for_cleanup(CLOSE_LIMIT).await;
        let failed = self.transfer.failed_aborts();
        let known = self.known_failed_aborts.swap(failed, Ordering::Relaxed);
        match in_flight + failed.saturating_sub(known) {
            0 => removed,
            uploads => Err(Error::UploadsRemain { uploads }),
        }
    }

    /// Returns the URL of the object that a key names.
    pub(crate) fn object_url(&self, key: &Key) -> Result<S3Url> {
        match key.as_found() {
            Some(url) => self.below_root(url),
            None => Ok(self.root.resolve_object(key.as_str())?),
        }
    }

    /// Returns the prefix that a key names. Without a root, a bucket alone is an error: it is easily typed by mistake.
    pub(crate) fn prefix_url(&self, key: &Key) -> Result<S3Prefix> {
        if let Some(url) = key.as_found() {
            return Ok(S3Prefix::parse(self.below_root(url)?.as_str())?);
        }
        let prefix = self.root.resolve_prefix(key.as_str())?;
        let bare = prefix.prefix().is_empty() && !prefix.as_str().ends_with('/');
        if bare && self.root.prefix().is_none() {
            return Err(Error::BucketWithoutPath {
                input: prefix.as_str().to_owned(),
            });
        }
        Ok(prefix)
    }

    /// Returns the URL of an earlier result, if it is the root of this client or below it.
    fn below_root(&self, url: &str) -> Result<S3Url> {
        let url = S3Url::parse(url)?;
        match self.root.prefix() {
            Some(root)
                if url.as_str() != root.as_str() && !root.with_trailing_slash().contains(&url) =>
            {
                Err(Error::OutsideRoot {
                    url: url.as_str().to_owned(),
                    root: root.as_str().to_owned(),
                })
            }
            _ => Ok(url),
        }
    }

    /// Returns the prefix that the keys of results are relative to.
    pub(crate) fn display_root(&self) -> Option<S3Prefix> {
        self.root.prefix().cloned()
    }
}

#[cfg(test)]
mod tests {
    use s3_core::MemoryStore;
    use s3_testkit::{FaultAction, FaultMatch, FaultPlan, FaultStore};

    use super::*;
    use crate::S3;

    #[tokio::test(start_paused = true)]
    async fn close_tells_once_of_an_abort_that_has_failed() {
        let denied = |operation| {
            FaultMatch::operation(operation).on(FaultAction::status(403, "AccessDenied"))
        };
        let plan = FaultPlan::new(["UploadPart", "AbortMultipartUpload"].map(denied));
        let store = FaultStore::new(MemoryStore::with_buckets(["b"]), plan);
        let builder = S3::builder().store(store).tmproot(std::env::temp_dir());
        let s3 = builder.part_size(1000).build().unwrap();
        s3.put("s3://b/k", vec![0; 5000]).await.unwrap_err();
        match s3.close().await {
            Err(Error::UploadsRemain { uploads }) => assert_eq!(uploads, 1),
            other => panic!("{other:?}"),
        }
        s3.close().await.unwrap();
    }
}
