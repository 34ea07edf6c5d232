//! [`UploadGuard`]: aborts a multipart upload that is not completed, even if its call fails or is cancelled.

use std::fmt;

use s3_core::{AbortUpload, PartTag, Result};
use tokio::time::timeout;

use crate::cleanup::CleanupGuard;
use crate::worker_pool::{PoolJoinSet, spawn_detached};
use crate::{CallOptions, Transfer};

/// Owns a multipart upload and its parts in flight. Dropping it cancels the parts and aborts the upload in the
/// background.
pub(crate) struct UploadGuard {
    transfer: Transfer,
    open: Option<OpenUpload>,
}

struct OpenUpload {
    upload: AbortUpload,
    parts: PoolJoinSet<Result<PartTag>>,
}

impl UploadGuard {
    pub(crate) fn new(transfer: &Transfer, upload: AbortUpload) -> Self {
        Self {
            transfer: transfer.clone(),
            open: Some(OpenUpload {
                upload,
                parts: PoolJoinSet::new(),
            }),
        }
    }

    /// Returns the parts in flight.
    pub(crate) fn parts(&mut self) -> &mut PoolJoinSet<Result<PartTag>> {
        let open = self.open.as_mut().expect("only consuming methods take it");
        &mut open.parts
    }

    /// Disarms the guard after the upload was completed.
    pub(crate) fn completed(mut self) {
        self.open = None;
    }

    /// Aborts the upload and waits for the response for at most one stall timeout, so that a server that is down does
    /// not hold up the caller's error. The attempts continue in the background.
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
            // Outside a runtime the task is dropped at once, and its drop runs the abort on the engine's own thread.
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

/// An abort in flight. If its runtime shuts down, it runs again on the engine's own thread.
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
        // A part that arrives after the abort may stay on the server.
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
            self.transfer.cleanup().abort_failed();
            tracing::warn!(
                url = %upload.url, upload = %upload.upload,
                "an upload stays on the server: there is no thread left to abort it"
            );
        }
    }
}

async fn abort(transfer: &Transfer, upload: AbortUpload) {
    let id = upload.upload.clone();
    // A missing upload was aborted by someone else, or by an attempt whose response was lost.
    let aborted = transfer.abort_upload(upload, &CallOptions::default()).await;
    if let Err(error) = aborted {
        transfer.cleanup().abort_failed();
        tracing::warn!(%error, upload = %id, "an upload stays on the server: its abort failed");
    }
}
