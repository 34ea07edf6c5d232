//! Many inputs under way at once.
//!
//! ```text
//! inputs ──► lane 0 (thread 0): a window of jobs ──► results ─┐
//!        └─► lane 1 (thread 1): a window of jobs ──► results ─┴─► Many, to the caller
//! ```
//!
//! Lanes are tasks, not part of the caller's: jobs hold permits and memory, and a caller who waits for something else
//! between two results would otherwise hold up whoever needs those, itself included.

use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_util::StreamExt;
use s3_core::Error;
use tracing::Instrument;

use super::failure::all_or_first;
use super::lane::{Batch, Inputs, Link, Source};
use super::{AfterFailure, FanOutError};
use crate::Transfer;
use crate::sync::atomic::Ordering;
use crate::sync::workers;
use crate::worker_pool::{Hands, PartSet};

/// The most lanes of a batch. 8: so many threads outrun any network that one process is given.
const MOST_LANES: usize = 8;

/// Options of a fan-out.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct FanOutOptions {
    /// How many inputs may be under way at once; the configuration's when `None`.
    pub window: Option<NonZeroUsize>,
}

impl FanOutOptions {
    /// Limits how many inputs may be under way at once.
    #[must_use]
    pub fn with_window(mut self, window: NonZeroUsize) -> Self {
        self.window = Some(window);
        self
    }
}

/// The results of a fan-out: a stream of `(input index, result)` in the order of completion.
///
/// Inputs are taken from their iterator as the window allows; results that are not taken count as under way. Dropping
/// it cancels what is under way.
///
/// # Panics
///
/// With the panic of a job, and if the runtime is shut down before the last result: no outcome can be told then.
pub struct Many<T, E = Error> {
    inputs: Arc<dyn Inputs<Result<T, E>>>,
    batch: Arc<Batch>,
    /// Empty until the first poll.
    links: Vec<Arc<Link<Result<T, E>>>>,
    lanes: PartSet<()>,
    /// Results at hand, and the lane that they are from.
    taken: (usize, Results<T, E>),
}

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
    pub fn fan_out<I, T, E, F, Fut>(&self, items: I, options: FanOutOptions, job: F) -> Many<T, E>
    where
        I: IntoIterator,
        I::IntoIter: Send + 'static,
        F: Fn(Self, I::Item) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        let window = options.window.map(NonZeroUsize::get);
        Many {
            inputs: Arc::new(Source::new(items.into_iter(), job)),
            batch: Arc::new(Batch::new(self.clone(), window)),
            links: Vec::new(),
            lanes: PartSet::new(),
            taken: (0, Vec::new().into_iter()),
        }
    }
}

impl<T: Send + 'static, E: Send + 'static> Many<T, E> {
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
    /// # Cancel safety
    ///
    /// Dropping the future cancels what is under way.
    pub async fn all(mut self) -> Vec<Result<T, E>> {
        self.batch.eager.store(true, Ordering::Relaxed);
        let mut slots: Vec<Option<Result<T, E>>> = Vec::new();
        while let Some((index, result)) = self.next().await {
            if slots.len() <= index {
                slots.resize_with(index + 1, || None);
            }
            slots[index] = Some(result);
        }
        slots
            .into_iter()
            .map(|slot| slot.expect("every input ends in one result"))
            .collect()
    }

    /// Waits for all inputs, or for the first failure.
    ///
    /// "First" is by input order, not by time, so the outcome does not depend on who was faster: after a failure
    /// no further input is started, those behind it are cancelled, and those before it are waited for.
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
    /// let failure = transfer.fan_out(1..=9, FanOutOptions::default(), odd).first_failure().await.unwrap_err();
    /// assert_eq!((failure.index, failure.error), (1, "even"));
    /// assert_eq!(failure.succeeded + failure.failed + failure.not_attempted, 9);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// The failing input with the lowest index, and how many succeeded, failed and were not attempted.
    pub async fn first_failure(self) -> Result<Vec<T>, FanOutError<E>> {
        all_or_first(self.outcomes(AfterFailure::Cancel).await)
    }

    /// Waits for all inputs, or for a failure and what follows from it, and returns one outcome per input, in input
    /// order: `None` for one that was not started, or was cancelled.
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
    /// # Cancel safety
    ///
    /// Dropping the future cancels what is under way.
    pub async fn outcomes(mut self, after: AfterFailure) -> Vec<Option<Result<T, E>>> {
        let finishes = after == AfterFailure::Drain;
        let ends = after != AfterFailure::Continue;
        self.batch.eager.store(true, Ordering::Relaxed);
        self.batch.finishes.store(finishes, Ordering::Relaxed);
        self.batch.ends_at_failure.store(ends, Ordering::Relaxed);
        let mut slots: Vec<Option<Result<T, E>>> = Vec::new();
        while let Some((index, result)) = self.next().await {
            if ends && result.is_err() {
                self.stop_behind(index);
            }
            if slots.len() <= index {
                slots.resize_with(index + 1, || None);
            }
            slots[index] = Some(result);
        }
        slots.resize_with(self.inputs.count_all(), || None);
        slots
    }

