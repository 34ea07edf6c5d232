//! [`FanOut`]: runs a job over many inputs in worker tasks, and streams or collects the results.
//!
//! ```text
//! inputs ──► worker 0 (thread 0): a window of jobs ──► results ─┐
//!        └─► worker 1 (thread 1): a window of jobs ──► results ─┴─► FanOut, to the caller
//! ```
//!
//! Workers are separate tasks, so jobs run while the caller waits for something else. Jobs hold permits and memory: if
//! the caller polled them itself and paused, it could block other transfers, or its own.

use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use s3_core::Error;
use tracing::Instrument;

use super::inputs::{InputQueue, Inputs};
use super::worker::{FanOutState, FanOutWorker, ResultQueue};
use super::{AfterFailure, FanOutOptions};
use crate::Transfer;
use crate::sync::workers;
use crate::worker_pool::{PoolHandle, PoolJoinSet, spawn_detached};

/// Maximum number of workers of a fan-out. 8: more threads than the network of one process can keep busy.
const MAX_WORKERS: usize = 8;

/// The results of a fan-out: a stream of `(input index, result)` in order of completion.
///
/// Inputs are taken from their source as the window allows; a result that was not read counts as in flight. Dropping
/// the stream cancels the jobs in flight.
///
/// # Panics
///
/// With the panic of a job, and if the runtime is shut down before the last result.
pub struct FanOut<T, E = Error> {
    inputs: Arc<dyn Inputs>,
    start_worker: Box<StartWorker<Result<T, E>>>,
    /// Moves pages into the inputs. In a mutex only so that the stream is `Sync`.
    pages: Mutex<Option<BoxStream<'static, Result<(), E>>>>,
    state: Arc<FanOutState>,
    /// One queue per worker; empty until the first poll.
    queues: Vec<Arc<ResultQueue<Result<T, E>>>>,
    workers: PoolJoinSet<()>,
    /// The number of a worker, and results taken from its queue.
    taken: (usize, Results<T, E>),
}

/// Creates the worker with this number.
type StartWorker<R> =
    dyn Fn(usize, Arc<FanOutState>, Arc<ResultQueue<R>>) -> BoxFuture<'static, ()> + Send + Sync;

type Results<T, E> = std::vec::IntoIter<(usize, Result<T, E>)>;

impl Transfer {
    /// Runs `job` over all inputs, a bounded window of them at once.
    ///
    /// The jobs share this engine's limits and budgets. Nothing runs before the result is polled.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use futures_util::StreamExt;
    /// use s3_core::{Error, MemoryStore};
    /// use s3_transfer::{FanOutOptions, Transfer, TransferConfig};
    ///
    /// let transfer = Transfer::new(MemoryStore::new(), TransferConfig::default());
    /// let mut squares = transfer.fan_out(1..=3, FanOutOptions::default(), |_, n| async move { Ok::<u32, Error>(n * n) });
    /// while let Some((index, square)) = squares.next().await {
    ///     println!("input {index}: {}", square?);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn fan_out<I, T, E, F, Fut>(
        &self,
        inputs: I,
        options: FanOutOptions,
        job: F,
    ) -> FanOut<T, E>
    where
        I: IntoIterator,
        I::IntoIter: Send + 'static,
        F: Fn(Self, I::Item) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        let inputs = Arc::new(InputQueue::of(inputs.into_iter()));
        FanOut::new(self, options, inputs, job)
    }

    /// Runs `job` over inputs that arrive in pages, such as the pages of a listing; otherwise as
    /// [`fan_out`](Self::fan_out).
    ///
    /// The next page is polled while jobs run, when all inputs of the previous page have been started. An error of
    /// `pages` becomes the result of the next input index, and ends the inputs.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use futures_util::stream::iter;
    /// use s3_core::MemoryStore;
    /// use s3_transfer::{AfterFailure, FanOutOptions, Transfer, TransferConfig};
    ///
    /// let transfer = Transfer::new(MemoryStore::new(), TransferConfig::default());
    /// let pages = iter([Ok(vec![1, 2]), Ok(vec![3]), Err("unreachable")]);
    /// let square = |_, n: u32| async move { Ok(n * n) };
    /// let squares = transfer.fan_out_pages(pages, FanOutOptions::default(), square);
    /// let outcomes = squares.outcomes(AfterFailure::Continue).await;
    /// assert_eq!(outcomes, [Some(Ok(1)), Some(Ok(4)), Some(Ok(9)), Some(Err("unreachable"))]);
    /// # }
    /// ```
    pub fn fan_out_pages<S, I, T, E, F, Fut>(
        &self,
        pages: S,
        options: FanOutOptions,
        job: F,
    ) -> FanOut<T, E>
    where
        S: Stream<Item = Result<I, E>> + Send + 'static,
        I: IntoIterator,
        I::IntoIter: Send + 'static,
        F: Fn(Self, I::Item) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        let inputs = Arc::new(InputQueue::open());
        let queue = Arc::clone(&inputs);
        let pages = pages.map(move |page| page.map(|page| queue.push(page.into_iter())));
        let mut fan_out = FanOut::new(self, options, inputs, job);
        fan_out.pages = Mutex::new(Some(pages.boxed()));
        fan_out
    }
}

