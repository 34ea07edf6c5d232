//! A server on a thread of its own.

use std::io;
use std::ops::Deref;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::CancellationToken;

use super::{S3Server, S3ServerBuilder};

/// An [`S3Server`] on a thread of its own, for code that has no runtime. Dropping it ends it and joins the thread.
///
/// Everything that [`S3Server`] tells can be asked here too.
///
/// # Examples
///
/// ```
/// use s3_core::MemoryStore;
/// use s3_testkit::S3Server;
///
/// let server = S3Server::spawn_thread(MemoryStore::with_buckets(["demo"]))?;
/// println!("{} {} {}", server.endpoint(), server.access_key(), server.secret_key());
/// assert_eq!(server.request_log().requests(), []);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct BlockingServer {
    server: Arc<S3Server>,
    runtime: Handle,
    end: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl BlockingServer {
    /// Starts a server that was set up.
    ///
    /// # Errors
    ///
    /// If the port cannot be had, or no thread.
    pub fn start(builder: S3ServerBuilder) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let end = CancellationToken::new();
        let (sender, started) = mpsc::sync_channel(1);
        let ended = end.clone();
        let thread = thread::Builder::new()
            .name("s3-testkit".to_owned())
            .spawn(move || {
                runtime.block_on(async move {
                    // The caller has gone if nobody receives; then there is nothing to serve.
                    if sender.send(builder.start().await.map(Arc::new)).is_ok() {
                        ended.cancelled().await;
                    }
                });
            })?;
        let server = started.recv().map_err(io::Error::other)??;
        Ok(Self {
            server,
            runtime: handle,
            end,
            thread: Some(thread),
        })
    }

    /// Counts the multipart uploads that were neither completed nor aborted, in all buckets.
    ///
    /// # Errors
    ///
    /// Those of the store when buckets and uploads are listed.
    ///
    /// # Panics
    ///
    /// Inside of a tokio runtime, where [`S3Server::unfinished_uploads`] is there to be awaited.
    pub fn unfinished_uploads(&self) -> s3_core::Result<usize> {
        self.runtime.block_on(self.server.unfinished_uploads())
    }

    /// Ends the server and waits for its thread; dropping does the same.
    pub fn stop(self) {}
}

impl Deref for BlockingServer {
    type Target = S3Server;

    fn deref(&self) -> &S3Server {
        &self.server
    }
}

impl Drop for BlockingServer {
    fn drop(&mut self) {
        self.end.cancel();
        if let Some(thread) = self.thread.take() {
            // A panic of the server's thread was printed by it; there is nothing to add while dropping.
            let _ = thread.join();
        }
    }
}
