//! Aborts an upload that was not completed, however its call ends.

use std::fmt;

use s3_core::{AbortUpload, PartTag, Result};
use tokio::time::timeout;

use crate::cleanup::CleanupGuard;
use crate::worker_pool::{PoolJoinSet, spawn_detached};
use crate::{CallOptions, Transfer};

/// Owns an upload in progress and its parts. Dropping it cancels the parts and aborts the upload in the background.
pub(crate) struct UploadGuard {
    transfer: Transfer,
    open: Option<Open>,
}

struct Open {
    upload: AbortUpload,
    parts: PoolJoinSet<Result<PartTag>>,
}

impl UploadGuard {
    pub(crate) fn new(transfer: &Transfer, upload: AbortUpload) -> Self {
        Self {
            transfer: transfer.clone(),
            open: Some(Open {
                upload,
                parts: PoolJoinSet::new(),
            }),
        }
    }

    /// Returns the parts that are on their way.
    pub(crate) fn parts(&mut self) -> &mut PoolJoinSet<Result<PartTag>> {
        let open = self.open.as_mut().expect("only its end closes it");
        &mut open.parts
    }

    /// The upload is completed; there is nothing to abort.
    pub(crate) fn completed(mut self) {
        self.open = None;
    }

    /// Aborts the upload and waits for the response, for at most one stall timeout: the caller's error does not wait for
    /// a server that is down. The attempts continue in the background.
    pub(crate) async fn abort(mut self) {
        let Some(open) = self.open.take() else {
            return;
        };
        let id = open.upload.upload.clone();
        let limit = self.transfer.config().stall_timeout;
        let aborted = spawn_detached(AbortTask::new(&self.transfer, open.upload).run(open.parts))
            .expect("a future that is polled is inside a runtime");
        if timeout(limit, aborted).await.is_err() {
            tracing::debug!(upload = %id, "the abort of an upload continues in the background");
        }
    }
}

impl Drop for UploadGuard {
    fn drop(&mut self) {
        if let Some(open) = self.open.take() {
            // Outside a runtime the task is dropped at once, and runs on the engine's own thread.
            spawn_detached(AbortTask::new(&self.transfer, open.upload).run(open.parts));
        }
    }
}

impl fmt::Debug for UploadGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let upload = self.open.as_ref().map(|open| &open.upload);
        f.debug_tuple("UploadGuard").field(&upload).finish()
    }
}

/// An abort in flight. One that is dropped with its runtime runs again on the engine's own thread.
struct AbortTask {
    transfer: Transfer,
    /// `None` once the abort has ended.
    upload: Option<AbortUpload>,
    _in_flight: CleanupGuard,
}

impl AbortTask {
    fn new(transfer: &Transfer, upload: AbortUpload) -> Self {
        Self {
            transfer: transfer.clone(),
            upload: Some(upload),
            _in_flight: transfer.cleanup().begin(),
        }
    }

    async fn run(mut self, mut parts: PoolJoinSet<Result<PartTag>>) {
        // An abort that overtakes a part may leave it on the server.
        parts.shutdown().await;
        if let Some(upload) = self.upload.clone() {
            abort(&self.transfer, upload).await;
        }
        self.upload = None;
    }
}

impl Drop for AbortTask {
    fn drop(&mut self) {
        let Some(upload) = self.upload.take() else {
            return;
        };
        let (transfer, request) = (self.transfer.clone(), upload.clone());
        let work = async move { abort(&transfer, request).await };
        if !self.transfer.cleanup().run_on_own_thread(work) {
            tracing::warn!(
                url = %upload.url, upload = %upload.upload,
                "an upload stays on the server: there is no thread left to abort it"
            );
        }
    }
}

async fn abort(transfer: &Transfer, upload: AbortUpload) {
    let id = upload.upload.clone();
    // An upload that is gone was aborted by someone else, or by an attempt whose response was lost.
    let aborted = transfer.abort_upload(upload, &CallOptions::default()).await;
    if let Err(error) = aborted {
        tracing::warn!(%error, upload = %id, "an upload stays on the server: its abort failed");
    }
}
