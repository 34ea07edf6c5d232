//! [`before`]: runs a future until it completes or the caller's deadline passes, which is a `Timeout` error.

use std::future::Future;
use std::pin::Pin;

use s3_core::{Error, ErrorKind, Operation, Result, Retryability};
use tokio::time::{Instant, timeout_at};

/// Runs `work` until it completes or the deadline passes. Does not poll it if the deadline has passed already.
///
/// `work` is pinned by the caller: a future that is passed by value is stored once per function that it passes through.
///
/// # Errors
///
/// `Timeout`, not retryable, when the deadline passes; the errors of `work`.
pub(crate) async fn before<T>(
    deadline: Option<Instant>,
    operation: Operation,
    resource: &str,
    work: Pin<&mut (impl Future<Output = Result<T>> + Send)>,
) -> Result<T> {
    let Some(at) = deadline else {
        return work.await;
    };
    // `timeout_at` polls its future first, which would send a request.
    if Instant::now() >= at {
        return Err(passed(operation, resource).with_attempts(0));
    }
    let done = timeout_at(at, work).await;
    done.unwrap_or_else(|_| Err(passed(operation, resource)))
}

fn passed(operation: Operation, resource: &str) -> Error {
    Error::new(ErrorKind::Timeout, operation)
        .with_resource(resource)
        .with_retryability(Retryability::No)
        .with_message("the caller's deadline has passed")
}
