//! The tower layer that holds a [`Controller`] permit during each attempt.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::future::BoxFuture;
use pin_project_lite::pin_project;
use s3_core::{Error, Result};
use tower::util::Oneshot;
use tower::{Layer, Service, ServiceExt};

use super::Controller;
use super::controller::Permit;
use crate::{Job, Progress};

/// Limits concurrent attempts to what its controller allows, and reports their outcomes to it.
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
    type Future = LimitFuture<S, J>;

    /// Always ready: the permit is taken in `call`.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, job: J) -> Self::Future {
        let before = job.progress().map_or(0, Progress::bytes);
        LimitFuture {
            progress: job.progress().cloned(),
            before,
            upload_bytes: job.upload_bytes(),
            waiting: Some(WaitingJob {
                next: Some((self.inner.clone(), job)),
                controller: self.controller.clone(),
                queued: None,
            }),
            permit: None,
            attempt: None,
        }
    }
}

pin_project! {
    /// The future of [`AdaptiveLimit`]: waits for a permit and makes the attempt.
    pub struct LimitFuture<S: Service<J>, J> {
        progress: Option<Progress>,
        before: u64,
        upload_bytes: u64,
        waiting: Option<WaitingJob<S, J>>,
        permit: Option<Permit>,
        #[pin]
        attempt: Option<Oneshot<S, J>>,
    }
}

/// A job without a permit.
struct WaitingJob<S, J> {
    next: Option<(S, J)>,
    controller: Controller,
    /// The wait for a permit, if none was free at once.
    queued: Option<BoxFuture<'static, Permit>>,
}

impl<S, J> WaitingJob<S, J> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Permit> {
        if let Some(queued) = &mut self.queued {
            return queued.as_mut().poll(cx);
        }
        if let Some(permit) = self.controller.try_acquire() {
            return Poll::Ready(permit);
        }
        let controller = self.controller.clone();
        let queued = Box::pin(async move { controller.acquire().await });
        self.queued.insert(queued).as_mut().poll(cx)
    }
}

impl<S, J, T> Future for LimitFuture<S, J>
where
    S: Service<J, Response = T, Error = Error>,
{
    type Output = Result<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        let mut this = self.project();
        if let Some(waiting) = this.waiting {
            let permit = ready!(waiting.poll(cx));
            let next = waiting.next.take();
            let (inner, job) = next.expect("the future has not completed");
            *this.permit = Some(permit);
            *this.waiting = None;
            this.attempt.set(Some(inner.oneshot(job)));
        }
        let attempt = this.attempt.as_mut().as_pin_mut();
        let result = ready!(attempt.expect("the future has not completed").poll(cx));
        // The attempt's memory is freed before its permit.
        this.attempt.set(None);
        if let Some(permit) = this.permit.take() {
            let moved = this.progress.as_ref().map_or(0, Progress::bytes);
            let bytes = moved.saturating_sub(*this.before) + *this.upload_bytes;
            permit.report(result.as_ref().err().map(Error::retryability), bytes);
        }
        Poll::Ready(result)
    }
}

impl<S: Service<J>, J> std::fmt::Debug for LimitFuture<S, J> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LimitFuture")
            .field("permit", &self.permit)
            .finish_non_exhaustive()
    }
}
