//! The tower stack that runs every job.

use s3_core::{Result, SharedStore};
use tower::retry::Retry;
use tower::{Layer, ServiceExt};

use crate::attempt_recorder::RecordedJob;
use crate::layer::limit::Controller;
use crate::layer::{
    AdaptiveLimit, AdaptiveLimitLayer, Deadline, DeadlineLayer, Execute, RetryPolicy, StallTimeout,
    StallTimeoutLayer,
};
use crate::{CallOptions, Job, TransferConfig};

/// One type for all operations. The deadline is added per call.
type Attempts = Retry<RetryPolicy, Limited>;
type Limited = AdaptiveLimit<StallTimeout<Execute>>;

/// Runs jobs: deadline, retries, concurrency limit, stall timeout, attempt.
#[derive(Clone, Debug)]
pub(crate) struct Stack {
    policy: RetryPolicy,
    limited: Limited,
    controller: Controller,
}

impl Stack {
    pub(crate) fn new(store: SharedStore, config: &TransferConfig) -> Self {
        let attempt = StallTimeoutLayer(config.stall_timeout).layer(Execute::new(store));
        let controller = Controller::new(config.concurrency);
        let limited = AdaptiveLimitLayer(controller.clone()).layer(attempt);
        Self {
            policy: RetryPolicy::new(config),
            limited,
            controller,
        }
    }

    /// Returns how many attempts may be in flight now.
    pub(crate) fn limit(&self) -> usize {
        self.controller.limit()
    }

    pub(crate) async fn run<J: Job>(&self, job: J, options: &CallOptions) -> Result<J::Output> {
        if options.deadline.is_none() {
            return self.attempt(job, options).await;
        }
        let options = options.with_recorder();
        let done = self.attempt(job, &options).await;
        done.map_err(|error| options.add_attempts(error))
    }

    async fn attempt<J: Job>(&self, job: J, options: &CallOptions) -> Result<J::Output> {
        let recorder = options.recorder.clone();
        let policy = self
            .policy
            .clone()
            .with_recorder(options.began, recorder.clone())
            .with_observer(options.observer.clone());
        let attempts: Attempts = Retry::new(policy, self.limited.clone());
        let stack: Deadline<Attempts> = DeadlineLayer(options.deadline).layer(attempts);
        stack.oneshot(RecordedJob { job, recorder }).await
    }
}
