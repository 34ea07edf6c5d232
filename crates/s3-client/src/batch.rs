//! Runs an async job for each input of a batch, in parallel; an error of the client's configuration stops the batch.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use s3_transfer::{AfterFailure, FanOutOptions, Transfer};

use crate::error::{Error, Result};

/// One result per input, in input order; `None` for an input that was not attempted.
pub(crate) type BatchResults<T> = Vec<Option<Result<T, Arc<Error>>>>;

/// Runs `job` for all inputs, in parallel.
///
/// After an error of the client's configuration no further input is attempted, also with `AfterFailure::Continue`: each
/// would fail in the same way.
pub(crate) async fn run_batch<I, T, F, Fut>(
    transfer: &Transfer,
    after: AfterFailure,
    inputs: Vec<I>,
    job: F,
) -> BatchResults<T>
where
    I: Send + 'static,
    T: Send + 'static,
    F: Fn(Transfer, I) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<T>> + Send + 'static,
{
    let unusable = Arc::new(AtomicBool::new(false));
    let job = move |transfer, input| {
        let unusable = Arc::clone(&unusable);
        let work = job(transfer, input);
        async move {
            if unusable.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let result = work.await;
            if result.as_ref().is_err_and(Error::is_unusable_configuration) {
                unusable.store(true, Ordering::Relaxed);
            }
            result.map(Some)
        }
    };
    let fan_out = transfer.fan_out(inputs, FanOutOptions::default(), job);
    let results = fan_out.outcomes(after).await.into_iter();
    let results = results.map(|result| result?.map_err(Arc::new).transpose());
    results.collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use s3_core::{ErrorKind, MemoryStore, Operation};
    use s3_transfer::TransferConfig;

    use super::*;

    #[tokio::test]
    async fn a_configuration_error_ends_a_batch_that_attempts_every_input() {
        let transfer = Transfer::new(MemoryStore::new(), TransferConfig::default());
        let attempts = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&attempts);
        let job = move |_, _: u32| {
            let count = Arc::clone(&count);
            async move {
                count.fetch_add(1, Ordering::Relaxed);
                let error = s3_core::Error::new(ErrorKind::Config, Operation::Get);
                Err::<(), _>(error.into())
            }
        };
        let after = AfterFailure::Continue;
        let results = run_batch(&transfer, after, (0..100).collect(), job).await;
        assert_eq!(results.len(), 100);
        assert_eq!(attempts.load(Ordering::Relaxed), 1);
        assert!(matches!(results[0], Some(Err(_))) && results[99].is_none());
    }
}
