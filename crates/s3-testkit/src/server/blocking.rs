//! [`BlockingServer`]: an [`S3Server`] on its own thread, for code without a tokio runtime.

use std::io;
use std::ops::Deref;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::CancellationToken;

use super::{S3Server, S3ServerBuilder};

/// An [`S3Server`] on its own thread, for code without a runtime. Dropping it stops the server and joins the thread.
///
/// It dereferences to [`S3Server`].
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
    /// Starts the server of a builder.
    ///
    /// # Errors
    ///
    /// If the port is taken, or the thread cannot be started.
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
                    // If there is no receiver, the caller has stopped waiting.
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

    /// Returns the number of multipart uploads that are neither completed nor aborted, in all buckets.
    ///
    /// # Errors
    ///
    /// The errors of listing buckets and uploads.
    ///
    /// # Panics
    ///
    /// In a tokio runtime; await [`S3Server::unfinished_uploads`] there.
    pub fn unfinished_uploads(&self) -> s3_core::Result<usize> {
        self.runtime.block_on(self.server.unfinished_uploads())
    }

    /// Stops the server and joins its thread, as dropping does.
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
            // The panic of the server's thread has already been printed.
            let _ = thread.join();
        }
    }
}
