//! The layer that ends a job at the caller's deadline.

use std::future::Future;
use std::task::{Context, Poll};

use futures_util::future::{BoxFuture, Either};
use s3_core::{Error, ErrorKind, Operation, Result, Retryability};
use tokio::time::{Instant, timeout_at};
use tower::{Layer, Service};

use crate::Job;

/// Ends a job at the caller's deadline, in whatever state it is.
#[derive(Clone, Copy, Debug)]
pub struct DeadlineLayer(pub Option<Instant>);

impl<S> Layer<S> for DeadlineLayer {
    type Service = Deadline<S>;

    fn layer(&self, inner: S) -> Deadline<S> {
        Deadline { inner, at: self.0 }
    }
}

/// The service of [`DeadlineLayer`].
#[derive(Clone, Debug)]
pub struct Deadline<S> {
    inner: S,
    at: Option<Instant>,
}

impl<S, J> Service<J> for Deadline<S>
where
    J: Job,
    S: Service<J, Response = J::Output, Error = Error>,
    S::Future: Send + 'static,
{
    type Response = J::Output;
    type Error = Error;
    /// Boxed only with a deadline.
    type Future = Either<S::Future, BoxFuture<'static, Result<J::Output>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, job: J) -> Self::Future {
        let Some(at) = self.at else {
            return Either::Left(self.inner.call(job));
        };
        let (operation, resource) = (job.operation(), job.resource().to_owned());
        let attempt = self.inner.call(job);
        Either::Right(Box::pin(async move {
            before(Some(at), operation, &resource, attempt).await
        }))
    }
}

/// Runs `work` until it completes or the deadline passes. Does not poll it if the deadline has passed already.
///
/// # Errors
///
/// `Timeout`, not retryable, when the deadline passes; the errors of `work`.
pub async fn before<T>(
    deadline: Option<Instant>,
    operation: Operation,
    resource: &str,
    work: impl Future<Output = Result<T>> + Send,
) -> Result<T> {
    let Some(at) = deadline else {
        return work.await;
    };
    // `timeout_at` polls its future first, which would send a request.
    if Instant::now() >= at {
        return Err(passed(operation, resource).with_attempts(0));
    }
    let done = timeout_at(at, work).await;
    done.unwrap_or_else(|_| Err(passed(operation, resource)))
}

fn passed(operation: Operation, resource: &str) -> Error {
    Error::new(ErrorKind::Timeout, operation)
        .with_resource(resource)
        .with_retryability(Retryability::No)
        .with_message("the caller's deadline has passed")
}
