//! What a caller may say about one call.

use tokio::time::Instant;

use crate::notes::Notes;

/// Options of one call.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CallOptions {
    /// When the call must be over, whatever it is waiting for: a permit, memory, a connection, a body, a backoff.
    /// No deadline when `None`; attempts that make no progress end all the same.
    pub deadline: Option<Instant>,
    /// When the call began: the times in an error's [`AttemptLog`](s3_core::AttemptLog) count from here. When `None`,
    /// they count from the beginning of the request that failed, its first attempt.
    pub began: Option<Instant>,
    /// What was tried so far, for the error of the deadline.
    pub(crate) notes: Option<Notes>,
}

impl CallOptions {
    /// Returns options with a deadline.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Says when the call began.
    #[must_use]
    pub fn with_began(mut self, began: Instant) -> Self {
        self.began = Some(began);
        self
    }
}
