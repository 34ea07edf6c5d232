//! Worker of a fan-out: a task that takes inputs from the queue and polls their jobs.
//!
//! There is one worker per thread. A task per input would cost a spawn, and a wake-up across threads, for each.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll};

use tokio::task::coop::has_budget_remaining;

use super::AfterFailure;
use super::future_set::{FutureSet, WakeQueue};
use super::inputs::{InputQueue, NextInput};
use crate::Transfer;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::{AtomicWaker, Mutex, MutexGuard};

/// Maximum number of polls per turn of a worker, after which other tasks of its thread run. 128: tokio's cooperative
/// budget.
const POLLS_PER_TURN: usize = 128;

/// State shared by the workers of a fan-out and its reader.
pub(super) struct FanOutState {
    pub(super) transfer: Transfer,
    /// The caller's window; the engine's current one when `None`.
    pub(super) window: Option<usize>,
    pub(super) workers: usize,
    pub(super) after_failure: AfterFailure,
    /// Whether the reader collects all results. Unread results then do not count against the window.
    pub(super) collects: bool,
    pub(super) reader: AtomicWaker,
    /// The failed input with the lowest index; `usize::MAX` before a failure. No input is started after it is set, and
    /// inputs after it are cancelled with [`AfterFailure::Cancel`].
    stop: AtomicUsize,
}

impl FanOutState {
    pub(super) fn new(transfer: Transfer, window: Option<usize>) -> Self {
        Self {
            transfer,
            window,
            workers: 1,
            after_failure: AfterFailure::Continue,
            collects: false,
            reader: AtomicWaker::new(),
            stop: AtomicUsize::new(usize::MAX),
        }
    }

    pub(super) fn window(&self) -> usize {
        self.window.unwrap_or_else(|| self.transfer.window())
    }

    pub(super) fn stop_after(&self, input: usize) {
        self.stop.fetch_min(input, Ordering::AcqRel);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire) != usize::MAX
    }
}

/// Queue of results from one worker to the reader.
pub(super) struct ResultQueue<R> {
    /// Wakes the worker.
    pub(super) wakes: WakeQueue,
    results: Mutex<Vec<(usize, R)>>,
    /// Number of results that have not reached the caller.
    waiting: AtomicUsize,
    /// Set while the worker waits for the reader to make room.
    blocked: AtomicBool,
}

impl<R> ResultQueue<R> {
    pub(super) fn new() -> Self {
        Self {
            wakes: WakeQueue::default(),
            results: Mutex::new(Vec::new()),
            waiting: AtomicUsize::new(0),
            blocked: AtomicBool::new(false),
        }
    }

    pub(super) fn take_all(&self) -> Vec<(usize, R)> {
        std::mem::take(&mut *self.results())
    }

    /// Makes room for another input: one result has reached the caller.
    pub(super) fn result_read(&self) {
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        if self.blocked.load(Ordering::SeqCst) && self.blocked.swap(false, Ordering::SeqCst) {
            self.wakes.wake_task();
        }
    }

    fn push_all(&self, results: &mut Vec<(usize, R)>) {
        let mut queue = self.results();
        self.waiting.fetch_add(results.len(), Ordering::SeqCst);
        queue.append(results);
    }

    fn results(&self) -> MutexGuard<'_, Vec<(usize, R)>> {
        self.results.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task of one worker.
pub(super) struct FanOutWorker<P, F, Fut: Future> {
    number: usize,
    inputs: Arc<InputQueue<P>>,
    job: Arc<F>,
    in_flight: FutureSet<Fut>,
    /// Results of this turn.
    done: Vec<(usize, Fut::Output)>,
    /// The value of [`FanOutState::stop`] that this worker has applied.
    stop: usize,
    no_more_inputs: bool,
    state: Arc<FanOutState>,
    results: Arc<ResultQueue<Fut::Output>>,
}

impl<P, F, Fut: Future> FanOutWorker<P, F, Fut> {
    pub(super) fn new(
        number: usize,
        inputs: Arc<InputQueue<P>>,
        job: Arc<F>,
        state: Arc<FanOutState>,
        results: Arc<ResultQueue<Fut::Output>>,
    ) -> Self {
        Self {
            number,
            inputs,
            job,
            in_flight: FutureSet::new(results.wakes.clone()),
            done: Vec::new(),
            stop: usize::MAX,
            no_more_inputs: false,
            state,
            results,
        }
    }
}

impl<P, F, Fut: Future> Unpin for FanOutWorker<P, F, Fut> {}

impl<P, T, E, F, Fut> FanOutWorker<P, F, Fut>
where
    P: Iterator,
    F: Fn(Transfer, P::Item) -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    /// Cancels inputs after the one that failed, unless they are to be drained.
    fn apply_stop(&mut self) {
        let stop = self.state.stop.load(Ordering::Acquire);
        if stop < self.stop {
            self.stop = stop;
            if self.state.after_failure != AfterFailure::Drain {
                self.in_flight.cancel_after(stop);
            }
        }
    }

    fn starts_no_more(&self) -> bool {
        self.no_more_inputs || self.stop != usize::MAX
    }

    /// Returns whether this worker's share of the window has room for another input.
    fn has_room(&self) -> bool {
        let (workers, window) = (self.state.workers, self.state.window());
        let share = window / workers + usize::from(self.number < window % workers);
        let mut held = self.in_flight.len();
        if !self.state.collects {
            held += self.done.len() + self.results.waiting.load(Ordering::SeqCst);
        }
        held < share
    }

    /// Starts as many inputs as the window has room for.
    fn fill(&mut self) {
        while !self.starts_no_more() {
            if !self.has_room() {
                if self.state.collects {
                    return;
                }
                self.results.blocked.store(true, Ordering::SeqCst);
                // The reader may have made room before `blocked` was set.
                if !self.has_room() {
                    return;
                }
            }
            match self.inputs.next(&self.state.reader) {
                NextInput::Input(number, input) => {
                    let job = (self.job)(self.state.transfer.clone(), input);
                    self.in_flight.insert(number, job);
                }
                NextInput::Pending => return,
                NextInput::End => self.no_more_inputs = true,
            }
        }
    }

    fn finish(&mut self, input: usize, result: Result<T, E>) {
        if result.is_err() && self.state.after_failure != AfterFailure::Continue {
            // The reader wakes the other workers.
            self.state.stop_after(input);
            self.apply_stop();
        }
        self.done.push((input, result));
    }
}

impl<P, T, E, F, Fut> Future for FanOutWorker<P, F, Fut>
where
    P: Iterator,
    F: Fn(Transfer, P::Item) -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        this.in_flight.register(cx.waker());
        this.apply_stop();
        for polls in 0.. {
            this.fill();
            if polls == POLLS_PER_TURN || !has_budget_remaining() {
                cx.waker().wake_by_ref();
                break;
            }
            match this.in_flight.poll_one() {
                Some(Poll::Ready((input, result))) => this.finish(input, result),
                Some(Poll::Pending) => {}
                None => break,
            }
        }
        if !this.done.is_empty() {
            this.results.push_all(&mut this.done);
            this.state.reader.wake();
        }
        match this.starts_no_more() && this.in_flight.len() == 0 {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}
