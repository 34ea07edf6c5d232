//! Sends CreateMultipartUpload, and aborts an upload whose response arrives after its attempt was cancelled.

use std::time::Duration;

use futures_util::FutureExt;
use s3_core::{
    AbortUpload, CreateUpload, ErrorKind, Operation, PutMode, Result, SharedStore, Store,
};
use tokio::time::timeout;

use super::abort::UploadGuard;
use super::target::{Upload, WriteTarget, unconditional};
use crate::join_error::join_result;
use crate::request_job::RequestJob;
use crate::worker_pool::spawn_detached;
use crate::{CallOptions, Error, Transfer};

impl Transfer {
    /// Creates a multipart upload. One request.
    ///
    /// An attempt that is cancelled or stalls still waits for its response in the background, for at most two stall
    /// timeouts, and aborts the upload that the response names. Without a response the upload cannot be named, and
    /// stays on the server.
    pub(crate) async fn begin(
        &self,
        target: &WriteTarget,
        options: &CallOptions,
    ) -> Result<(Upload, UploadGuard)> {
        let conditions = self.store().capabilities().complete_conditions;
        if matches!(target.mode, PutMode::IfMatch(_)) && !conditions {
            return Err(unconditional(&target.url));
        }
        let mut attributes = target.attributes.clone();
        let token = self.name_write(&mut attributes);
        let create = CreateUpload::new(target.url.clone(), attributes);
        let job = RequestJob::new(
            Operation::CreateUpload,
            target.url.as_str(),
            (self.clone(), create),
            |store: SharedStore, (transfer, create)| attempt(store, transfer, create).boxed(),
        );
        let (mut upload, guard) = self.run(job, options).await?;
        upload.token = token;
        Ok((upload, guard))
    }
}

async fn attempt(
    store: SharedStore,
    transfer: Transfer,
    create: CreateUpload,
) -> Result<(Upload, UploadGuard)> {
    let limit = transfer.config().stall_timeout.saturating_mul(2);
    let in_flight = transfer.cleanup().begin();
    let work = async move {
        let begun = timeout(limit, guarded(store, transfer, create)).await;
        // `in_flight` is dropped after the upload. If the call was dropped, the abort has begun by then.
        (begun, in_flight)
    };
    let begun = spawn_detached(work).expect("a future that is polled is inside a runtime");
    let (begun, _in_flight) = join_result(begun.await, Operation::CreateUpload)?;
    begun.unwrap_or_else(|_| Err(no_response(limit)))
}

async fn guarded(
    store: SharedStore,
    transfer: Transfer,
    create: CreateUpload,
) -> Result<(Upload, UploadGuard)> {
    let url = create.url.clone();
    let checksum_algorithm = create.attributes.checksum_algorithm;
    let id = store.create_upload(create).await?;
    let guard = UploadGuard::new(&transfer, AbortUpload::new(url.clone(), id.clone()));
    let upload = Upload {
        url,
        id,
        token: None,
        checksum_algorithm,
    };
    Ok((upload, guard))
}

fn no_response(limit: Duration) -> Error {
    Error::new(ErrorKind::Timeout, Operation::CreateUpload)
        .with_message(format!("no response for {} s", limit.as_secs_f32()))
}
