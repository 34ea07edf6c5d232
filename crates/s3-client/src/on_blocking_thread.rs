//! Runs blocking file system work with `tokio::task::spawn_blocking`.

use crate::error::{Error, Result};

/// Runs blocking file system work with `spawn_blocking`, and propagates its panics.
pub(crate) async fn on_blocking_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(failure) => match failure.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(Error::config("the runtime is shutting down")),
        },
    }
}
