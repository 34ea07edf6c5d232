//! The error of a fan-out: its first failure, and counts of the other inputs.

use std::fmt;

use s3_core::Error;

/// The failure with the lowest input index, and how many other inputs succeeded, failed or were not attempted.
#[derive(Debug)]
#[non_exhaustive]
pub struct FanOutError<E = Error> {
    /// The lowest index of an input that failed.
    pub index: usize,
    /// Its error.
    pub error: E,
    /// How many inputs succeeded.
    pub succeeded: usize,
    /// How many inputs failed, this one included.
    pub failed: usize,
    /// How many inputs were not started, or were cancelled.
    pub not_attempted: usize,
}

impl<E> FanOutError<E> {
    /// Returns the failure of input `index` of a fan-out.
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

impl<E> fmt::Display for FanOutError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.succeeded + self.failed + self.not_attempted;
        write!(
            f,
            "input {} of {total} failed ({} succeeded, {} failed, {} not attempted)",
            self.index, self.succeeded, self.failed, self.not_attempted
        )
    }
}

impl<E: std::error::Error + 'static> std::error::Error for FanOutError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// Returns all results, or the failure with the lowest index.
pub(super) fn all_or_first<T, E>(
    outcomes: Vec<Option<Result<T, E>>>,
) -> Result<Vec<T>, FanOutError<E>> {
    let known = outcomes.len();
    let mut results = Vec::with_capacity(known);
    let mut first = None;
    let mut failed = 0;
    for (index, outcome) in outcomes.into_iter().enumerate() {
        match outcome {
            Some(Ok(value)) => results.push(value),
            Some(Err(error)) => {
                failed += 1;
                first.get_or_insert((index, error));
            }
            None => {}
        }
    }
    let Some((index, error)) = first else {
        return Ok(results);
    };
    let succeeded = results.len();
    let not_attempted = known - succeeded - failed;
    Err(FanOutError::new(
        index,
        error,
        succeeded,
        failed,
        not_attempted,
    ))
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn the_text_counts_inputs_and_the_source_is_the_cause() {
        let cause = std::io::Error::other("no luck");
        let failure = FanOutError::new(7, cause, 5, 2, 4);
        assert_eq!(
            failure.to_string(),
            "input 7 of 11 failed (5 succeeded, 2 failed, 4 not attempted)"
        );
        assert_eq!(failure.source().unwrap().to_string(), "no luck");
    }
}
