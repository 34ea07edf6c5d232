//! The client's handle. Its calls are in `ops`, one file for each family.

use std::path::PathBuf;
use std::sync::Arc;

use s3_core::url::Root;
use s3_core::{Encryption, S3Prefix, S3Url};
use s3_transfer::{MemoryBudget, Transfer};

use crate::builder::S3Builder;
use crate::download::MemoryLimits;
use crate::error::{Error, Result};
use crate::request::{Async, Mode, Request};
use crate::scratch::Scratch;
use crate::{Config, Key};

/// The asynchronous client: calls are sent by `.await`.
pub type S3 = Client<Async>;

/// A client of S3 with Metaflow's calls. Clone is a reference count.
///
/// [`S3`] is the asynchronous one and [`blocking::S3`](crate::blocking::S3) the blocking one; both have the same calls.
/// A client is built with a root that keys are relative to, or without one, and then keys are full URLs; see
/// [`builder`](Self::builder).
#[derive(Clone, Debug)]
pub struct Client<M> {
    shared: Arc<Shared>,
    mode: M,
}

/// What all handles, requests and streams of a client share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) transfer: Transfer,
    pub(crate) root: Root,
    pub(crate) encryption: Option<Encryption>,
    pub(crate) limits: MemoryLimits,
    pub(crate) memory: MemoryBudget,
    pub(crate) scratch: Arc<Scratch>,
}

impl<M: Mode> Client<M> {
    /// Begins a client with nothing but defaults: AWS, full URLs, the working directory for temporary files. The
    /// environment is not read, except by the SDK for credentials, region and endpoint.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_client::{MemoryStore, S3};
    ///
    /// let s3 = S3::builder()
    ///     .store(MemoryStore::with_buckets(["b"])) // leave this out to talk to AWS
    ///     .s3root("s3://b/data")
    ///     .tmproot(std::env::temp_dir())
    ///     .build()?;
    /// assert_eq!(s3.root().prefix().map(|root| root.as_str()), Some("s3://b/data"));
    /// # Ok::<(), s3_client::Error>(())
    /// ```
    pub fn builder() -> S3Builder<M> {
        S3Builder::new()
    }

    /// Builds a client without root from Metaflow's configuration; see [`Config`].
    ///
    /// # Errors
    ///
    /// As [`Config::from_env`] and [`S3Builder::build`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// let s3 = s3_client::S3::from_env()?;
    /// # Ok::<(), s3_client::Error>(())
    /// ```
    pub fn from_env() -> Result<Self> {
        Self::builder().config(Config::from_env()?).build()
    }

    /// Builds a client of a store in memory, without root and without buckets, for tests and examples. Temporary files
    /// go to the system's directory for them.
    ///
    /// # Errors
    ///
    /// As [`S3Builder::build`].
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// s3.put("s3://b/greeting", "hello").await?;
    /// assert_eq!(s3.get("s3://b/greeting").await?.text()?.as_deref(), Some("hello"));
    /// # Ok(()) }
    /// ```
    pub fn in_memory() -> Result<Self> {
        Self::builder()
            .store(s3_core::MemoryStore::new())
            .tmproot(std::env::temp_dir())
            .build()
    }

    pub(crate) fn new(shared: Shared, mode: M) -> Self {
        Self {
            shared: Arc::new(shared),
            mode,
        }
    }

    pub(crate) fn request<O>(&self, op: O) -> Request<O, M> {
        Request {
            client: Arc::clone(&self.shared),
            mode: self.mode.clone(),
            op,
            deadline: None,
        }
    }

    /// Returns what keys are relative to.
    #[must_use]
    pub fn root(&self) -> &Root {
        &self.shared.root
    }

    /// Returns the engine under this client, for calls that the facade does not have.
    #[must_use]
    pub fn transfer(&self) -> &Transfer {
        &self.shared.transfer
    }

    /// Returns the temporary directory; `None` after [`close`](Self::close).
    #[must_use]
    pub fn scratch_path(&self) -> Option<PathBuf> {
        self.shared.scratch.path().map(ToOwned::to_owned)
    }

    /// Removes the temporary directory and all downloads in it, now, for all handles and objects. The second time
    /// nothing happens.
    ///
    /// Without it the directory goes with the last handle or object. Data in memory stays readable, and so do files
    /// that were downloaded to a path of the caller's. Calls still work as far as they need no temporary file.
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
        self.shared.scratch.close()
    }
}

impl Shared {
    /// Returns the object that a key means.
    pub(crate) fn object_url(&self, key: &Key) -> Result<S3Url> {
        if let Some(url) = key.found() {
            return self.below_root(url);
        }
        Ok(self.root.resolve_object(key.as_str())?)
    }

    /// Returns the prefix that a key means. Without a root, a bucket alone will not do: it is too easily meant for
    /// something less than all that is in it.
    pub(crate) fn prefix_url(&self, key: &Key) -> Result<S3Prefix> {
        if let Some(url) = key.found() {
            return Ok(S3Prefix::parse(self.below_root(url)?.as_str())?);
        }
        let prefix = self.root.resolve_prefix(key.as_str())?;
        let bare = prefix.prefix().is_empty() && !prefix.as_str().ends_with('/');
        if bare && self.root.prefix().is_none() {
            return Err(Error::BucketWithoutPath {
                input: prefix.as_str().to_owned(),
            });
        }
        Ok(prefix)
    }

    /// Returns what an earlier call has found, if it is the root of this client or below it.
    fn below_root(&self, url: &str) -> Result<S3Url> {
        let url = S3Url::parse(url)?;
        match self.root.prefix() {
            Some(root)
                if url.as_str() != root.as_str() && !root.with_trailing_slash().contains(&url) =>
            {
                Err(Error::OutsideRoot {
                    url: url.as_str().to_owned(),
                    root: root.as_str().to_owned(),
                })
            }
            _ => Ok(url),
        }
    }

    /// Returns what the keys of results are relative to.
    pub(crate) fn display_root(&self) -> Option<S3Prefix> {
        self.root.prefix().cloned()
    }
}
