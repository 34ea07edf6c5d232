//! [`AttemptService`]: makes one attempt of a job: waits for a permit, runs the job, and aborts it when it stalls.
//!
//! The permit is held until the body is drained: the limit bounds bytes in flight, not just requests. A job that backs
//! off holds none.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::future::BoxFuture;
use s3_core::{Error, Result, SharedStore};
use tower::Service;

use super::limit::{Controller, Permit};
use super::stall::{StallMonitor, StallWatch};
use crate::attempt_recorder::AttemptRecorder;
use crate::{Job, TransferConfig};

/// Makes attempts of jobs against a store. Always ready: the future waits for the permit.
#[derive(Clone, Debug)]
pub(crate) struct AttemptService {
    store: SharedStore,
    controller: Controller,
    monitor: StallMonitor,
    stall_timeout: Duration,
    recorder: Option<AttemptRecorder>,
}

impl AttemptService {
    pub(crate) fn new(store: SharedStore, config: &TransferConfig) -> Self {
        Self {
            store,
            controller: Controller::new(config.concurrency),
            monitor: StallMonitor::new(config.stall_timeout),
            stall_timeout: config.stall_timeout,
            recorder: None,
        }
    }

    /// Returns how many attempts may be in flight now.
    pub(crate) fn limit(&self) -> usize {
        self.controller.limit()
    }

    /// Returns a service whose attempts are recorded.
    pub(crate) fn with_recorder(&self, recorder: Option<AttemptRecorder>) -> Self {
        Self {
            recorder,
            ..self.clone()
        }
    }

    fn start<J: Job>(&self, job: J, permit: Permit) -> RunningAttempt<J::Output> {
        if let Some(recorder) = &self.recorder {
            recorder.started(&job);
        }
        RunningAttempt {
            watch: StallWatch::new(&self.monitor, &job, self.stall_timeout),
            upload_bytes: job.upload_bytes(),
            work: job.boxed(self.store.clone()),
            permit,
        }
    }
}

impl<J: Job> Service<J> for AttemptService {
    type Response = J::Output;
    type Error = Error;
    type Future = AttemptFuture<J>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, job: J) -> AttemptFuture<J> {
        AttemptFuture {
            service: self.clone(),
            job: Some(job),
            queued: None,
            running: None,
        }
    }
}

/// The future of [`AttemptService`].
pub(crate) struct AttemptFuture<J: Job> {
    service: AttemptService,
    /// The job, until it has a permit.
    job: Option<J>,
    /// The wait for a permit, if none was free at once.
    queued: Option<BoxFuture<'static, Permit>>,
    running: Option<RunningAttempt<J::Output>>,
}

/// An attempt with a permit.
struct RunningAttempt<T> {
    work: BoxFuture<'static, Result<T>>,
    watch: StallWatch,
    upload_bytes: u64,
    // Last, so that the attempt's memory is freed before its permit.
    permit: Permit,
}

// Nothing in it is pinned in place.
impl<J: Job> Unpin for AttemptFuture<J> {}

impl<J: Job> AttemptFuture<J> {
    fn poll_permit(&mut self, cx: &mut Context<'_>) -> Poll<Permit> {
        if let Some(queued) = &mut self.queued {
            return queued.as_mut().poll(cx);
        }
        if let Some(permit) = self.service.controller.try_acquire() {
            return Poll::Ready(permit);
        }
        let controller = self.service.controller.clone();
        let queued = Box::pin(async move { controller.acquire().await });
        self.queued.insert(queued).as_mut().poll(cx)
    }
}

impl<J: Job> Future for AttemptFuture<J> {
    type Output = Result<J::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if this.running.is_none() {
            let permit = ready!(this.poll_permit(cx));
            this.queued = None;
            let job = this.job.take().expect("the future has not completed");
            this.running = Some(this.service.start(job, permit));
        }
        let running = this.running.as_mut().expect("the attempt has started");
        let result = match running.work.as_mut().poll(cx) {
            Poll::Ready(result) => result,
            Poll::Pending => Err(ready!(running.watch.poll_stalled(cx))),
        };
        let running = this.running.take().expect("the attempt has started");
        drop(running.work);
        let bytes = running.watch.bytes_kept() + running.upload_bytes;
        drop(running.watch);
        let failure = result.as_ref().err().map(Error::retryability);
        running.permit.report(failure, bytes);
        if let (Ok(_), Some(recorder)) = (&result, &this.service.recorder) {
            recorder.succeeded();
        }
        Poll::Ready(result)
    }
}
