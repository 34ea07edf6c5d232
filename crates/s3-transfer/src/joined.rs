//! What a task of ours leaves behind.

use s3_core::{Error, ErrorKind, Operation, Result};

use crate::sync::JoinError;

/// Returns what the task returned; a panic in it goes on in the caller.
///
/// # Errors
///
/// `Cancelled` if the runtime was shut down before the task's end: nobody else cancels a task that is waited for.
pub(crate) fn joined<T>(
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
