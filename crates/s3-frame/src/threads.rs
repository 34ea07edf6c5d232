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
    /// Runs `work` as a task from the first poll on. Dropping the future cancels it.
    ///
    /// The task runs also while the future is not polled: reads of a part that wait for the rows of another one keep no
    /// request of the engine's limit.
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

/// A task that ends with its handle.
pub(crate) struct CancelOnDrop<T>(pub(crate) JoinHandle<T>);

impl<T> Drop for CancelOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn lost() -> Error {
    Error::new(ErrorKind::Cancelled, Operation::Get).with_message("the threads were shut down")
}
