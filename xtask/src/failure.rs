//! [`Failure`]: the error type of xtask: a message and an exit status.

use std::fmt;

/// The result type of a chore.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// A message and the exit status of xtask.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    status: u8,
}

impl Failure {
    /// Returns a failure of xtask itself, with status 1.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self::with_status(message, 1)
    }

    /// Returns a failure with the exit status of a command.
    pub(crate) fn with_status(message: impl Into<String>, status: u8) -> Self {
        Self {
            message: message.into(),
            status,
        }
    }

    /// Returns the exit status, which is never 0.
    pub(crate) fn status(&self) -> u8 {
        self.status.max(1)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
