//! [`BatchError`]: the error of a call over many inputs (`get_many`, `put_many`, …), with the outcome of each.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::batch::BatchResults;
use crate::error::{Error, Result};
use crate::{Lookup, MissingObject, S3Info, S3Object, WriteResult};

/// The error of a call over many inputs, at least one of which failed.
///
/// Calls that read stop at the first failure, and calls that write attempt every input, unless
/// [`on_failure`](crate::Request::on_failure) says otherwise. In both cases [`error`](Self::error) is that of the failing
/// input with the lowest index, and [`outcomes`](Self::outcomes) has one entry per input.
///
/// Inputs not started before the deadline are not attempted. If no input failed, the error is that of the first one not
/// attempted.
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
/// assert!(matches!(batch.outcomes(), [Outcome::Written(_), Outcome::Failed(_)]));
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
    /// Inputs come from a listing, and the listing failed.
    listing_failed: bool,
}

/// The outcome of one input.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// The input was read by a call that stops at the first failure: the result was dropped.
    Done,
    /// The object was downloaded by a call that collects results.
    Fetched(S3Object),
    /// The metadata was read by a call that collects results.
    Described(S3Info),
    /// The object does not exist. From a call that collects results and returns missing objects.
    Missing(MissingObject),
    /// The object was written, deleted, or left alone: [`WriteResult::outcome`] says which.
    Written(WriteResult),
    /// The input failed; the error says whether anything may have been written.
    Failed(Arc<Error>),
    /// The input was not attempted and nothing was sent, because another input had failed or the deadline had passed. A
    /// read may also have been cancelled in flight.
    NotAttempted,
}

impl Outcome {
    /// Returns the error if the input failed.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        match self {
            Self::Failed(error) => Some(error),
            _ => None,
        }
    }

    /// Returns the downloaded object, if the call collects results.
    #[must_use]
    pub fn object(&self) -> Option<&S3Object> {
        match self {
            Self::Fetched(object) => Some(object),
            _ => None,
        }
    }

    /// Returns whether the input succeeded. An object that already existed counts as success, as does a missing one in
    /// a call that returns missing objects.
    #[must_use]
    pub fn is_success(&self) -> bool {
        !matches!(self, Self::Failed(_) | Self::NotAttempted)
    }
}

impl From<S3Object> for Outcome {
    fn from(object: S3Object) -> Self {
        Self::Fetched(object)
    }
}

impl From<S3Info> for Outcome {
    fn from(info: S3Info) -> Self {
        Self::Described(info)
    }
}

impl<T: Into<Self>> From<Lookup<T>> for Outcome {
    fn from(lookup: Lookup<T>) -> Self {
        match lookup {
            Lookup::Found(found) => found.into(),
            Lookup::Missing(missing) => Self::Missing(missing),
        }
    }
}

/// Prints the number of outcomes instead of a list that may have thousands.
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
    /// Returns the results if all inputs succeeded, or else an error with the outcome of each input. `listing` is the
    /// error of the listing that the inputs come from, and `outcome` converts a result.
    pub(crate) fn check<T>(
        call: &'static str,
        results: BatchResults<T>,
        listing: Option<Arc<Error>>,
        outcome: impl Fn(T) -> Outcome,
    ) -> Result<Vec<T>> {
        if listing.is_none() && results.iter().all(|result| matches!(result, Some(Ok(_)))) {
            let all = results.into_iter().flatten().flatten();
            return Ok(all.collect());
        }
        let mut first: Option<(usize, Arc<Error>)> = None;
        let mut unsent = None;
        let (mut succeeded, mut failed) = (0, 0);
        let mut unusable = false;
        let outcomes = results
            .into_iter()
            .enumerate()
            .map(|(index, result)| match result {
                Some(Ok(value)) => {
                    succeeded += 1;
                    outcome(value)
                }
                Some(Err(error)) if error.was_never_sent() => {
                    unsent.get_or_insert((index, error));
                    Outcome::NotAttempted
                }
                // Every further input would fail with the same error.
                Some(Err(error)) if unusable && error.is_unusable_configuration() => {
                    Outcome::NotAttempted
                }
                Some(Err(error)) => {
                    failed += 1;
                    unusable |= error.is_unusable_configuration();
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
            .expect("only failed calls get here");
        Err(Error::Batch(Box::new(Self {
            call,
            index,
            error,
            succeeded,
            failed,
            not_attempted: outcomes.len() - succeeded - failed,
            outcomes,
            listing_failed,
        })))
    }

    /// Returns the index of the failing input with the lowest index. If only the listing of a recursive call failed, it is
    /// the number of inputs found. If only the deadline passed, it is the lowest input that was not attempted.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// Returns the failure of that input.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// Returns how many inputs succeeded. Objects that were already there count.
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
    /// cancelled in flight count.
    #[must_use]
    pub fn not_attempted(&self) -> usize {
        self.not_attempted
    }

    /// Returns the outcome of each input, in input order.
    #[must_use]
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// Returns the outcome of each input, in input order, by value.
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
            write!(f, "{call}: the listing failed after {total} inputs")?;
        } else {
            write!(f, "{call}: input {index} of {total}")?;
        }
        write!(
            f,
            " ({succeeded} succeeded, {failed} failed, {not_attempted} not attempted): "
        )?;
        // With `{:#}`, the text includes the attempts.
        fmt::Display::fmt(error, f)
    }
}

