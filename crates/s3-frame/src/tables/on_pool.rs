//! Runs a stream of record batches on the worker threads, one batch ahead of its reader.

use std::pin::pin;
use std::sync::Arc;

use arrow_array::RecordBatch;
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt};
use s3_core::{ErrorKind, Operation};
use s3_transfer::WorkerPool;
use tokio::sync::mpsc;

use crate::Result;
use crate::threads::CancelOnDrop;

/// Runs a stream on the worker threads, one batch ahead of its reader. It starts with the first poll. Dropping it
/// cancels the stream.
pub(super) fn on_pool(
    pool: Arc<WorkerPool>,
    rows: impl Stream<Item = Result<RecordBatch>> + Send + 'static,
) -> BoxStream<'static, Result<RecordBatch>> {
    let started = async move {
        let (sender, receiver) = mpsc::channel(1);
        let work = async move {
            let mut rows = pin!(rows);
            while let Some(batch) = rows.next().await {
                if sender.send(batch).await.is_err() {
                    return;
                }
            }
        };
        let task = CancelOnDrop(pool.spawn(work));
        stream::unfold(Some((receiver, task, pool)), |state| async move {
            let (mut receiver, mut task, pool) = state?;
            if let Some(batch) = receiver.recv().await {
                return Some((batch, Some((receiver, task, pool))));
            }
            // A failed task must not look like the end of the rows.
            match (&mut task.0).await.err()?.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => {
                    let error = s3_core::Error::new(ErrorKind::Cancelled, Operation::Get)
                        .with_message("the threads were shut down");
                    Some((Err(error.into()), None))
                }
            }
        })
    };
    stream::once(started).flatten().boxed()
}
