//! Many inputs under way at once, of which the last are not known when the first begin.

use std::collections::BTreeMap;
use std::future::Future;
use std::num::NonZeroUsize;

use futures_core::Stream;
use futures_util::StreamExt;

use super::failure::all_or_first;
use super::{AfterFailure, FanOutError, FanOutOptions};
use crate::Transfer;
use crate::sync::{AbortHandle, JoinError};
use crate::worker_pool::PartSet;

/// Why a fan-out over pages of inputs stopped.
#[derive(Debug)]
pub enum FeedFailure<P, E> {
    /// The inputs could not be had. All before them succeeded.
    Feed(P),
    /// A job failed. Inputs that were not known yet are not counted.
    Job(FanOutError<E>),
}

impl Transfer {
    /// Runs `job` over inputs that come in pages, a bounded window of them at once, and returns one result for each,
    /// in the order of the inputs.
    ///
    /// The next page is waited for while jobs run, so inputs are under way without a break. At most one page waits to
    /// be started.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use futures_util::stream::iter;
    /// use s3_core::{Error, MemoryStore};
    /// use s3_transfer::{FanOutOptions, Transfer, TransferConfig};
    ///
    /// let transfer = Transfer::new(MemoryStore::new(), TransferConfig::default());
    /// let pages = iter([Ok::<_, Error>(vec![1, 2]), Ok(vec![3])]);
    /// let square = |_, n: u32| async move { Ok::<_, Error>(n * n) };
    /// assert_eq!(transfer.fan_out_pages(pages, FanOutOptions::default(), square).await.unwrap(), [1, 4, 9]);
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The first failure by the order of inputs, whichever came first in time: after it nothing is started, what is
    /// behind it is cancelled, and what is before it is waited for.
    ///
    /// # Panics
    ///
    /// With the panic of a job, and if the runtime is shut down before the last result.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels what is under way.
    pub async fn fan_out_pages<S, I, P, T, E, F, Fut>(
        &self,
        pages: S,
        options: FanOutOptions,
        job: F,
    ) -> Result<Vec<T>, FeedFailure<P, E>>
    where
        S: Stream<Item = Result<Vec<I>, P>> + Unpin,
        F: Fn(Self, I) -> Fut,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        let fed = self.fan_out_pages_outcomes(pages, options, AfterFailure::Cancel, job);
        let Fed { outcomes, failure } = fed.await;
        match (all_or_first(outcomes), failure) {
            (Ok(_), Some(error)) => Err(FeedFailure::Feed(error)),
            (results, _) => results.map_err(FeedFailure::Job),
        }
    }

    /// As [`fan_out_pages`](Self::fan_out_pages), and says what became of each input that has come.
    ///
    /// # Panics
    ///
    /// As [`fan_out_pages`](Self::fan_out_pages).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels what is under way.
    pub async fn fan_out_pages_outcomes<S, I, P, T, E, F, Fut>(
        &self,
        mut pages: S,
        options: FanOutOptions,
        after: AfterFailure,
        job: F,
    ) -> Fed<P, T, E>
    where
        S: Stream<Item = Result<Vec<I>, P>> + Unpin,
        F: Fn(Self, I) -> Fut,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        let window = || {
            let asked = options.window.map(NonZeroUsize::get);
            asked.unwrap_or_else(|| self.window()).max(1)
        };
        let mut jobs = Jobs::new(after);
        let mut waiting = Vec::new().into_iter();
        let mut feed = Feed::Open;
        loop {
            while !jobs.is_over() && jobs.running.len() < window() {
                let Some(input) = waiting.next() else {
                    break;
                };
                jobs.start(job(self.clone(), input));
            }
            let is_hungry = matches!(feed, Feed::Open) && waiting.len() == 0;
            tokio::select! {
                page = pages.next(), if is_hungry && !jobs.is_over() => match page {
                    Some(Ok(page)) => {
                        jobs.known += page.len();
                        waiting = page.into_iter();
                    }
                    Some(Err(error)) => feed = Feed::Failed(error),
                    None => feed = Feed::Over,
                },
                Some(done) = jobs.running.join_next() => jobs.done(done),
                else => break,
            }
        }
        let failure = match feed {
            Feed::Failed(error) => Some(error),
            Feed::Open | Feed::Over => None,
        };
        Fed {
            outcomes: jobs.finish(),
            failure,
        }
    }
}

/// What became of inputs that came in pages.
#[derive(Debug)]
#[non_exhaustive]
pub struct Fed<P, T, E> {
    /// One outcome for each input that has come, in their order: `None` for one that was not started, or was cancelled.
    pub outcomes: Vec<Option<Result<T, E>>>,
    /// Why no more inputs could be had, if they did not come to an end.
    pub failure: Option<P>,
}

