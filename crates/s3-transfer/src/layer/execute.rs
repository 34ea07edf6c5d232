//! The innermost service: runs one attempt of a job against the store.

use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use s3_core::{Error, Result, SharedStore};
use tower::Service;

use crate::Job;

/// Runs one attempt of a job against a store. Always ready.
#[derive(Clone, Debug)]
pub struct Execute(SharedStore);

impl Execute {
    /// Returns the service that runs jobs against `store`.
    #[must_use]
    pub fn new(store: SharedStore) -> Self {
        Self(store)
    }
}

impl<J: Job> Service<J> for Execute {
    type Response = J::Output;
    type Error = Error;
    type Future = BoxFuture<'static, Result<J::Output>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, job: J) -> Self::Future {
        job.boxed(self.0.clone())
    }
}