impl<T: Send + 'static, E: Send + 'static> FanOut<T, E> {
    fn new<P, F, Fut>(
        transfer: &Transfer,
        options: FanOutOptions,
        inputs: Arc<InputQueue<P>>,
        job: F,
    ) -> Self
    where
        P: Iterator + Send + 'static,
        F: Fn(Transfer, P::Item) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
    {
        let window = options.window.map(NonZeroUsize::get);
        let (queue, job) = (Arc::clone(&inputs), Arc::new(job));
        Self {
            inputs,
            start_worker: Box::new(move |number, state, results| {
                let (inputs, job) = (Arc::clone(&queue), Arc::clone(&job));
                Box::pin(FanOutWorker::new(number, inputs, job, state, results))
            }),
            pages: Mutex::new(None),
            state: Arc::new(FanOutState::new(transfer.clone(), window)),
            queues: Vec::new(),
            workers: PoolJoinSet::new(),
            taken: (0, Vec::new().into_iter()),
        }
    }

    /// Waits for all inputs and returns one result for each, in input order.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use s3_core::MemoryStore;
    /// use s3_transfer::{FanOutOptions, Transfer, TransferConfig};
    ///
    /// let transfer = Transfer::new(MemoryStore::new(), TransferConfig::default());
    /// let odd = |_, n: u32| async move { if n % 2 == 1 { Ok(n) } else { Err("even") } };
    /// let results = transfer.fan_out(1..=3, FanOutOptions::default(), odd).all().await;
    /// assert_eq!(results, [Ok(1), Err("even"), Ok(3)]);
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    ///
    /// If the stream has been polled.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the jobs in flight.
    pub async fn all(self) -> Vec<Result<T, E>> {
        let outcomes = self.outcomes(AfterFailure::Continue).await.into_iter();
        outcomes
            .map(|outcome| outcome.expect("every input has a result"))
            .collect()
    }

    /// Waits until the fan-out has ended, and returns one outcome per input, in input order: `None` if it was not
    /// started, or was cancelled. With pages, only inputs that have arrived are counted.
    ///
    /// With [`AfterFailure::Cancel`], the failure with the lowest index does not depend on timing: inputs before a failed
    /// one are completed.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use s3_core::MemoryStore;
    /// use s3_transfer::{AfterFailure, FanOutOptions, Transfer, TransferConfig};
    ///
    /// let transfer = Transfer::new(MemoryStore::new(), TransferConfig::default());
    /// let odd = |_, n: u32| async move { if n % 2 == 1 { Ok(n) } else { Err("even") } };
    /// let one = FanOutOptions::default().with_window(std::num::NonZeroUsize::MIN);
    /// let outcomes = transfer.fan_out(1..=3, one, odd).outcomes(AfterFailure::Drain).await;
    /// assert_eq!(outcomes, [Some(Ok(1)), Some(Err("even")), None]);
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    ///
    /// If the stream has been polled.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the jobs in flight.
    pub async fn outcomes(mut self, after: AfterFailure) -> Vec<Option<Result<T, E>>> {
        let state = Arc::get_mut(&mut self.state).expect("the stream has not been polled");
        state.after_failure = after;
        state.collects = true;
        let mut outcomes: Vec<Option<Result<T, E>>> = Vec::new();
        while let Some((index, result)) = self.next().await {
            if result.is_err() && after != AfterFailure::Continue {
                self.state.stop_after(index);
                self.queues.iter().for_each(|queue| queue.wakes.wake_task());
            }
            if outcomes.len() <= index {
                outcomes.resize_with(index + 1, || None);
            }
            outcomes[index] = Some(result);
        }
        outcomes.resize_with(self.inputs.drain(), || None);
        outcomes
    }

