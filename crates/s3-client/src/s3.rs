//! [`Client`]: the handle of a client. Its calls are in `ops`, one file each.

use std::path::PathBuf;
use std::sync::Arc;

use s3_core::url::Root;
use s3_transfer::Transfer;

use crate::context::ClientContext;
use crate::error::Result;
use crate::request::{Async, Mode, Request};

/// The asynchronous client: calls are sent by `.await`.
pub type S3 = Client<Async>;

/// A client of S3 with Metaflow's calls. Clone is a reference count.
///
/// [`S3`] is the asynchronous one and [`blocking::S3`](crate::blocking::S3) the blocking one; both have the same calls.
/// A client is built with a root that keys are relative to, or without one, and then keys are full URLs; see
/// [`builder`](Self::builder).
#[derive(Clone, Debug)]
pub struct Client<M> {
    context: Arc<ClientContext>,
    mode: M,
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

    /// Returns what keys are relative to.
    #[must_use]
    pub fn root(&self) -> &Root {
        &self.context.root
    }

    /// Returns the engine of this client, for calls that the client does not have.
    #[must_use]
    pub fn transfer(&self) -> &Transfer {
        &self.context.transfer
    }

    /// Returns the temporary directory, which is made now if no download has needed it; `None` if it cannot be made, and
    /// after [`close`](Self::close).
    #[must_use]
    pub fn scratch_path(&self) -> Option<PathBuf> {
        self.context.scratch.path().map(ToOwned::to_owned)
    }

    /// Removes the temporary directory and all downloads in it, for all handles and objects. Further calls do nothing.
    ///
    /// Without `close`, the directory is removed with the last handle or object. Data in memory and files downloaded to a
    /// path of the caller stay readable. Calls that need no temporary file still work.
    ///
    /// # Errors
    ///
    /// A directory that cannot be removed.
    ///
    /// # Examples
    ///
    /// ```
    /// let s3 = s3_client::S3::in_memory()?;
    /// let scratch = s3.scratch_path().expect("it is open");
    /// assert!(scratch.exists());
    /// s3.close()?;
    /// assert!(!scratch.exists());
    /// # Ok::<(), s3_client::Error>(())
    /// ```
    pub fn close(&self) -> Result<()> {
        self.context.scratch.close()
    }
}
