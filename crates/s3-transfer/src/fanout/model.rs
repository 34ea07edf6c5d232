//! Shuttle tests of the fan-out: thread schedules of workers, pages, the reader, failures and a dropped stream.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt;
use s3_core::MemoryStore;
use shuttle::future::{block_on, yield_now};

use super::{AfterFailure, FanOutOptions};
use crate::sync::{Semaphore, chance, draw, explore, set_workers};
use crate::{FanOut, Transfer, TransferConfig};

/// Number of jobs that run at once; the others wait for a permit.
const PERMITS: usize = 2;

/// A random fan-out: its window, and which inputs fail. Shared by all of its jobs.
struct Jobs {
    window: usize,
    in_flight: AtomicUsize,
    /// Makes jobs wait for each other.
    permits: Semaphore,
    fails: Vec<bool>,
}

/// A job in flight.
struct RunningJob<'a>(&'a Jobs);

impl Drop for RunningJob<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Jobs {
    fn random() -> Arc<Self> {
        set_workers(1 + draw(3));
        Arc::new(Self {
            window: 1 + draw(3),
            in_flight: AtomicUsize::new(0),
            permits: Semaphore::new(PERMITS),
            fails: (0..draw(6)).map(|_| chance(4)).collect(),
        })
    }

    /// Returns the expected result of an input.
    fn expected(&self, input: usize) -> Result<usize, usize> {
        if self.fails[input] {
            Err(input)
        } else {
            Ok(input)
        }
    }

    async fn run(self: Arc<Self>, input: usize) -> Result<usize, usize> {
        let count = self.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        let _held = RunningJob(&self);
        assert!(
            count <= self.window,
            "{count} in a window of {}",
            self.window
        );
        let _permit = self.permits.acquire().await;
        for _ in 0..draw(3) {
            yield_now().await;
        }
        self.expected(input)
    }

    fn batch(self: &Arc<Self>) -> FanOut<usize, usize> {
        let transfer = Transfer::new(MemoryStore::new(), TransferConfig::default());
        let window = NonZeroUsize::new(self.window).unwrap();
        let options = FanOutOptions::default().with_window(window);
        let jobs = Arc::clone(self);
        transfer.fan_out(0..self.fails.len(), options, move |_, input| {
            Arc::clone(&jobs).run(input)
        })
    }

    /// Waits until all jobs have ended (forever if one leaks), and checks that everything was released.
    fn check_ended(self: &Arc<Self>) {
        while Arc::strong_count(self) > 1 {
            shuttle::thread::yield_now();
        }
        assert_eq!(self.in_flight.load(Ordering::Relaxed), 0);
        assert_eq!(self.permits.available_permits(), PERMITS);
    }
}

fn every_input_has_one_result() {
    let jobs = Jobs::random();
    let expected: Vec<_> = (0..jobs.fails.len()).map(|n| jobs.expected(n)).collect();
    assert_eq!(block_on(jobs.batch().all()), expected);
    jobs.check_ended();
}

/// Inputs arrive in pages of up to two, some of them late. Sometimes an error follows the last page.
fn pages_arrive_while_jobs_run() {
    let jobs = Jobs::random();
    let mut pages: Vec<Result<Vec<usize>, usize>> = Vec::new();
    let mut arrived = 0;
    while arrived < jobs.fails.len() {
        let end = (arrived + draw(3)).min(jobs.fails.len());
        pages.push(Ok((arrived..end).collect()));
        arrived = end;
    }
    let fails = chance(3);
    if fails {
        pages.push(Err(arrived));
    }
    let pages = futures_util::stream::iter(pages).then(|page| async {
        for _ in 0..draw(2) {
            yield_now().await;
        }
        page
    });
    let transfer = Transfer::new(MemoryStore::new(), TransferConfig::default());
    let window = NonZeroUsize::new(jobs.window).unwrap();
    let options = FanOutOptions::default().with_window(window);
    let held = Arc::clone(&jobs);
    let fan_out =
        transfer.fan_out_pages(pages, options, move |_, input| Arc::clone(&held).run(input));
    let mut expected: Vec<_> = (0..arrived).map(|n| jobs.expected(n)).collect();
    if fails {
        expected.push(Err(arrived));
    }
    match chance(2) {
        true => assert_eq!(block_on(fan_out.all()), expected),
        false => {
            let first = expected.iter().position(Result::is_err);
            let outcomes = block_on(fan_out.outcomes(AfterFailure::Cancel));
            let failed = |outcome: &Option<_>| matches!(outcome, Some(Err(_)));
            assert_eq!(outcomes.iter().position(failed), first);
        }
    }
    jobs.check_ended();
}

fn a_failure_stops_the_batch() {
    let jobs = Jobs::random();
    let after = [
        AfterFailure::Continue,
        AfterFailure::Drain,
        AfterFailure::Cancel,
    ][draw(3)];
    let outcomes = block_on(jobs.batch().outcomes(after));
    assert_eq!(outcomes.len(), jobs.fails.len());
    let first = jobs.fails.iter().position(|fails| *fails);
    let first = first.filter(|_| after != AfterFailure::Continue);
    for (input, outcome) in outcomes.into_iter().enumerate() {
        match outcome {
            Some(outcome) => assert_eq!(outcome, jobs.expected(input)),
            None => assert!(
                first.is_some_and(|first| first < input),
                "{input} has no outcome"
            ),
        }
    }
    jobs.check_ended();
}

fn a_slow_reader_holds_the_window() {
    let jobs = Jobs::random();
    let mut seen = vec![false; jobs.fails.len()];
    block_on(async {
        let mut batch = jobs.batch();
        while let Some((input, result)) = batch.next().await {
            assert!(!std::mem::replace(&mut seen[input], true), "{input} twice");
            assert_eq!(result, jobs.expected(input));
            yield_now().await;
        }
    });
    assert!(seen.into_iter().all(|seen| seen));
    jobs.check_ended();
}

fn a_dropped_batch_gives_everything_back() {
    let jobs = Jobs::random();
    let mut batch = jobs.batch();
    let taken = draw(3);
    block_on(async {
        for _ in 0..taken {
            batch.next().await;
        }
        // Starts the workers, but does not wait for a result.
        if taken == 0 {
            let _ = futures_util::poll!(batch.next());
            yield_now().await;
        }
    });
    drop(batch);
    jobs.check_ended();
}

#[test]
fn all() {
    explore("every input has one result", every_input_has_one_result);
}

#[test]
fn pages() {
    explore("pages arrive while jobs run", pages_arrive_while_jobs_run);
}

#[test]
fn stop() {
    explore("a failure stops the batch", a_failure_stops_the_batch);
}

#[test]
fn reader() {
    explore(
        "a slow reader holds the window",
        a_slow_reader_holds_the_window,
    );
}

#[test]
fn dropped() {
    explore(
        "a dropped batch gives everything back",
        a_dropped_batch_gives_everything_back,
    );
}
