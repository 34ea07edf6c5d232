//! Running a job once for each distinct input, and giving its result to all inputs that are equal.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;

use s3_transfer::{FanOutOptions, Transfer};

use crate::error::{Error, Result};
use crate::{BatchError, OnFailure, Outcome, S3Object};

/// Runs `job` once per distinct input, many at a time, and returns one result per input, in input order.
///
/// The failing input with the lowest index decides which error is returned, and `outcome` makes of a result what its
/// account shows.
pub(crate) async fn run_distinct<I, T, F, Fut>(
    transfer: &Transfer,
    call: Batch<impl Fn(usize, T) -> Outcome>,
    inputs: Vec<I>,
    job: F,
) -> Result<Vec<T>>
where
    I: Clone + Eq + Hash + Send + 'static,
    T: Clone + Send + 'static,
    F: Fn(Transfer, I) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<T>> + Send + 'static,
{
    let results = results_of_distinct(transfer, call.on_failure, inputs, job).await;
    call.check(results, None)
}

/// Runs `job` once per distinct input, many at a time, and returns what became of each input, in input order.
pub(crate) async fn results_of_distinct<I, T, F, Fut>(
    transfer: &Transfer,
    on_failure: OnFailure,
    inputs: Vec<I>,
    job: F,
) -> Results<T>
where
    I: Clone + Eq + Hash + Send + 'static,
    T: Clone + Send + 'static,
    F: Fn(Transfer, I) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<T>> + Send + 'static,
{
    let Distinct { items, of_input } = Distinct::of(inputs);
    let many = transfer.fan_out(items, FanOutOptions::default(), job);
    let results = many.outcomes(on_failure.for_reads()).await.into_iter();
    let results = results.map(|result| result.map(|result| result.map_err(Arc::new)));
    spread(results.collect(), &of_input)
}

/// What a batch is called, what it does when an input fails, and how its account shows a result.
pub(crate) struct Batch<F> {
    pub(crate) name: &'static str,
    pub(crate) on_failure: OnFailure,
    pub(crate) outcome: F,
}

impl<F> Batch<F> {
    /// Returns all results, or the account of all inputs; `listing` is why there may be more inputs.
    pub(crate) fn check<T>(self, results: Results<T>, listing: Option<Arc<Error>>) -> Result<Vec<T>>
    where
        F: Fn(usize, T) -> Outcome,
    {
        match listing {
            None => BatchError::check(self.name, results, self.outcome),
            Some(_) => Err(BatchError::account(
                self.name,
                results,
                self.outcome,
                listing,
            )),
        }
    }
}

impl<T> Batch<fn(usize, T) -> Outcome> {
    /// The account shows no results.
    pub(crate) fn without_results(name: &'static str) -> Self {
        Self {
            name,
            on_failure: OnFailure::Stop,
            outcome: |_, _| Outcome::Done,
        }
    }
}

impl Batch<fn(usize, S3Object) -> Outcome> {
    /// The account shows the objects, if the call collects.
    pub(crate) fn of_objects(name: &'static str, on_failure: OnFailure) -> Self {
        Self {
            name,
            on_failure,
            outcome: match on_failure {
                OnFailure::Stop => |_, _| Outcome::Done,
                OnFailure::Collect => |_, object| Outcome::Fetched(Box::new(object)),
            },
        }
    }
}

/// What became of each input; `None` is one that was not attempted.
pub(crate) type Results<T> = Vec<Option<Result<T, Arc<Error>>>>;

/// Moves the results that one input has, and clones the others.
fn spread<T: Clone>(results: Results<T>, of_input: &[usize]) -> Results<T> {
    if results.len() == of_input.len() {
        // Nothing is repeated, so item and input numbers are the same.
        return results;
    }
    of_input.iter().map(|&item| results[item].clone()).collect()
}

/// The distinct inputs, numbered by their first occurrence, and the number of each input.
struct Distinct<I> {
    items: Vec<I>,
    of_input: Vec<usize>,
}

impl<I: Clone + Eq + Hash> Distinct<I> {
    fn of(inputs: Vec<I>) -> Self {
        let mut numbers: HashMap<I, usize> = HashMap::with_capacity(inputs.len());
        let mut items = Vec::with_capacity(inputs.len());
        let mut of_input = Vec::with_capacity(inputs.len());
        for input in inputs {
            let number = *numbers.entry(input).or_insert_with_key(|input| {
                items.push(input.clone());
                items.len() - 1
            });
            of_input.push(number);
        }
        Self { items, of_input }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use s3_core::{ErrorKind, MemoryStore, Operation};
    use s3_transfer::TransferConfig;

    use super::*;

    fn transfer() -> Transfer {
        Transfer::new(MemoryStore::new(), TransferConfig::default())
    }

    #[tokio::test]
    async fn equal_inputs_share_one_run() {
        let runs = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&runs);
        let transfer = transfer();
        let results = run_distinct(
            &transfer,
            Batch::without_results("test"),
            vec![3, 1, 3, 2, 1],
            move |_, item| {
                seen.lock().unwrap().push(item);
                async move { Ok(item * 10) }
            },
        );
        assert_eq!(results.await.unwrap(), [30, 10, 30, 20, 10]);
        let mut runs = runs.lock().unwrap().clone();
        runs.sort_unstable();
        assert_eq!(runs, [1, 2, 3]);
    }

    #[tokio::test]
    async fn the_lowest_failing_input_decides_and_every_input_is_counted() {
        let inputs = vec![1, 1, 7, 9, 7];
        let transfer = transfer();
        let results = run_distinct(
            &transfer,
            Batch::without_results("test"),
            inputs,
            |_, item| async move {
                if item < 5 {
                    return Ok(item);
                }
                let error = s3_core::Error::new(ErrorKind::NotFound, Operation::Get);
                Err(error.with_resource(item.to_string()).into())
            },
        );
        let error = results.await.unwrap_err();
        let batch = error.as_batch().unwrap();
        assert_eq!(
            (batch.index(), batch.error().to_string().as_str()),
            (2, "get 7: object not found")
        );
        assert_eq!(
            batch.succeeded() + batch.failed() + batch.not_attempted(),
            5
        );
    }
}
