//! An upload that is not finished is aborted, however it ends.

use std::fmt;

use s3_core::{AbortUpload, PartTag, Result};
use tokio::time::timeout;

use crate::worker_pool::{PoolJoinSet, spawn_detached};
use crate::{CallOptions, Transfer};

/// Owns an upload under way and its parts. Dropping it ends the parts and aborts the upload, in the background, if the
/// runtime is still there.
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

    /// Aborts the upload and waits for it, for at most one stall limit: the caller's error does not wait for a server
    /// that is gone. The attempts go on in the background.
    pub(crate) async fn abort(mut self) {
        let Some(open) = self.open.take() else {
            return;
        };
        let id = open.upload.upload.clone();
        let patience = self.transfer.config().stall_timeout;
        let aborted = spawn_detached(abort(self.transfer.clone(), open))
            .expect("a future that is polled is inside a runtime");
        if timeout(patience, aborted).await.is_err() {
            tracing::debug!(upload = %id, "the abort of an unfinished upload goes on in the background");
        }
    }
}

impl Drop for UploadGuard {
    fn drop(&mut self) {
        let Some(open) = self.open.take() else {
            return;
        };
        let (url, id) = (open.upload.url.clone(), open.upload.upload.clone());
        if spawn_detached(abort(self.transfer.clone(), open)).is_none() {
            tracing::warn!(
                %url, upload = %id,
                "an unfinished upload stays on the server: it was dropped outside a runtime"
            );
        }
    }
}

impl fmt::Debug for UploadGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let upload = self.open.as_ref().map(|open| &open.upload);
        f.debug_tuple("UploadGuard").field(&upload).finish()
    }
}

async fn abort(transfer: Transfer, open: Open) {
    let Open { upload, mut parts } = open;
    // An abort that overtakes a part may leave it on the server.
    parts.shutdown().await;
    let id = upload.upload.clone();
    // One that is gone was aborted by somebody else, or by an earlier attempt whose answer was lost.
    let aborted = transfer.abort_upload(upload, &CallOptions::default()).await;
    if let Err(error) = aborted {
        tracing::warn!(%error, upload = %id, "an unfinished upload stays on the server");
    }
}
