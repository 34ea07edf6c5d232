//! [`S3Server`]: a running test server: endpoint, credentials, request log, faults and shutdown.

use std::io;
use std::time::Duration;

use s3_core::{ListUploads, Result, S3Prefix, SdkStore, SdkStoreBuilder, SharedStore, Store};
use s3s::S3;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::accept::ListenCommand;
use super::socket_activity::SocketActivity;
use super::{BlockingServer, S3ServerBuilder};
use crate::{Faults, RequestLog};

/// Time that [`S3Server::stop`] waits for requests in flight.
const GRACE: Duration = Duration::from_secs(2);

/// An in-process S3 server on 127.0.0.1. Dropping it closes its connections.
///
/// It runs on the tokio runtime on which it was started. Code without a runtime uses [`S3Server::spawn_thread`].
///
/// It behaves like S3 for a client: it verifies signatures, presigned URLs, checksums (CRC32, CRC32C, CRC64NVME, SHA1,
/// SHA256, as header or trailer) and `Content-MD5`, accepts buckets in the path and in the host name, and returns every
/// key exactly in listings with `encoding-type=url`.
///
/// ACLs and policies are stored without effect.
///
/// # Examples
///
/// ```
/// use s3_core::{MemoryStore, S3Url, StoreExt};
/// use s3_testkit::S3Server;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = S3Server::start(MemoryStore::with_buckets(["photos"])).await?;
/// let client = server.sdk_store();
/// client.put_bytes(S3Url::parse("s3://photos/cat.jpg")?, "purr").await?;
///
/// let requests = server.request_log().requests();
/// assert_eq!(requests.len(), 1);
/// assert_eq!(requests[0].call.operation, "PutObject");
/// server.stop().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "the server ends when it is dropped"]
pub struct S3Server {
    pub(super) port: u16,
    pub(super) access_key: String,
    pub(super) secret_key: String,
    pub(super) region: String,
    pub(super) store: Option<SharedStore>,
    pub(super) request_log: RequestLog,
    pub(super) faults: Faults,
    pub(super) activity: SocketActivity,
    pub(super) listen_commands: mpsc::Sender<ListenCommand>,
    pub(super) stop: CancellationToken,
    pub(super) task: JoinHandle<()>,
}

impl S3Server {
    /// Starts a server for a store with default settings.
    ///
    /// # Errors
    ///
    /// If there is no free port.
    pub async fn start(store: impl Store) -> io::Result<Self> {
        Self::builder(store).start().await
    }

    /// Returns a builder of a server for a store.
    pub fn builder(store: impl Store) -> S3ServerBuilder {
        S3ServerBuilder::for_store(store)
    }

    /// Returns a builder of a server for any implementation of `s3s::S3`, such as `s3s_fs::FileSystem`.
    pub fn builder_for(service: impl S3) -> S3ServerBuilder {
        S3ServerBuilder::for_service(service)
    }

    /// Starts a server on its own thread, for code without a runtime.
    ///
    /// # Errors
    ///
    /// If there is no free port, or the thread cannot be started.
    pub fn spawn_thread(store: impl Store) -> io::Result<BlockingServer> {
        BlockingServer::start(Self::builder(store))
    }

    /// Returns the endpoint URL, such as `http://127.0.0.1:41234`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns the port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the access key.
    #[must_use]
    pub fn access_key(&self) -> &str {
        &self.access_key
    }

    /// Returns the secret key.
    #[must_use]
    pub fn secret_key(&self) -> &str {
        &self.secret_key
    }

    /// Returns the region of the buckets.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Returns the log of all requests.
    #[must_use]
    pub fn request_log(&self) -> &RequestLog {
        &self.request_log
    }

    /// Returns the active faults, to change the plan or to read the counts.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Returns the store of the server, so that a test can read it without HTTP.
    ///
    /// For a server of an `s3s::S3` service, this is a client of the server.
    #[must_use]
    pub fn store(&self) -> SharedStore {
        self.store
            .clone()
            .unwrap_or_else(|| SharedStore::new(self.sdk_store()))
    }

    /// Returns the number of multipart uploads that are neither completed nor aborted, in all buckets.
    ///
    /// # Errors
    ///
    /// The errors of listing buckets and uploads.
    pub async fn unfinished_uploads(&self) -> Result<usize> {
        let store = self.store();
        let mut count = 0;
        for bucket in store.list_buckets().await? {
            count += unfinished_in(&store, &bucket.name).await?;
        }
        Ok(count)
    }

    /// Returns a client of this server with its own connection pool and without retries.
    #[must_use]
    pub fn sdk_store(&self) -> SdkStore {
        self.client_builder().build()
    }

    /// Returns the builder of a client of this server.
    pub fn client_builder(&self) -> SdkStoreBuilder {
        SdkStore::builder()
            .endpoint(&self.endpoint())
            .region(self.region())
            .credentials(self.access_key(), self.secret_key(), None)
    }

    /// Closes all connections and refuses new ones until [`come_back`](Self::come_back); keeps the port.
    ///
    /// # Errors
    ///
    /// If the port cannot be kept.
    pub async fn go_down(&self) -> io::Result<()> {
        self.set_listening(false).await
    }

    /// Accepts connections again, on the same port.
    ///
    /// # Errors
    ///
    /// If the port is taken.
    pub async fn come_back(&self) -> io::Result<()> {
        self.set_listening(true).await
    }

    async fn set_listening(&self, yes: bool) -> io::Result<()> {
        let (done, told) = oneshot::channel();
        let gone = || io::Error::other("the server has stopped");
        let asked = self.listen_commands.send((yes, done)).await;
        asked.map_err(|_| gone())?;
        told.await.map_err(|_| gone())?
    }

    /// Returns a counter of socket events: connections opened and closed, bytes read and written. While it does not change,
    /// the server waits for a client or for a timer.
    #[must_use]
    pub fn activity(&self) -> u64 {
        self.activity.count()
    }

    /// Returns the number of open connections.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.activity.open()
    }

    /// Stops accepting, waits up to 2 seconds for requests in flight, and closes all connections.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if timeout(GRACE, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn unfinished_in(store: &SharedStore, bucket: &str) -> Result<usize> {
    let Ok(prefix) = S3Prefix::from_parts(bucket, "") else {
        return Ok(0);
    };
    let mut list = ListUploads::new(prefix);
    let mut count = 0;
    loop {
        let page = store.list_uploads(list.clone()).await?;
        count += page.uploads.len();
        match page.next {
            Some(next) => list.after = Some(next),
            None => return Ok(count),
        }
    }
}