impl StdError for BatchError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        // The error itself is part of the text of `Display`.
        self.error.source()
    }
}

#[cfg(test)]
mod tests {
    use s3_core::{ErrorKind, Operation};

    use super::*;

    fn written() -> Outcome {
        let url = s3_core::S3Url::parse("s3://b/k").unwrap();
        let response = s3_core::PutResponse::default();
        let outcome = crate::WriteOutcome::AlreadyThere;
        Outcome::Written(WriteResult::new("k".into(), url, outcome, response))
    }

    fn failed(url: &str) -> Option<Result<Outcome, Arc<Error>>> {
        let error = s3_core::Error::new(ErrorKind::AccessDenied, Operation::Put).with_resource(url);
        Some(Err(Arc::new(error.with_hint("ask").into())))
    }

    fn late(attempts: u32) -> Option<Result<Outcome, Arc<Error>>> {
        let error = s3_core::Error::new(ErrorKind::Timeout, Operation::Put).with_attempts(attempts);
        Some(Err(Arc::new(error.into())))
    }

    fn check(results: Vec<Option<Result<Outcome, Arc<Error>>>>) -> Result<Vec<Outcome>> {
        BatchError::check("put_many", results, None, |outcome| outcome)
    }

    #[test]
    fn the_error_is_that_of_the_lowest_input_and_all_are_counted() {
        let error = check(vec![
            Some(Ok(Outcome::Done)),
            failed("s3://b/1"),
            Some(Ok(written())),
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
    fn outcomes_and_causes_are_accessible() {
        let cause = std::io::Error::other("why");
        let error = s3_core::Error::new(ErrorKind::Network, Operation::Get).with_source(cause);
        let results = vec![Some(Ok(written())), Some(Err(Arc::new(error.into())))];
        let error = check(results).unwrap_err();
        let Error::Batch(batch) = error else {
            panic!("{error}");
        };
        assert!(StdError::source(&batch).is_some());
        assert!(format!("{batch:?}").contains("succeeded: 1, failed: 1"));
        let outcomes = batch.into_outcomes();
        assert_eq!(outcomes.len(), 2);
        assert!(outcomes[0].is_success() && outcomes[1].object().is_none());
    }

    #[test]
    fn unsent_inputs_are_not_attempted_and_count_only_if_nothing_failed() {
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
    fn a_configuration_that_cannot_work_fails_once() {
        let config = || {
            let error = s3_core::Error::new(ErrorKind::Config, Operation::Put);
            Some(Err(Arc::new(Error::from(error.with_message("no region")))))
        };
        let error = check(vec![config(), None, config()]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "put_many: input 0 of 3 (0 succeeded, 1 failed, 2 not attempted): put: client not configured: no region"
        );
    }

    #[test]
    fn results_without_a_failure_are_returned() {
        assert_eq!(check(vec![Some(Ok(Outcome::Done))]).unwrap().len(), 1);
    }
}
