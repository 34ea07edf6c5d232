//! The error type of xtask: a message and an exit status.

use std::fmt;

/// The result of a command.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// A message and the status to end with.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    status: u8,
}

impl Failure {
    /// A finding of our own: status 1.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self::with_status(message, 1)
    }

    /// A failure passed on from a command.
    pub(crate) fn with_status(message: impl Into<String>, status: u8) -> Self {
        Self {
            message: message.into(),
            status,
        }
    }

    /// Never 0.
    pub(crate) fn status(&self) -> u8 {
        self.status.max(1)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
