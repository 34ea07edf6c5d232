//! Bounded-concurrency requests and positional file I/O for the other clients.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use tokio::task::spawn_blocking;

use crate::failure::Outcome;
use crate::tally::Tally;

/// Requests for small objects in flight.
pub(super) const SMALL_AT_ONCE: usize = 64;

/// Uploads of 1 MiB in flight.
pub(super) const MID_AT_ONCE: usize = 32;

/// Parts of a big object in flight.
pub(super) const PARTS_AT_ONCE: usize = 16;

/// Size of a part, in bytes.
pub(super) const PART: u64 = 16 << 20;

/// Spawns a task per item, runs at most `at_once` of them at a time, and sums the bytes.
pub(super) async fn run_concurrently<T, F>(
    items: Vec<T>,
    at_once: usize,
    request: impl Fn(T) -> F + Send,
) -> Outcome<Tally>
where
    T: Send,
    F: Future<Output = Outcome<u64>> + Send + 'static,
{
    let tasks = items
        .into_iter()
        .map(move |item| tokio::spawn(request(item)));
    let mut done = stream::iter(tasks).buffer_unordered(at_once);
    let mut tally = Tally::default();
    while let Some(bytes) = done.next().await {
        tally += Tally::one(bytes??);
    }
    Ok(tally)
}

/// Creates a file that parts are written to in any order.
pub(super) fn create_shared_file(path: PathBuf) -> io::Result<Arc<File>> {
    Ok(Arc::new(File::create(path)?))
}

/// Writes chunks consecutively at `offset`, on a blocking thread.
pub(super) async fn write_at<B>(file: Arc<File>, chunks: Vec<B>, offset: u64) -> Outcome
where
    B: AsRef<[u8]> + Send + 'static,
{
    let write = move || {
        let mut offset = offset;
        for chunk in chunks {
            file.write_all_at(chunk.as_ref(), offset)?;
            offset += chunk.as_ref().len() as u64;
        }
        io::Result::Ok(())
    };
    Ok(spawn_blocking(write).await??)
}

/// Reads a part of a file, on a blocking thread.
pub(super) async fn read_at(file: Arc<File>, part: Range<u64>) -> Outcome<Vec<u8>> {
    let read = move || {
        let len = usize::try_from(part.end - part.start).map_err(io::Error::other)?;
        let mut bytes = vec![0; len];
        file.read_exact_at(&mut bytes, part.start)?;
        io::Result::Ok(bytes)
    };
    Ok(spawn_blocking(read).await??)
}
