//! An upload that is not finished is aborted, however it ends.

use s3_core::AbortUpload;
use tokio::time::timeout;

use crate::crew::in_background;
use crate::{CallOptions, Transfer};

/// Owns an upload under way. Dropping it aborts the upload in the background, if the runtime is still there.
#[derive(Debug)]
pub(crate) struct UploadGuard {
    transfer: Transfer,
    open: Option<AbortUpload>,
}

impl UploadGuard {
    pub(crate) fn new(transfer: &Transfer, upload: AbortUpload) -> Self {
        Self {
            transfer: transfer.clone(),
            open: Some(upload),
        }
    }

    /// The upload is completed; there is nothing to abort.
    pub(crate) fn completed(mut self) {
        self.open = None;
    }

    /// Aborts the upload and waits for it, for at most one stall limit: the caller's error does not wait for a server
    /// that is gone. The attempts go on in the background.
    pub(crate) async fn abort(mut self) {
        let Some(upload) = self.open.take() else {
            return;
        };
        let id = upload.upload.clone();
        let patience = self.transfer.config().stall_timeout;
        let aborted = in_background(abort(self.transfer.clone(), upload))
            .expect("a future that is polled is inside a runtime");
        if timeout(patience, aborted).await.is_err() {
            tracing::debug!(upload = %id, "the abort of an unfinished upload goes on in the background");
        }
    }
}

impl Drop for UploadGuard {
    fn drop(&mut self) {
        let Some(upload) = self.open.take() else {
            return;
        };
        let (url, id) = (upload.url.clone(), upload.upload.clone());
        if in_background(abort(self.transfer.clone(), upload)).is_none() {
            tracing::warn!(
                %url, upload = %id,
                "an unfinished upload stays on the server: it was dropped outside a runtime"
            );
        }
    }
}

async fn abort(transfer: Transfer, upload: AbortUpload) {
    let id = upload.upload.clone();
    // One that is gone was aborted by somebody else, or by an earlier attempt whose answer was lost.
    let aborted = transfer.abort_upload(upload, &CallOptions::default()).await;
    if let Err(error) = aborted {
        tracing::warn!(%error, upload = %id, "an unfinished upload stays on the server");
    }
}
