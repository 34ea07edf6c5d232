//! The stack that every job goes through.

use s3_core::{Result, SharedStore};
use tower::retry::Retry;
use tower::{Layer, ServiceExt};

use crate::layer::limit::Controller;
use crate::layer::{
    AdaptiveLimit, AdaptiveLimitLayer, Deadline, DeadlineLayer, Execute, RetryPolicy, StallTimeout,
    StallTimeoutLayer,
};
use crate::{CallOptions, Job, TransferConfig};

/// One concrete type for all operations; the outermost layer is put on per call.
type Attempts = Retry<RetryPolicy, AdaptiveLimit<StallTimeout<Execute>>>;

/// Runs jobs: deadline, retry, limit, stall limit, attempt.
#[derive(Clone, Debug)]
pub(crate) struct Stack(Attempts);

impl Stack {
    pub(crate) fn new(store: SharedStore, config: &TransferConfig) -> Self {
        let attempt = StallTimeoutLayer(config.stall_timeout).layer(Execute::new(store));
        let limited = AdaptiveLimitLayer(Controller::new(config.concurrency)).layer(attempt);
        Self(Retry::new(RetryPolicy::new(config), limited))
    }

    pub(crate) async fn run<J: Job>(&self, job: J, options: &CallOptions) -> Result<J::Output> {
        let stack: Deadline<Attempts> = DeadlineLayer(options.deadline).layer(self.0.clone());
        stack.oneshot(job).await
    }
}
