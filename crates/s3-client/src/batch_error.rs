//! The account of a call over many inputs that failed for one of them or more.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::{Error, S3Object};

/// The account of a call over many inputs, of which at least one failed.
///
/// Calls that read stop at the first failure, and calls that write attempt every input, unless
/// [`on_failure`](crate::Request::on_failure) says otherwise. Either way the failure with the lowest index decides,
/// whichever came first in time, and [`outcomes`](Self::outcomes) holds one entry per input.
///
/// Inputs whose turn had not come when the deadline passed were not attempted; if nothing else failed, the first of them
/// decides.
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
    call: &'static str,
    index: usize,
    error: Arc<Error>,
    succeeded: usize,
    failed: usize,
    not_attempted: usize,
    outcomes: Vec<Outcome>,
    /// Inputs come from a listing, and that is what failed.
    listing_failed: bool,
}

/// What became of one input.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// Written or deleted; or read by a call that stopped at another input and threw the result away.
    Done,
    /// Read, by a call that collects.
    Fetched(Box<S3Object>),
    /// There was an object already, and it was not to be overwritten.
    AlreadyThere,
    /// Failed; the error says whether anything may have been written.
    Failed(Arc<Error>),
    /// Not attempted, because another input had failed or the deadline had passed: nothing was sent. A read may also have
    /// been cancelled under way.
    NotAttempted,
}

