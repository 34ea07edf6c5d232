//! `discard`: aborts the upload or removes the partial file of an interrupted resumable transfer.

use crate::KeptTransfer;
use crate::call::Call;
use crate::error::Result;
use crate::request::{Mode, Op, Request};
use crate::s3::Client;

/// The operation of [`discard`](Client::discard).
#[derive(Debug)]
pub struct Discard(KeptTransfer);

impl<M: Mode> Client<M> {
    /// Aborts the upload or removes the partial file of an interrupted transfer. Returns `false` without removing
    /// anything if another process is transferring it or has restarted it, or if its upload belongs to another server
    /// than this client's.
    ///
    /// # Errors
    ///
    /// Those of aborting an upload, and [`Error::Local`](crate::Error::Local).
    pub fn discard(&self, kept: KeptTransfer) -> Request<Discard, M> {
        self.request(Discard(kept))
    }
}

impl Op for Discard {
    type Output = bool;

    const NAME: &'static str = "discard";

    async fn run(self, call: Call) -> Result<bool> {
        self.0.discard(&call).await
    }
}
