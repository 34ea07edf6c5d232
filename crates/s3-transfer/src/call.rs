//! [`CallOptions`]: deadline, start time and observer of one call to a `Transfer`.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use s3_core::{Error, ErrorKind, Operation, Result};
use tokio::time::Instant;

use crate::Observer;
use crate::attempt_recorder::AttemptRecorder;
use crate::layer::before;

/// Options of one call.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CallOptions {
    /// Deadline of the call. It ends every wait: for a permit, memory, a connection, a body or a backoff. Without a
    /// deadline (`None`), stalled attempts are still aborted.
    pub deadline: Option<Instant>,
    /// When the call began: the times in an error's [`AttemptLog`](s3_core::AttemptLog) count from here. When `None`,
    /// they count from the first attempt of the request that failed.
    pub began: Option<Instant>,
    /// Receives the events of the call. When `None`, the client's observer receives them.
    pub observer: Option<Arc<dyn Observer>>,
    /// Records the attempts so far, for the error of the deadline.
    pub(crate) recorder: Option<AttemptRecorder>,
}

impl CallOptions {
    /// Returns options with a deadline.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Sets when the call began.
    #[must_use]
    pub fn with_began(mut self, began: Instant) -> Self {
        self.began = Some(began);
        self
    }

    /// Returns the same options, with a recorder if there is a deadline.
    pub(crate) fn with_recorder(&self) -> Self {
        let mut options = self.clone();
        if options.deadline.is_some() && options.recorder.is_none() {
            let began = options.began.unwrap_or_else(Instant::now);
            options.recorder = Some(AttemptRecorder::new(began));
        }
        options
    }

    /// Runs `work`, a whole call whose jobs have these options, until it completes or the deadline passes.
    ///
    /// # Errors
    ///
    /// Those of [`before`], with the attempts made.
    pub(crate) async fn until_deadline<T>(
        &self,
        operation: Operation,
        resource: &str,
        work: Pin<&mut (impl Future<Output = Result<T>> + Send)>,
    ) -> Result<T> {
        let done = before(self.deadline, operation, resource, work).await;
        done.map_err(|error| self.add_attempts(error))
    }

    /// Adds the recorded attempts to an error of the deadline.
    pub(crate) fn add_attempts(&self, error: Error) -> Error {
        match &self.recorder {
            Some(recorder) if error.kind() == ErrorKind::Timeout => recorder.add_attempts(error),
            _ => error,
        }
    }
}
