//! What a caller may say about one call.

use tokio::time::Instant;

/// Options of one call.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CallOptions {
    /// When the call must be over, whatever it is waiting for: a permit, memory, a connection, a body, a backoff.
    /// No deadline when `None`; attempts that make no progress end all the same.
    pub deadline: Option<Instant>,
}

impl CallOptions {
    /// Returns options with a deadline.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }
}