    /// Starts no more inputs, and cancels those behind `index` unless they may finish.
    fn stop_behind(&self, index: usize) {
        self.batch.stop_behind(index);
        for link in &self.links {
            link.bell.ring();
        }
    }

    /// Begins one lane per thread, but no more than there is work for.
    fn start(&mut self) {
        let lanes = threads()
            .min(MOST_LANES)
            .min(self.batch.window())
            .min(self.inputs.at_most())
            .max(1);
        self.batch.lanes.store(lanes, Ordering::Relaxed);
        // Here and not before: the first poll may be on another thread than the call.
        self.lanes = PartSet::new();
        for number in 0..lanes {
            let link = Arc::new(Link::new());
            let batch = Arc::clone(&self.batch);
            let lane = Arc::clone(&self.inputs).lane(number, batch, Arc::clone(&link));
            self.lanes.spawn_on(number, lane.in_current_span());
            self.links.push(link);
        }
    }

    /// Takes the results of the next lane that has some.
    fn take(&mut self) -> bool {
        let lanes = self.links.len();
        let last = self.taken.0;
        for lane in (1..=lanes).map(|step| (last + step) % lanes) {
            let results = self.links[lane].take();
            if !results.is_empty() {
                self.taken = (lane, results.into_iter());
                return true;
            }
        }
        false
    }
}

/// Returns how many threads the tasks of this one can be spread over.
fn threads() -> usize {
    Hands::mine().map_or_else(workers, |hands| hands.threads())
}

impl<T: Send + 'static, E: Send + 'static> Stream for Many<T, E> {
    type Item = (usize, Result<T, E>);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.links.is_empty() {
            this.start();
        }
        loop {
            let (lane, results) = &mut this.taken;
            if let Some(result) = results.next() {
                this.links[*lane].passed_on();
                return Poll::Ready(Some(result));
            }
            this.batch.reader.register(cx.waker());
            if this.take() {
                continue;
            }
            // A lane that has ended may have left results behind since.
            match std::task::ready!(this.lanes.poll_join_next(cx)) {
                None => return Poll::Ready(None),
                Some(Ok(())) => {}
                Some(Err(failure)) => match failure.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    // Leaving the inputs out would pass for an outcome.
                    Err(_) => panic!("the runtime was shut down while inputs were under way"),
                },
            }
        }
    }
}

impl<T, E> fmt::Debug for Many<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Many")
            .field("started", &self.inputs.started())
            .field("lanes", &self.lanes.len())
            .finish_non_exhaustive()
    }
}

impl<T, E> Unpin for Many<T, E> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TransferConfig;
    use s3_core::MemoryStore;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;
    use tokio::time::sleep;

    fn transfer() -> Transfer {
        Transfer::new(MemoryStore::new(), TransferConfig::default())
    }

    fn window(count: usize) -> FanOutOptions {
        FanOutOptions::default().with_window(NonZeroUsize::new(count).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn results_are_in_input_order_whoever_is_faster() {
        let many = transfer().fan_out(0..50_u64, window(7), |_, n| async move {
            sleep(Duration::from_millis(50 - n)).await;
            Ok::<_, ()>(n)
        });
        assert_eq!(
            many.first_failure().await.unwrap(),
            (0..50).collect::<Vec<_>>()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_the_window_is_under_way() {
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

    #[tokio::test(start_paused = true)]
    async fn the_lowest_failing_input_wins_although_a_later_one_fails_first() {
        let many = transfer().fan_out(0..100_u64, window(10), |_, n| async move {
            sleep(Duration::from_millis(100 - n)).await;
            if n == 3 || n == 7 { Err(n) } else { Ok(n) }
        });
        let failure = many.first_failure().await.unwrap_err();
        assert_eq!((failure.index, failure.error), (3, 3));
        assert_eq!(
            failure.succeeded + failure.failed + failure.not_attempted,
            100
        );
        assert!(failure.not_attempted >= 90, "{failure}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_follows_a_failure_is_as_asked_for() {
        let slow_behind = |_, n: u64| async move {
            sleep(Duration::from_millis(if n > 3 { 100 } else { 10 + n })).await;
            if n == 3 { Err(n) } else { Ok(n) }
        };
        for (after, there) in [
            (AfterFailure::Continue, 100),
            (AfterFailure::Drain, 10),
            (AfterFailure::Cancel, 4),
        ] {
            let many = transfer().fan_out(0..100_u64, window(7), slow_behind);
            let outcomes = many.outcomes(after).await;
            assert_eq!(outcomes.len(), 100);
            let told = outcomes.iter().take_while(|outcome| outcome.is_some());
            assert_eq!(told.count(), there, "{after:?}");
            assert!(outcomes[there..].iter().all(Option::is_none), "{after:?}");
            assert_eq!(outcomes[3], Some(Err(3)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn dropping_it_cancels_what_is_under_way() {
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
}
