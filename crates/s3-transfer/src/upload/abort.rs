//! An upload that is not finished is aborted, however it ends.

use futures_util::FutureExt;
use s3_core::{AbortUpload, ErrorKind, Operation, SharedStore, Store};
use tokio::runtime::Handle;

use crate::job::Simple;
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

    /// Aborts the upload and waits for it.
    pub(crate) async fn abort(mut self) {
        if let Some(upload) = &self.open {
            abort(self.transfer.clone(), upload.clone()).await;
            self.open = None;
        }
    }
}

impl Drop for UploadGuard {
    fn drop(&mut self) {
        let Some(upload) = self.open.take() else {
            return;
        };
        match Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(abort(self.transfer.clone(), upload));
            }
            Err(_) => tracing::warn!(
                url = %upload.url, upload = %upload.upload,
                "an unfinished upload stays on the server: it was dropped outside a runtime"
            ),
        }
    }
}

async fn abort(transfer: Transfer, upload: AbortUpload) {
    let (place, id) = (upload.url.clone(), upload.upload.clone());
    let job = Simple::new(
        Operation::AbortUpload,
        place.as_str(),
        upload,
        |store: SharedStore, upload| async move { store.abort_upload(upload).await }.boxed(),
    );
    match transfer.run(job, &CallOptions::default()).await {
        Ok(()) => {}
        // Somebody else, or an earlier attempt whose answer was lost, has aborted it.
        Err(error) if error.kind() == ErrorKind::NoSuchUpload => {}
        Err(error) => {
            tracing::warn!(%error, upload = %id, "an unfinished upload stays on the server")
        }
    }
}
