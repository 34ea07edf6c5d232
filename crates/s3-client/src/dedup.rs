//! Runs a job once for each distinct input of a batch.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;

use s3_transfer::{AfterFailure, Transfer};

use crate::batch::{BatchResults, run_batch};
use crate::error::Result;

/// Runs `job` once per distinct input, in parallel, and returns one result per input, in input order.
pub(crate) async fn run_distinct<I, T, F, Fut>(
    transfer: &Transfer,
    after: AfterFailure,
    inputs: Vec<I>,
    job: F,
) -> BatchResults<T>
where
    I: Clone + Eq + Hash + Send + 'static,
    T: Clone + Send + 'static,
    F: Fn(Transfer, I) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<T>> + Send + 'static,
{
    let Distinct { items, of_input } = Distinct::of(inputs);
    let results = run_batch(transfer, after, items, job).await;
    if results.len() == of_input.len() {
        // No input occurs twice, so the results are in input order already.
        return results;
    }
    of_input.iter().map(|&item| results[item].clone()).collect()
}

/// The distinct inputs in order of first occurrence, and for each input the index of its distinct input.
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
    use std::sync::{Arc, Mutex};

    use s3_core::{ErrorKind, MemoryStore, Operation};
    use s3_transfer::TransferConfig;

    use super::*;
    use crate::{BatchError, Outcome};

    fn transfer() -> Transfer {
        Transfer::new(MemoryStore::new(), TransferConfig::default())
    }

    #[tokio::test]
    async fn equal_inputs_share_one_run() {
        let runs = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&runs);
        let inputs = vec![3, 1, 3, 2, 1];
        let job = move |_, item: i32| {
            seen.lock().unwrap().push(item);
            async move { Ok(item * 10) }
        };
        let results = run_distinct(&transfer(), AfterFailure::Cancel, inputs, job).await;
        let results = BatchError::check("test", results, None, |_| Outcome::Done);
        assert_eq!(results.unwrap(), [30, 10, 30, 20, 10]);
        let mut runs = runs.lock().unwrap().clone();
        runs.sort_unstable();
        assert_eq!(runs, [1, 2, 3]);
    }

    #[tokio::test]
    async fn the_lowest_failing_input_decides_and_every_input_is_counted() {
        let inputs = vec![1, 1, 7, 9, 7];
        let job = |_, item: i32| async move {
            if item < 5 {
                return Ok(item);
            }
            let error = s3_core::Error::new(ErrorKind::NotFound, Operation::Get);
            Err(error.with_resource(item.to_string()).into())
        };
        let results = run_distinct(&transfer(), AfterFailure::Cancel, inputs, job).await;
        let results = BatchError::check("test", results, None, |_| Outcome::Done);
        let error = results.unwrap_err();
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
