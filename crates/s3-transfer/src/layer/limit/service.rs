//! The tower layer around a [`Controller`].

use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use s3_core::{Error, Result};
use tower::{Layer, Service, ServiceExt};

use super::Controller;
use crate::Job;

/// Lets as many attempts through at once as its controller allows, and tells it how they went.
#[derive(Clone, Debug)]
pub struct AdaptiveLimitLayer(pub Controller);

impl<S> Layer<S> for AdaptiveLimitLayer {
    type Service = AdaptiveLimit<S>;

    fn layer(&self, inner: S) -> AdaptiveLimit<S> {
        AdaptiveLimit {
            inner,
            controller: self.0.clone(),
        }
    }
}

/// The service of [`AdaptiveLimitLayer`].
#[derive(Clone, Debug)]
pub struct AdaptiveLimit<S> {
    inner: S,
    controller: Controller,
}

impl<S, J> Service<J> for AdaptiveLimit<S>
where
    J: Job,
    S: Service<J, Response = J::Output, Error = Error> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = J::Output;
    type Error = Error;
    type Future = BoxFuture<'static, Result<J::Output>>;

    /// Always ready: the permit is taken when the attempt is known.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, job: J) -> Self::Future {
        let (inner, controller) = (self.inner.clone(), self.controller.clone());
        Box::pin(async move {
            let permit = controller.acquire().await;
            let result = inner.oneshot(job).await;
            permit.report(result.as_ref().err().map(Error::retryability));
            result
        })
    }
}
