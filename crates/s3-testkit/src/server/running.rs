//! A server that is running.

use std::io;
use std::time::Duration;

use s3_core::{ListUploads, Result, S3Prefix, SdkStore, SdkStoreBuilder, SharedStore, Store};
use s3s::S3;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::activity::Activity;
use super::credentials::KeyPair;
use super::tcp::Presence;
use super::{BlockingServer, S3ServerBuilder};
use crate::{Faults, RequestLog};

/// How long [`S3Server::stop`] waits for requests under way.
const GRACE: Duration = Duration::from_secs(2);

/// A real S3 server on 127.0.0.1, in this process. Dropping it ends it and its connections at once.
///
/// It runs on the tokio runtime that it was started on. Code without one uses [`S3Server::spawn_thread`].
///
/// It keeps to S3 where a client can see it: signatures and presigned URLs are checked, checksums (CRC32, CRC32C,
/// CRC64NVME, SHA1, SHA256, as header or trailer) and `Content-MD5` are compared with the body, buckets may be in
/// the path or in the host name, listings with `encoding-type=url` carry every key exactly.
///
/// Versions, access control lists, tags, object lock, lifecycles and `ListMultipartUploads` with a delimiter are
/// refused with `501 NotImplemented`. A malformed `Range` is ignored, as AWS does, unless it is a signed header:
/// then it is refused with 400.
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
    pub(super) keys: KeyPair,
    pub(super) region: String,
    pub(super) store: Option<SharedStore>,
    pub(super) request_log: RequestLog,
    pub(super) faults: Faults,
    pub(super) activity: Activity,
    pub(super) presence: mpsc::Sender<Presence>,
    pub(super) stop: CancellationToken,
    pub(super) task: JoinHandle<()>,
}

impl S3Server {
    /// Starts a server in front of a store, with everything by default.
    ///
    /// # Errors
    ///
    /// If there is no free port.
    pub async fn start(store: impl Store) -> io::Result<Self> {
        Self::builder(store).start().await
    }

    /// Sets up a server in front of a store.
    pub fn builder(store: impl Store) -> S3ServerBuilder {
        S3ServerBuilder::for_store(store)
    }

    /// Sets up a server for any implementation of `s3s::S3`, such as `s3s_fs::FileSystem`.
    pub fn builder_for(service: impl S3) -> S3ServerBuilder {
        S3ServerBuilder::for_service(service)
    }

    /// Starts a server on a thread of its own, for code that has no runtime.
    ///
    /// # Errors
    ///
    /// If there is no free port, or no thread to be had.
    pub fn spawn_thread(store: impl Store) -> io::Result<BlockingServer> {
        BlockingServer::start(Self::builder(store))
    }

    /// Returns the URL to point clients at, such as `http://127.0.0.1:41234`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns the port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the access key that is accepted.
    #[must_use]
    pub fn access_key(&self) -> &str {
        &self.keys.access_key
    }

    /// Returns the secret of the access key. It protects nothing.
    #[must_use]
    pub fn secret_key(&self) -> &str {
        &self.keys.secret_key
    }

    /// Returns the region that buckets are in.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Returns the record of all requests.
    #[must_use]
    pub fn request_log(&self) -> &RequestLog {
        &self.request_log
    }

    /// Returns the faults at work, to change the plan or to see what was delivered.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Returns the store behind the server: what a test looks at without going through HTTP.
    ///
    /// A server of a foreign service has none; a client of the server itself takes its place.
    #[must_use]
    pub fn store(&self) -> SharedStore {
        self.store
            .clone()
            .unwrap_or_else(|| SharedStore::new(self.sdk_store()))
    }

    /// Counts the multipart uploads that were neither completed nor aborted, in all buckets.
    ///
    /// # Errors
    ///
    /// Those of the store when buckets and uploads are listed.
    pub async fn unfinished_uploads(&self) -> Result<usize> {
        let store = self.store();
        let mut count = 0;
        for bucket in store.list_buckets().await? {
            count += unfinished_in(&store, &bucket.name).await?;
        }
        Ok(count)
    }

    /// Returns a client of this server: one connection pool of its own, no retries.
    #[must_use]
    pub fn sdk_store(&self) -> SdkStore {
        self.client_builder().build()
    }

    /// Returns the settings of a client of this server, to be changed before it is built.
    pub fn client_builder(&self) -> SdkStoreBuilder {
        SdkStore::builder()
            .endpoint(&self.endpoint())
            .region(self.region())
            .credentials(self.access_key(), self.secret_key(), None)
    }

    /// Closes all connections and refuses new ones until [`come_back`](Self::come_back); the port stays the server's.
    ///
    /// # Errors
    ///
    /// If the port cannot be kept: then somebody else may get it.
    pub async fn go_down(&self) -> io::Result<()> {
        self.be_there(false).await
    }

    /// Accepts connections again, on the same port.
    ///
    /// # Errors
    ///
    /// If somebody else has the port.
    pub async fn come_back(&self) -> io::Result<()> {
        self.be_there(true).await
    }

    async fn be_there(&self, yes: bool) -> io::Result<()> {
        let (done, told) = oneshot::channel();
        let gone = || io::Error::other("the server has stopped");
        let asked = self.presence.send((yes, done)).await;
        asked.map_err(|_| gone())?;
        told.await.map_err(|_| gone())?
    }

    /// Returns a number that grows with everything that happens on the server's sockets: connections that come and go,
    /// bytes that are read and written. While it stands still, the server waits for a client or for the clock.
    #[must_use]
    pub fn activity(&self) -> u64 {
        self.activity.count()
    }

    /// Returns how many connections are open.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.activity.open()
    }

    /// Stops accepting, waits up to 2 seconds for requests under way, and ends what is left.
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