    /// Starts one worker per thread, but not more than there are inputs.
    fn start(&mut self) {
        let workers = threads()
            .min(MAX_WORKERS)
            .min(self.state.window())
            .min(self.inputs.at_most())
            .max(1);
        let state = Arc::get_mut(&mut self.state).expect("no worker has been started");
        state.workers = workers;
        // Here, because the first poll may be on another thread than the call.
        self.workers = PoolJoinSet::new();
        for number in 0..workers {
            let queue = Arc::new(ResultQueue::new());
            let state = Arc::clone(&self.state);
            let worker = (self.start_worker)(number, state, Arc::clone(&queue));
            self.workers.spawn_on(number, worker.in_current_span());
            self.queues.push(queue);
        }
    }

    /// Takes the results of the next worker that has any.
    fn take_results(&mut self) -> bool {
        let workers = self.queues.len();
        let last = self.taken.0;
        for worker in (1..=workers).map(|step| (last + step) % workers) {
            let results = self.queues[worker].take_all();
            if !results.is_empty() {
                self.taken = (worker, results.into_iter());
                return true;
            }
        }
        false
    }

    /// Fetches the next page if the workers need one. Returns the error of the pages.
    fn poll_pages(&mut self, cx: &mut Context<'_>) -> Option<(usize, E)> {
        let pages = self.pages.get_mut().unwrap_or_else(PoisonError::into_inner);
        let mut failure = None;
        while let Some(stream) = pages
            && self.inputs.wants_page()
            && !self.state.is_stopped()
        {
            match stream.as_mut().poll_next(cx) {
                Poll::Pending => return None,
                Poll::Ready(Some(Ok(()))) => {}
                Poll::Ready(Some(Err(error))) => {
                    failure = Some((self.inputs.fail(), error));
                    *pages = None;
                }
                Poll::Ready(None) => {
                    self.inputs.close();
                    *pages = None;
                }
            }
            self.queues.iter().for_each(|queue| queue.wakes.wake_task());
        }
        failure
    }
}

/// Returns how many threads the tasks of this thread can be spread over.
fn threads() -> usize {
    PoolHandle::current().map_or_else(workers, |hands| hands.threads())
}

impl<T: Send + 'static, E: Send + 'static> Stream for FanOut<T, E> {
    type Item = (usize, Result<T, E>);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.queues.is_empty() {
            this.start();
        }
        loop {
            let (worker, results) = &mut this.taken;
            if let Some(result) = results.next() {
                this.queues[*worker].result_read();
                return Poll::Ready(Some(result));
            }
            this.state.reader.register(cx.waker());
            if this.take_results() {
                continue;
            }
            if let Some((index, error)) = this.poll_pages(cx) {
                return Poll::Ready(Some((index, Err(error))));
            }
            // A worker that has ended may have left results since.
            match std::task::ready!(this.workers.poll_join_next(cx)) {
                None => return Poll::Ready(None),
                Some(Ok(())) => {}
                Some(Err(failure)) => match failure.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    // Missing results would pass for inputs that were not started.
                    Err(_) => panic!("the runtime was shut down while inputs were in flight"),
                },
            }
        }
    }
}

impl<T, E> fmt::Debug for FanOut<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FanOut")
            .field("started", &self.inputs.taken())
            .field("workers", &self.queues.len())
            .finish_non_exhaustive()
    }
}

impl<T, E> Unpin for FanOut<T, E> {}

