//! Converts the `JoinError` of a tokio task into an error of this crate; resumes panics.

use s3_core::{Error, ErrorKind, Operation, Result};

use crate::sync::JoinError;

/// Returns the task's output. Resumes a panic of the task.
///
/// # Errors
///
/// `Cancelled` if the runtime was shut down before the task completed. Tasks that are joined are not aborted otherwise.
pub(crate) fn join_result<T>(
    done: std::result::Result<T, JoinError>,
    operation: Operation,
) -> Result<T> {
    done.map_err(|failure| match failure.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(cancelled) => Error::new(ErrorKind::Cancelled, operation)
            .with_message("the runtime was shut down")
            .with_source(cancelled),
    })
}
