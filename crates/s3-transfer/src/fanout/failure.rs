//! Why a batch stopped, and how far it had come.

use std::fmt;

use s3_core::Error;

/// The first failure of a batch, by input order, and what became of the other inputs.
#[derive(Debug)]
#[non_exhaustive]
pub struct BatchFailure<E = Error> {
    /// The failing input with the lowest index.
    pub index: usize,
    /// Its error.
    pub error: E,
    /// How many inputs succeeded.
    pub succeeded: usize,
    /// How many inputs failed, this one included.
    pub failed: usize,
    /// How many inputs were not attempted, or were cancelled under way.
    pub not_attempted: usize,
}

impl<E> BatchFailure<E> {
    /// Returns the failure of input `index` of a batch.
    #[must_use]
    pub fn new(
        index: usize,
        error: E,
        succeeded: usize,
        failed: usize,
        not_attempted: usize,
    ) -> Self {
        Self {
            index,
            error,
            succeeded,
            failed,
            not_attempted,
        }
    }
}

impl<E> fmt::Display for BatchFailure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.succeeded + self.failed + self.not_attempted;
        write!(
            f,
            "input {} of {total} failed ({} succeeded, {} failed, {} not attempted)",
            self.index, self.succeeded, self.failed, self.not_attempted
        )
    }
}

impl<E: std::error::Error + 'static> std::error::Error for BatchFailure<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}
