//! The stack that every job goes through.

use s3_core::{Result, SharedStore};
use tower::retry::Retry;
use tower::{Layer, ServiceExt};

use crate::layer::limit::Controller;
use crate::layer::{
    AdaptiveLimit, AdaptiveLimitLayer, Deadline, DeadlineLayer, Execute, RetryPolicy, StallTimeout,
    StallTimeoutLayer,
};
use crate::notes::Noted;
use crate::{CallOptions, Job, TransferConfig};

/// One concrete type for all operations; the outermost layer is put on per call.
type Attempts = Retry<RetryPolicy, Limited>;
type Limited = AdaptiveLimit<StallTimeout<Execute>>;

/// Runs jobs: deadline, retry, limit, stall limit, attempt.
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

    /// Returns how many attempts may be under way at the moment.
    pub(crate) fn limit(&self) -> usize {
        self.controller.limit()
    }

    pub(crate) async fn run<J: Job>(&self, job: J, options: &CallOptions) -> Result<J::Output> {
        if options.deadline.is_none() {
            return self.attempt(job, options).await;
        }
        let options = options.noted();
        let done = self.attempt(job, &options).await;
        done.map_err(|error| options.explain(error))
    }

    async fn attempt<J: Job>(&self, job: J, options: &CallOptions) -> Result<J::Output> {
        let notes = options.notes.clone();
        let policy = self.policy.clone().with_notes(options.began, notes.clone());
        let attempts: Attempts = Retry::new(policy, self.limited.clone());
        let stack: Deadline<Attempts> = DeadlineLayer(options.deadline).layer(attempts);
        stack.oneshot(Noted { job, notes }).await
    }
}
