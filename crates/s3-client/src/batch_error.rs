//! The account of a call over many inputs that failed for one of them or more.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::Error;

/// The account of a call over many inputs, of which at least one failed.
///
/// Calls that read stop at the first failure: `succeeded` results are thrown away, the inputs not reached count as not
/// attempted, and [`outcomes`](Self::outcomes) is empty. Calls that write attempt every input, and `outcomes` holds one
/// entry per input. Either way the failure with the lowest index decides, whichever came first in time.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> s3_client::Result<()> {
/// use s3_client::{Outcome, S3};
///
/// let s3 = S3::in_memory()?;
/// s3.create_bucket("b").await?;
/// let error = s3.put_many([("s3://b/k", "1"), ("s3://nowhere/k", "2")]).await.unwrap_err();
/// let batch = error.as_batch().expect("a call over many inputs");
/// assert_eq!((batch.index(), batch.succeeded(), batch.failed()), (1, 1, 1));
/// assert!(matches!(batch.outcomes(), [Outcome::Done, Outcome::Failed(_)]));
/// # Ok(()) }
/// ```
pub struct BatchError {
    pub(crate) call: &'static str,
    pub(crate) index: usize,
    pub(crate) error: Arc<Error>,
    pub(crate) succeeded: usize,
    pub(crate) failed: usize,
    pub(crate) not_attempted: usize,
    pub(crate) outcomes: Vec<Outcome>,
}

/// What became of one input.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// Written or deleted.
    Done,
    /// There was an object already, and it was not to be overwritten.
    AlreadyThere,
    /// Failed; the error says whether anything may have been written.
    Failed(Arc<Error>),
}

/// Thousands of outcomes would bury the one that matters; they are counted.
impl fmt::Debug for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchError")
            .field("call", &self.call)
            .field("index", &self.index)
            .field("error", &self.error)
            .field("succeeded", &self.succeeded)
            .field("failed", &self.failed)
            .field("not_attempted", &self.not_attempted)
            .finish_non_exhaustive()
    }
}

impl BatchError {
    /// Makes the account of outcomes, or returns them if none is a failure.
    pub(crate) fn check(call: &'static str, outcomes: Vec<Outcome>) -> Result<Vec<Outcome>, Error> {
        let failure = outcomes
            .iter()
            .enumerate()
            .find_map(|(index, outcome)| match outcome {
                Outcome::Failed(error) => Some((index, Arc::clone(error))),
                _ => None,
            });
        let Some((index, error)) = failure else {
            return Ok(outcomes);
        };
        let failed = outcomes
            .iter()
            .filter(|outcome| matches!(outcome, Outcome::Failed(_)))
            .count();
        let succeeded = outcomes.len() - failed;
        let batch = Self {
            call,
            index,
            error,
            succeeded,
            failed,
            not_attempted: 0,
            outcomes,
        };
        Err(Error::Batch(Box::new(batch)))
    }

    /// Returns the index of the input whose failure decided: the lowest that failed.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// Returns the failure of that input.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// Returns how many inputs succeeded; those that were there already count.
    #[must_use]
    pub fn succeeded(&self) -> usize {
        self.succeeded
    }

    /// Returns how many inputs failed.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.failed
    }

    /// Returns how many inputs were not attempted, or were given up half-way, because another one had failed.
    #[must_use]
    pub fn not_attempted(&self) -> usize {
        self.not_attempted
    }

    /// Returns what became of each input, in input order; empty for a call that stops at the first failure.
    #[must_use]
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    fn total(&self) -> usize {
        self.succeeded + self.failed + self.not_attempted
    }
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            call,
            index,
            error,
            succeeded,
            failed,
            not_attempted,
            ..
        } = self;
        write!(
            f,
            "{call}: input {index} of {} ({succeeded} succeeded, {failed} failed, {not_attempted} not attempted): {error}",
            self.total()
        )
    }
}

impl StdError for BatchError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        // The failure itself is part of the text above.
        self.error.source()
    }
}

#[cfg(test)]
mod tests {
    use s3_core::{ErrorKind, Operation};

    use super::*;

    fn failed(url: &str) -> Outcome {
        let error = s3_core::Error::new(ErrorKind::AccessDenied, Operation::Put).with_place(url);
        Outcome::Failed(Arc::new(error.with_hint("ask").into()))
    }

    #[test]
    fn the_lowest_failure_decides_and_all_are_counted() {
        let outcomes = vec![
            Outcome::Done,
            failed("s3://b/1"),
            Outcome::AlreadyThere,
            failed("s3://b/3"),
        ];
        let error = BatchError::check("put_many", outcomes).unwrap_err();
        assert_eq!(
            error.to_string(),
            "put_many: input 1 of 4 (2 succeeded, 2 failed, 0 not attempted): put s3://b/1: access denied\nhint: ask"
        );
        assert_eq!(error.as_batch().unwrap().outcomes().len(), 4);
    }

    #[test]
    fn outcomes_without_a_failure_come_back() {
        assert_eq!(
            BatchError::check("put_many", vec![Outcome::Done])
                .unwrap()
                .len(),
            1
        );
    }
}
