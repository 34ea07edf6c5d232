//! [`Client`] and [`S3`]: the handle of a client, without its calls, which are in `ops`, one file each.

use std::path::PathBuf;
use std::sync::Arc;

use s3_core::Encryption;
use s3_core::url::Root;
use s3_transfer::Transfer;

use crate::context::ClientContext;
use crate::error::Result;
use crate::request::{Async, Mode, Request};

/// The asynchronous client: calls are sent by `.await`.
///
/// Make one with [`builder`](Client::builder), [`from_env`](Client::from_env) or [`in_memory`](Client::in_memory). A
/// clone shares connections, limits and the temporary directory. The [table of calls](crate#calls) lists all methods by
/// task; the most used are [`get`](Client::get), [`get_many`](Client::get_many), [`put`](Client::put),
/// [`put_many`](Client::put_many), [`list_paths`](Client::list_paths) and [`sync`](Client::sync).
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use s3_client::{MemoryStore, S3};
///
/// let store = MemoryStore::with_buckets(["b"]);
/// let s3 = S3::builder().store(store).s3root("s3://b/data").build()?;
/// s3.put_many([("one", "1"), ("two", "2")]).await?;
/// assert_eq!(s3.get("one").await?.text()?, "1");
/// for object in s3.get_many(["one", "two"]).await? {
///     println!("{} has {} bytes", object.key(), object.size());
/// }
/// s3.close().await?;
/// # Ok(()) }
/// ```
pub type S3 = Client<Async>;

/// A client of S3 with Metaflow's calls. Clone is a reference count.
///
/// [`S3`] is the asynchronous one and [`blocking::S3`](crate::blocking::S3) the blocking one; both have the same calls.
/// A client is built with a root that keys are relative to, or without one, and then keys are full URLs; see
/// [`builder`](Self::builder).
#[derive(Clone, Debug)]
pub struct Client<M> {
    pub(crate) context: Arc<ClientContext>,
    pub(crate) mode: M,
}

impl<M: Mode> Client<M> {
    pub(crate) fn new(context: ClientContext, mode: M) -> Self {
        Self {
            context: Arc::new(context),
            mode,
        }
    }

    pub(crate) fn request<O>(&self, op: O) -> Request<O, M> {
        Request {
            client: Arc::clone(&self.context),
            mode: self.mode.clone(),
            op,
            deadline: None,
            observer: None,
        }
    }

    /// Returns the root that keys are relative to.
    #[must_use]
    pub fn root(&self) -> &Root {
        &self.context.root
    }

    /// Returns the engine of this client, for requests that the client has no calls for.
    #[must_use]
    pub fn transfer(&self) -> &Transfer {
        &self.context.transfer
    }

    /// Returns the default server-side encryption of uploads. Requests of [`transfer`](Self::transfer) do not have it.
    #[must_use]
    pub fn encryption(&self) -> Option<&Encryption> {
        self.context.encryption.as_ref()
    }

    /// Returns an asynchronous client that shares everything with this one.
    #[must_use]
    pub fn to_async(&self) -> S3 {
        S3 {
            context: Arc::clone(&self.context),
            mode: Async,
        }
    }

    /// Returns the temporary directory, and creates it if necessary; `None` if it cannot be created, and after
    /// [`close`](crate::S3::close).
    #[must_use]
    pub fn scratch_path(&self) -> Option<PathBuf> {
        self.context.scratch.path().map(ToOwned::to_owned)
    }

    /// Returns whether a download has created the temporary directory and it still exists.
    #[must_use]
    pub fn has_scratch(&self) -> bool {
        self.context.scratch.is_in_use()
    }
}

impl S3 {
    /// Removes the temporary directory with all downloads in it, and waits until uploads that were cancelled or failed
    /// are aborted.
    ///
    /// Call it before the program ends: an abort that is in flight at that time is lost, and its upload stays on the
    /// server. The directory is also removed with the last handle or object. Data in memory stays readable, and so do
    /// files that were downloaded to a path of the caller's. Calls that need no temporary file still work.
    ///
    /// # Errors
    ///
    /// A directory that cannot be removed; [`Error::UploadsRemain`](crate::Error::UploadsRemain) if aborts take longer
    /// than 10 s or have failed.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// let s3 = s3_client::S3::in_memory()?;
    /// assert!(!s3.has_scratch());
    /// let scratch = s3.scratch_path().expect("it is open");
    /// assert!(scratch.exists() && s3.has_scratch());
    /// s3.close().await?;
    /// assert!(!scratch.exists() && !s3.has_scratch());
    /// # Ok(()) }
    /// ```
    pub async fn close(&self) -> Result<()> {
        self.context.close().await
    }
}
