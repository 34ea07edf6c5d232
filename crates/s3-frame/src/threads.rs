//! [`Threads`]: the runtime or worker threads that requests run on.

use std::future::Future;

use futures_util::future::{BoxFuture, FutureExt};
use s3_core::Result;
#[cfg(feature = "datafusion")]
use s3_core::{Error, ErrorKind, Operation};

/// Threads for requests: those of the caller's runtime, or separate ones that a busy query does not block.
#[derive(Clone, Debug)]
pub(crate) enum Threads {
    Callers,
    #[cfg(feature = "datafusion")]
    Own(std::sync::Arc<s3_transfer::WorkerPool>),
}

impl Threads {
    /// Runs `work`. Dropping the future cancels it.
    pub(crate) fn run<T: Send + 'static>(
        self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> BoxFuture<'static, Result<T>> {
        match self {
            Self::Callers => work.boxed(),
            #[cfg(feature = "datafusion")]
            Self::Own(pool) => async move {
                let mut task = CancelOnDrop(pool.spawn(work));
                (&mut task.0)
                    .await
                    .unwrap_or_else(|failure| match failure.try_into_panic() {
                        Ok(panic) => std::panic::resume_unwind(panic),
                        Err(_) => Err(lost()),
                    })
            }
            .boxed(),
        }
    }
}

/// A task that ends with its handle.
#[cfg(feature = "datafusion")]
pub(crate) struct CancelOnDrop<T>(pub(crate) tokio::task::JoinHandle<T>);

#[cfg(feature = "datafusion")]
impl<T> Drop for CancelOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(feature = "datafusion")]
fn lost() -> Error {
    Error::new(ErrorKind::Cancelled, Operation::Get).with_message("the threads were shut down")
}
