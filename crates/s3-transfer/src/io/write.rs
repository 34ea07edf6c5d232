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
pub(crate) async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(failure) => std::panic::resume_unwind(failure.into_panic()),
    }
}
