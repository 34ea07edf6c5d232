//! Positioned writes from async code.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;

/// Writes `frames` one after the other from `offset`, on a thread that may block.
///
/// If the future is dropped, the write goes on in the background; writing the same frames to the same place again
/// is harmless.
pub(crate) async fn write_at(file: Arc<File>, offset: u64, frames: Vec<Bytes>) -> io::Result<()> {
    let write = move || {
        let mut position = offset;
        for frame in frames {
            file.write_all_at(&frame, position)?;
            position += frame.len() as u64;
        }
        Ok(())
    };
    run_blocking(write).await
}

/// Runs blocking work on tokio's blocking pool; a panic in it goes on in the caller.
///
/// # Errors
///
/// Those of `work`, and one of its own if the runtime is shut down before the work has begun.
pub(crate) async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(failure) => match failure.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(cancelled) => Err(io::Error::other(cancelled)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_that_is_gone_is_an_error_and_no_panic() {
        let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
        let handle = runtime.handle().clone();
        runtime.shutdown_background();
        assert!(handle.block_on(run_blocking(|| Ok(()))).is_err());
    }
}