impl Outcome {
    /// Returns the failure, if it is one.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        match self {
            Self::Failed(error) => Some(error),
            _ => None,
        }
    }

    /// Returns the object that was read, of a call that collects.
    #[must_use]
    pub fn object(&self) -> Option<&S3Object> {
        match self {
            Self::Fetched(object) => Some(object),
            _ => None,
        }
    }

    /// Returns whether the input succeeded; one that was there already did.
    #[must_use]
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Done | Self::Fetched(_) | Self::AlreadyThere)
    }
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
    /// Returns all results, or the account of all inputs. `outcome` says what became of an input that succeeded.
    pub(crate) fn check<T>(
        call: &'static str,
        results: Vec<Option<Result<T, Arc<Error>>>>,
        outcome: impl Fn(usize, T) -> Outcome,
    ) -> Result<Vec<T>, Error> {
        if results.iter().all(|result| matches!(result, Some(Ok(_)))) {
            let all = results.into_iter().flatten().flatten();
            return Ok(all.collect());
        }
        Err(Self::account(call, results, outcome, None))
    }

    /// Returns the account of all inputs, of which at least one has failed, or else their `listing`.
    pub(crate) fn account<T>(
        call: &'static str,
        results: Vec<Option<Result<T, Arc<Error>>>>,
        outcome: impl Fn(usize, T) -> Outcome,
        listing: Option<Arc<Error>>,
    ) -> Error {
        let mut first = None;
        let mut unsent = None;
        let (mut succeeded, mut failed) = (0, 0);
        let outcomes = results
            .into_iter()
            .enumerate()
            .map(|(index, result)| match result {
                Some(Ok(value)) => {
                    succeeded += 1;
                    outcome(index, value)
                }
                Some(Err(error)) if error.was_never_sent() => {
                    unsent.get_or_insert((index, error));
                    Outcome::NotAttempted
                }
                Some(Err(error)) => {
                    failed += 1;
                    first.get_or_insert_with(|| (index, Arc::clone(&error)));
                    Outcome::Failed(error)
                }
                None => Outcome::NotAttempted,
            });
        let outcomes: Vec<Outcome> = outcomes.collect();
        let listing_failed = first.is_none() && listing.is_some();
        let listing = listing.map(|error| (outcomes.len(), error));
        let (index, error) = first
            .or(listing)
            .or(unsent)
            .expect("only calls that failed are accounted for");
        Error::Batch(Box::new(Self {
            call,
            index,
            error,
            succeeded,
            failed,
            not_attempted: outcomes.len() - succeeded - failed,
            outcomes,
            listing_failed,
        }))
    }

    /// Returns the index of the input whose failure decided: the lowest that failed. If the inputs of a recursive call
    /// could not all be listed, and none of those that were found failed, it is their number. If nothing failed at all
    /// but a deadline passed, it is the lowest that was not attempted.
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

    /// Returns how many inputs were not attempted, because another one had failed or the deadline had passed. Reads
    /// that were cancelled under way count.
    #[must_use]
    pub fn not_attempted(&self) -> usize {
        self.not_attempted
    }

    /// Returns what became of each input, in input order.
    #[must_use]
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// Returns what became of each input, in input order, by value: the objects that a call which collects has read.
    #[must_use]
    pub fn into_outcomes(self) -> Vec<Outcome> {
        self.outcomes
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
        let total = self.total();
        if self.listing_failed {
            write!(f, "{call}: the listing failed behind {total} inputs")?;
        } else {
            write!(f, "{call}: input {index} of {total}")?;
        }
        write!(
            f,
            " ({succeeded} succeeded, {failed} failed, {not_attempted} not attempted): "
        )?;
        // With `#`, its attempts too.
        fmt::Display::fmt(error, f)
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

    fn failed(url: &str) -> Option<Result<Outcome, Arc<Error>>> {
        let error = s3_core::Error::new(ErrorKind::AccessDenied, Operation::Put).with_resource(url);
        Some(Err(Arc::new(error.with_hint("ask").into())))
    }

    fn late(attempts: u32) -> Option<Result<Outcome, Arc<Error>>> {
        let error = s3_core::Error::new(ErrorKind::Timeout, Operation::Put).with_attempts(attempts);
        Some(Err(Arc::new(error.into())))
    }

    fn check(results: Vec<Option<Result<Outcome, Arc<Error>>>>) -> Result<Vec<Outcome>, Error> {
        BatchError::check("put_many", results, |_, outcome| outcome)
    }

    #[test]
    fn the_lowest_failure_decides_and_all_are_counted() {
        let error = check(vec![
            Some(Ok(Outcome::Done)),
            failed("s3://b/1"),
            Some(Ok(Outcome::AlreadyThere)),
            failed("s3://b/3"),
            None,
        ])
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "put_many: input 1 of 5 (2 succeeded, 2 failed, 1 not attempted): put s3://b/1: access denied\nhint: ask"
        );
        let outcomes = error.as_batch().unwrap().outcomes();
        assert_eq!(outcomes.len(), 5);
        assert!(outcomes[0].is_success() && outcomes[1].error().is_some());
        assert!(matches!(outcomes[4], Outcome::NotAttempted));
        assert!(!outcomes[1].is_success() && !outcomes[4].is_success());
    }

    #[test]
    fn outcomes_and_causes_can_be_had() {
        let cause = std::io::Error::other("why");
        let error = s3_core::Error::new(ErrorKind::Network, Operation::Get).with_source(cause);
        let url = s3_core::S3Url::parse("s3://b/k").unwrap();
        let got = Outcome::Fetched(Box::new(S3Object::missing(url, None)));
        let results = vec![Some(Ok(got)), Some(Err(Arc::new(error.into())))];
        let error = check(results).unwrap_err();
        let Error::Batch(batch) = error else {
            panic!("{error}");
        };
        assert!(StdError::source(&batch).is_some());
        assert!(format!("{batch:?}").contains("succeeded: 1, failed: 1"));
        let outcomes = batch.into_outcomes();
        assert_eq!(outcomes.len(), 2);
        assert!(outcomes[0].object().is_some() && outcomes[1].object().is_none());
    }

    #[test]
    fn what_was_never_sent_is_not_attempted_and_decides_only_if_nothing_failed() {
        let error = check(vec![Some(Ok(Outcome::Done)), late(0), late(1)]).unwrap_err();
        let batch = error.as_batch().unwrap();
        assert_eq!(
            (batch.index(), batch.failed(), batch.not_attempted()),
            (2, 1, 1)
        );
        assert!(
            error.to_string().starts_with("put_many: input 2 of 3 ("),
            "{error}"
        );
        let error = check(vec![Some(Ok(Outcome::Done)), late(0), late(0)]).unwrap_err();
        let batch = error.as_batch().unwrap();
        assert_eq!(
            (batch.index(), batch.failed(), batch.not_attempted()),
            (1, 0, 2)
        );
        assert!(
            error.to_string().starts_with("put_many: input 1 of 3 ("),
            "{error}"
        );
        assert_eq!(
            batch.error().as_request().unwrap().kind(),
            ErrorKind::Timeout
        );
    }

    #[test]
    fn outcomes_without_a_failure_come_back() {
        assert_eq!(check(vec![Some(Ok(Outcome::Done))]).unwrap().len(), 1);
    }
}
