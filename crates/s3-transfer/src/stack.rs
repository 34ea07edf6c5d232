//! [`Stack`]: runs every job with deadline, retries and limits on attempts.

use s3_core::{Result, SharedStore};
use tower::ServiceExt;
use tower::retry::Retry;

use crate::layer::{AttemptService, RetryPolicy};
use crate::{CallOptions, Job, TransferConfig};

/// Runs jobs with deadline, retries and limits on attempts.
#[derive(Clone, Debug)]
pub(crate) struct Stack {
    policy: RetryPolicy,
    attempts: AttemptService,
}

impl Stack {
    pub(crate) fn new(store: SharedStore, config: &TransferConfig) -> Self {
        Self {
            policy: RetryPolicy::new(config),
            attempts: AttemptService::new(store, config),
        }
    }

    /// Returns how many attempts may be in flight now.
    pub(crate) fn limit(&self) -> usize {
        self.attempts.limit()
    }

    pub(crate) async fn run<J: Job>(&self, job: J, options: &CallOptions) -> Result<J::Output> {
        if options.deadline.is_none() {
            return self.retry(job, options).await;
        }
        let options = options.with_recorder();
        let (operation, resource) = (job.operation(), job.resource().to_owned());
        // Boxed only with a deadline.
        let mut work = Box::pin(self.retry(job, &options));
        options
            .until_deadline(operation, &resource, work.as_mut())
            .await
    }

    async fn retry<J: Job>(&self, job: J, options: &CallOptions) -> Result<J::Output> {
        let recorder = options.recorder.clone();
        let policy = self
            .policy
            .clone()
            .with_recorder(options.began, recorder.clone())
            .with_observer(options.observer.clone());
        let attempts = self.attempts.with_recorder(recorder);
        Retry::new(policy, attempts).oneshot(job).await
    }
}
