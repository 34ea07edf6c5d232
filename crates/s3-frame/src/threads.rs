//! [`Threads`]: the runtime or worker threads that requests run on.

use std::future::Future;

use futures_util::future::{BoxFuture, FutureExt};
use s3_core::{Error, ErrorKind, Operation, Result};
use tokio::task::JoinHandle;

/// Threads for requests: those of the caller's runtime, or separate ones that a busy query does not block.
#[derive(Clone, Debug)]
pub(crate) enum Threads {
    Callers,
    #[cfg(feature = "datafusion")]
    Own(std::sync::Arc<s3_transfer::WorkerPool>),
}

impl Threads {
    /// Runs `work` as a task, which starts with the first poll. Dropping the future cancels it.
    ///
    /// The task makes progress while the future is not polled, so a read of a part that waits for the rows of another
    /// part does not keep one of the request slots of the engine.
    pub(crate) fn run<T: Send + 'static>(
        self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> BoxFuture<'static, Result<T>> {
        async move {
            let task = match &self {
                Self::Callers => tokio::spawn(work),
                #[cfg(feature = "datafusion")]
                Self::Own(pool) => pool.spawn(work),
            };
            let mut task = CancelOnDrop(task);
            (&mut task.0)
                .await
                .unwrap_or_else(|failure| match failure.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(_) => Err(lost()),
                })
        }
        .boxed()
    }
}

/// A task that is cancelled when its handle is dropped.
pub(crate) struct CancelOnDrop<T>(pub(crate) JoinHandle<T>);

impl<T> Drop for CancelOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn lost() -> Error {
    Error::new(ErrorKind::Cancelled, Operation::Get).with_message("the threads were shut down")
}