/// Jobs on other threads end after the drop. [`Transfer::wait_for_cleanup`] waits for them, because they may hold
/// temporary files and uploads, whose aborts only begin then.
impl<T, E> Drop for FanOut<T, E> {
    fn drop(&mut self) {
        if self.workers.len() == 0 {
            return;
        }
        let in_flight = self.state.transfer.cleanup().begin();
        let mut workers = std::mem::replace(&mut self.workers, PoolJoinSet::new());
        workers.abort_all();
        spawn_detached(async move {
            let _in_flight = in_flight;
            workers.shutdown().await;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{TransferConfig, WorkerPool};
    use futures_util::stream::{iter, unfold};
    use s3_core::MemoryStore;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;
    use tokio::time::{Instant, sleep};

    fn transfer() -> Transfer {
        Transfer::new(MemoryStore::new(), TransferConfig::default())
    }

    fn window(count: usize) -> FanOutOptions {
        FanOutOptions::default().with_window(NonZeroUsize::new(count).unwrap())
    }

    fn first_failure(outcomes: &[Option<Result<u64, u64>>]) -> Option<(usize, u64)> {
        let mut outcomes = outcomes.iter().enumerate();
        outcomes
            .find_map(|(index, outcome)| Some((index, outcome.as_ref()?.as_ref().err().copied()?)))
    }

    #[tokio::test(start_paused = true)]
    async fn results_are_in_input_order() {
        let many = transfer().fan_out(0..50_u64, window(7), |_, n| async move {
            sleep(Duration::from_millis(50 - n)).await;
            Ok::<_, ()>(n)
        });
        assert_eq!(many.all().await, (0..50).map(Ok).collect::<Vec<_>>());
    }

    #[tokio::test(start_paused = true)]
    async fn the_window_bounds_the_inputs_in_flight() {
        static NOW: AtomicUsize = AtomicUsize::new(0);
        static MOST: AtomicUsize = AtomicUsize::new(0);
        let many = transfer().fan_out(0..50, window(7), |_, _| async {
            MOST.fetch_max(NOW.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            sleep(Duration::from_millis(5)).await;
            NOW.fetch_sub(1, Ordering::SeqCst);
            Ok::<_, ()>(())
        });
        assert_eq!(many.all().await.len(), 50);
        assert_eq!(MOST.load(Ordering::SeqCst), 7);
    }

    #[test]
    fn jobs_of_a_dropped_fan_out_are_waited_for() {
        static RUNNING: AtomicUsize = AtomicUsize::new(0);
        struct Running;
        impl Drop for Running {
            fn drop(&mut self) {
                // Longer than the caller takes to ask.
                std::thread::sleep(Duration::from_millis(50));
                RUNNING.fetch_sub(1, Ordering::SeqCst);
            }
        }
        let pool = WorkerPool::start(NonZeroUsize::new(2).unwrap(), "test").unwrap();
        pool.run(async {
            let transfer = transfer();
            let mut many = transfer.fan_out(0..4, window(4), |_, n| async move {
                RUNNING.fetch_add(1, Ordering::SeqCst);
                let _running = Running;
                if n > 0 {
                    std::future::pending::<()>().await;
                }
                Ok::<_, ()>(())
            });
            many.next().await;
            drop(many);
            let left = transfer.wait_for_cleanup(Duration::from_secs(5)).await;
            assert_eq!((left, RUNNING.load(Ordering::SeqCst)), (0, 0));
        });
    }

    #[tokio::test(start_paused = true)]
    async fn the_failure_with_the_lowest_index_is_reported() {
        let many = transfer().fan_out(0..100_u64, window(10), |_, n| async move {
            sleep(Duration::from_millis(100 - n)).await;
            if n == 3 || n == 7 { Err(n) } else { Ok(n) }
        });
        let outcomes = many.outcomes(AfterFailure::Cancel).await;
        assert_eq!(first_failure(&outcomes), Some((3, 3)));
        assert_eq!(outcomes.len(), 100);
        let not_attempted = outcomes.iter().filter(|outcome| outcome.is_none()).count();
        assert!(not_attempted >= 90, "{not_attempted}");
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_failure_inputs_continue_drain_or_are_cancelled() {
        let slow_behind = |_, n: u64| async move {
            sleep(Duration::from_millis(if n > 3 { 100 } else { 10 + n })).await;
            if n == 3 { Err(n) } else { Ok(n) }
        };
        for (after, attempted) in [
            (AfterFailure::Continue, 100),
            (AfterFailure::Drain, 10),
            (AfterFailure::Cancel, 4),
        ] {
            let many = transfer().fan_out(0..100_u64, window(7), slow_behind);
            let outcomes = many.outcomes(after).await;
            assert_eq!(outcomes.len(), 100);
            let told = outcomes.iter().take_while(|outcome| outcome.is_some());
            assert_eq!(told.count(), attempted, "{after:?}");
            assert!(
                outcomes[attempted..].iter().all(Option::is_none),
                "{after:?}"
            );
            assert_eq!(outcomes[3], Some(Err(3)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn dropping_the_stream_cancels_its_jobs() {
        let alive = Arc::new(());
        let held = Arc::clone(&alive);
        let mut many = transfer().fan_out(0..10, window(10), move |_, n| {
            let held = Arc::clone(&held);
            async move {
                sleep(Duration::from_secs(if n == 0 { 1 } else { 1000 })).await;
                drop(held);
                Ok::<_, ()>(n)
            }
        });
        assert_eq!(many.next().await, Some((0, Ok(0))));
        drop(many);
        sleep(Duration::from_secs(1)).await;
        assert_eq!(Arc::strong_count(&alive), 1);
    }

    const PAGE_ERROR: u64 = 1000;

    fn pages(last: Option<u64>) -> impl Stream<Item = Result<Vec<u64>, u64>> + Send {
        let pages = (0..10).map(|page| Ok((10 * page..10 * page + 10).collect()));
        iter(pages.chain(last.map(Err)))
    }

    #[tokio::test(start_paused = true)]
    async fn inputs_of_a_page_start_before_the_page_before_has_finished() {
        // Pages take 5 ms; every tenth input takes 100 ms, the others nothing.
        let pages = Box::pin(unfold(0_u64, |page| async move {
            sleep(Duration::from_millis(5)).await;
            (page < 10).then(|| {
                (
                    Ok((10 * page..10 * page + 10).collect::<Vec<u64>>()),
                    page + 1,
                )
            })
        }));
        let now = Arc::new(AtomicUsize::new(0));
        let most = Arc::new(AtomicUsize::new(0));
        let (at_once, seen) = (Arc::clone(&now), Arc::clone(&most));
        let begin = Instant::now();
        let transfer = transfer();
        let results = transfer.fan_out_pages(pages, window(12), move |_, n| {
            let (now, most) = (Arc::clone(&at_once), Arc::clone(&seen));
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                if n % 10 == 0 {
                    sleep(Duration::from_millis(100)).await;
                }
                now.fetch_sub(1, Ordering::SeqCst);
                Ok::<_, ()>(n)
            }
        });
        let results = results.all().await;
        assert_eq!(results, (0..100).map(Ok).collect::<Vec<_>>());
        assert!(
            begin.elapsed() < Duration::from_millis(160),
            "{:?}",
            begin.elapsed()
        );
        assert!(most.load(Ordering::SeqCst) <= 12);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_counts_the_inputs_that_have_arrived() {
        let transfer = transfer();
        let results = transfer.fan_out_pages(pages(None), window(20), |_, n| async move {
            sleep(Duration::from_millis(100 - n)).await;
            if n == 3 || n == 7 { Err(n) } else { Ok(n) }
        });
        let outcomes = results.outcomes(AfterFailure::Cancel).await;
        assert_eq!(first_failure(&outcomes), Some((3, 3)));
        let known = outcomes.len();
        assert!((20..100).contains(&known) && known % 10 == 0, "{known}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_of_the_pages_has_the_index_after_their_inputs() {
        for fails in [false, true] {
            let transfer = transfer();
            let results = transfer.fan_out_pages(
                pages(Some(PAGE_ERROR)),
                window(200),
                move |_, n| async move {
                    sleep(Duration::from_millis(10)).await;
                    if fails && n == 99 { Err(n) } else { Ok(n) }
                },
            );
            let outcomes = results.outcomes(AfterFailure::Cancel).await;
            let expected = if fails { (99, 99) } else { (100, PAGE_ERROR) };
            assert_eq!(first_failure(&outcomes), Some(expected));
            assert!(
                outcomes[..expected.0]
                    .iter()
                    .all(|outcome| matches!(outcome, Some(Ok(_))))
            );
        }
    }
}