enum Feed<P> {
    Open,
    Over,
    Failed(P),
}

/// What was started, and what has come of it.
struct Jobs<T, E> {
    after: AfterFailure,
    running: PartSet<(usize, Result<T, E>)>,
    handles: BTreeMap<usize, AbortHandle>,
    slots: Vec<Option<Result<T, E>>>,
    /// Inputs that have come so far.
    known: usize,
    /// The lowest input that has failed.
    failed: Option<usize>,
}

impl<T: Send + 'static, E: Send + 'static> Jobs<T, E> {
    fn new(after: AfterFailure) -> Self {
        Self {
            after,
            running: PartSet::new(),
            handles: BTreeMap::new(),
            slots: Vec::new(),
            known: 0,
            failed: None,
        }
    }

    /// Returns whether no more is to be started.
    fn is_over(&self) -> bool {
        self.failed.is_some() && self.after != AfterFailure::Continue
    }

    fn start(&mut self, job: impl Future<Output = Result<T, E>> + Send + 'static) {
        let index = self.slots.len();
        self.slots.push(None);
        let handle = self.running.spawn(async move { (index, job.await) });
        self.handles.insert(index, handle);
    }

    fn done(&mut self, done: Result<(usize, Result<T, E>), JoinError>) {
        let (index, result) = match done {
            Ok(done) => done,
            Err(failure) => match failure.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // Cancelled behind the failure.
                Err(_) if self.is_over() => return,
                Err(_) => panic!("the runtime was shut down while inputs were under way"),
            },
        };
        self.handles.remove(&index);
        if result.is_err() && self.failed.is_none_or(|lowest| index < lowest) {
            if self.after == AfterFailure::Cancel {
                for (_, handle) in self.handles.range(index + 1..) {
                    handle.abort();
                }
            }
            self.failed = Some(index);
        }
        self.slots[index] = Some(result);
    }

    fn finish(mut self) -> Vec<Option<Result<T, E>>> {
        self.slots.resize_with(self.known, || None);
        self.slots
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use futures_util::stream::{iter, unfold};
    use s3_core::MemoryStore;
    use tokio::time::{Instant, sleep};

    use super::*;
    use crate::TransferConfig;

    fn transfer() -> Transfer {
        Transfer::new(MemoryStore::new(), TransferConfig::default())
    }

    fn window(count: usize) -> FanOutOptions {
        FanOutOptions::default().with_window(NonZeroUsize::new(count).unwrap())
    }

    fn pages(
        last: Option<&'static str>,
    ) -> impl Stream<Item = Result<Vec<u64>, &'static str>> + Unpin {
        let pages = (0..10).map(|page| Ok((10 * page..10 * page + 10).collect()));
        iter(pages.chain(last.map(Err)))
    }

    #[tokio::test(start_paused = true)]
    async fn inputs_of_a_page_do_not_wait_for_those_of_the_page_before() {
        // Pages take 5 ms; every tenth input takes 100 ms, the others nothing.
        let pages = Box::pin(unfold(0_u64, |page| async move {
            sleep(Duration::from_millis(5)).await;
            (page < 10).then(|| {
                (
                    Ok::<Vec<u64>, ()>((10 * page..10 * page + 10).collect()),
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
        assert_eq!(results.await.unwrap(), (0..100).collect::<Vec<_>>());
        assert!(
            begin.elapsed() < Duration::from_millis(160),
            "{:?}",
            begin.elapsed()
        );
        assert!(most.load(Ordering::SeqCst) <= 12);
    }

    #[tokio::test(start_paused = true)]
    async fn the_lowest_failing_input_wins_and_what_is_known_is_counted() {
        let transfer = transfer();
        let results = transfer.fan_out_pages(pages(None), window(20), |_, n| async move {
            sleep(Duration::from_millis(100 - n)).await;
            if n == 3 || n == 7 { Err(n) } else { Ok(n) }
        });
        let Err(FeedFailure::Job(failure)) = results.await else {
            panic!("two inputs fail");
        };
        assert_eq!((failure.index, failure.error), (3, 3));
        let known = failure.succeeded + failure.failed + failure.not_attempted;
        assert!((20..100).contains(&known) && known % 10 == 0, "{known}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_that_fails_comes_behind_the_inputs_before_it() {
        for fails in [false, true] {
            let transfer = transfer();
            let results =
                transfer.fan_out_pages(pages(Some("page")), window(200), |_, n| async move {
                    sleep(Duration::from_millis(10)).await;
                    if fails && n == 99 { Err(n) } else { Ok(n) }
                });
            match results.await {
                Err(FeedFailure::Feed(error)) => assert!(!fails && error == "page"),
                Err(FeedFailure::Job(failure)) => assert!(fails && failure.index == 99),
                Ok(_) => panic!("the last page fails"),
            }
        }
    }
}
