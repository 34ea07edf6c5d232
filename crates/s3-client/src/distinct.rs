//! Running a job once for each distinct input, and giving its result to all inputs that are equal.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use s3_transfer::{BatchFailure, ManyOptions, Transfer};

use crate::BatchError;
use crate::error::{Error, Result};

/// Runs `job` once per distinct input, many at a time, and returns one result per input, in input order.
///
/// The first failure ends the batch; the failing input with the lowest index decides which error is returned.
pub(crate) async fn run_distinct<I, T, F, Fut>(
    transfer: &Transfer,
    call: &'static str,
    inputs: Vec<I>,
    job: F,
) -> Result<Vec<T>>
where
    I: Clone + Eq + Hash + Send + 'static,
    T: Clone + Send + 'static,
    F: Fn(Transfer, I) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<T>> + Send + 'static,
{
    let Distinct { items, of_input } = Distinct::of(inputs);
    let tally = Arc::new(Tally::new(items.len()));
    let counted = Arc::clone(&tally);
    let numbered: Vec<(usize, I)> = items.into_iter().enumerate().collect();
    let many = transfer.fan_out(
        numbered,
        ManyOptions::default(),
        move |transfer, (index, item)| {
            let running = job(transfer, item);
            let tally = Arc::clone(&counted);
            async move {
                let result = running.await;
                tally.set(index, if result.is_ok() { SUCCEEDED } else { FAILED });
                result
            }
        },
    );
    match many.first_failure().await {
        Ok(results) => Ok(spread(results, &of_input)),
        Err(failure) => Err(tally.account(call, &of_input, failure)),
    }
}

/// Moves the results that one input has, and clones the others.
fn spread<T: Clone>(results: Vec<T>, of_input: &[usize]) -> Vec<T> {
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

const PENDING: u8 = 0;
const SUCCEEDED: u8 = 1;
const FAILED: u8 = 2;

/// What became of each distinct input so far.
struct Tally(Vec<AtomicU8>);

impl Tally {
    fn new(items: usize) -> Self {
        Self((0..items).map(|_| AtomicU8::new(PENDING)).collect())
    }

    fn set(&self, item: usize, state: u8) {
        self.0[item].store(state, Ordering::Relaxed);
    }

    fn account(
        &self,
        call: &'static str,
        of_input: &[usize],
        failure: BatchFailure<Error>,
    ) -> Error {
        let count = |state| {
            of_input
                .iter()
                .filter(|&&item| self.0[item].load(Ordering::Relaxed) == state)
                .count()
        };
        let index = of_input
            .iter()
            .position(|&item| item == failure.index)
            .unwrap_or_default();
        Error::Batch(Box::new(BatchError {
            call,
            index,
            error: Arc::new(failure.error),
            succeeded: count(SUCCEEDED),
            failed: count(FAILED),
            not_attempted: count(PENDING),
            outcomes: Vec::new(),
        }))
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
        let results = run_distinct(&transfer, "test", vec![3, 1, 3, 2, 1], move |_, item| {
            seen.lock().unwrap().push(item);
            async move { Ok(item * 10) }
        });
        assert_eq!(results.await.unwrap(), [30, 10, 30, 20, 10]);
        let mut runs = runs.lock().unwrap().clone();
        runs.sort_unstable();
        assert_eq!(runs, [1, 2, 3]);
    }

    #[tokio::test]
    async fn the_lowest_failing_input_decides_and_every_input_is_counted() {
        let inputs = vec![1, 1, 7, 9, 7];
        let transfer = transfer();
        let results = run_distinct(&transfer, "test", inputs, |_, item| async move {
            if item < 5 {
                return Ok(item);
            }
            let error = s3_core::Error::new(ErrorKind::NotFound, Operation::Get);
            Err(error.with_place(item.to_string()).into())
        });
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
