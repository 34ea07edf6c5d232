//! A lane: one task that takes inputs from the common source and drives their jobs.
//!
//! There is one lane per thread. A task per input would cost a spawn, and a wake across threads, for each.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use tokio::task::coop::has_budget_remaining;

use super::slots::{Bell, Slots};
use crate::Transfer;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::{AtomicWaker, Mutex, MutexGuard};

/// How many polls a lane makes before it lets other tasks of its thread run; tokio's own budget is 128 as well.
const TURN: usize = 128;

/// What all lanes of a batch and its reader share.
pub(super) struct Batch {
    pub(super) transfer: Transfer,
    /// As asked for; `None` for what the engine finds right.
    pub(super) window: Option<usize>,
    /// How many lanes there are.
    pub(super) lanes: AtomicUsize,
    /// No input is started any more, and those behind this one are cancelled unless they may finish. The largest number while all is well.
    stop: AtomicUsize,
    /// The first failure ends the batch.
    pub(super) ends_at_failure: AtomicBool,
    /// What is under way when the batch ends is brought to its end.
    pub(super) finishes: AtomicBool,
    /// The reader takes all results at once, so there is no need to wait for it.
    pub(super) eager: AtomicBool,
    pub(super) reader: AtomicWaker,
}

impl Batch {
    pub(super) fn new(transfer: Transfer, window: Option<usize>) -> Self {
        Self {
            transfer,
            window,
            lanes: AtomicUsize::new(1),
            stop: AtomicUsize::new(usize::MAX),
            ends_at_failure: AtomicBool::new(false),
            finishes: AtomicBool::new(false),
            eager: AtomicBool::new(false),
            reader: AtomicWaker::new(),
        }
    }

    pub(super) fn window(&self) -> usize {
        self.window.unwrap_or_else(|| self.transfer.window())
    }

    pub(super) fn stop_behind(&self, input: usize) {
        self.stop.fetch_min(input, Ordering::AcqRel);
    }
}

/// What a lane and the reader share.
pub(super) struct Link<T> {
    pub(super) bell: Bell,
    results: Mutex<Vec<(usize, T)>>,
    /// Results that the reader has not passed on.
    waiting: AtomicUsize,
    /// The lane starts nothing because of them.
    blocked: AtomicBool,
}

impl<T> Link<T> {
    pub(super) fn new() -> Self {
        Self {
            bell: Bell::default(),
            results: Mutex::new(Vec::new()),
            waiting: AtomicUsize::new(0),
            blocked: AtomicBool::new(false),
        }
    }

    /// Takes all results.
    pub(super) fn take(&self) -> Vec<(usize, T)> {
        std::mem::take(&mut *self.results())
    }

    /// One result has reached the caller.
    pub(super) fn passed_on(&self) {
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        if self.blocked.load(Ordering::SeqCst) && self.blocked.swap(false, Ordering::SeqCst) {
            self.bell.ring();
        }
    }

    fn results(&self) -> MutexGuard<'_, Vec<(usize, T)>> {
        self.results.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The inputs of a batch, and what is done with each.
pub(super) struct Source<I, F> {
    items: Mutex<Items<I>>,
    job: F,
}

struct Items<I> {
    iterator: I,
    started: usize,
    exhausted: bool,
}

/// A source, whatever its inputs are.
pub(super) trait Inputs<T>: Send + Sync {
    /// Makes a lane.
    fn lane(
        self: Arc<Self>,
        number: usize,
        batch: Arc<Batch>,
        link: Arc<Link<T>>,
    ) -> BoxFuture<'static, ()>;

    /// Returns how many inputs there are at most, if that is known.
    fn at_most(&self) -> usize;

    /// Returns how many inputs were started.
    fn started(&self) -> usize;

    /// Counts all inputs, those that are never started included. Takes them without a call of the job.
    fn count_all(&self) -> usize;
}

impl<I: Iterator, F> Source<I, F> {
    pub(super) fn new(iterator: I, job: F) -> Self {
        Self {
            items: Mutex::new(Items {
                iterator,
                started: 0,
                exhausted: false,
            }),
            job,
        }
    }

    fn items(&self) -> MutexGuard<'_, Items<I>> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Option<(usize, I::Item)> {
        let mut items = self.items();
        if items.exhausted {
            return None;
        }
        // Should it panic, nobody asks it again.
        items.exhausted = true;
        let item = items.iterator.next()?;
        items.exhausted = false;
        let input = items.started;
        items.started += 1;
        Some((input, item))
    }
}

impl<I, T, E, F, Fut> Inputs<Result<T, E>> for Source<I, F>
where
    I: Iterator + Send + 'static,
    F: Fn(Transfer, I::Item) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    fn lane(
        self: Arc<Self>,
        number: usize,
        batch: Arc<Batch>,
        link: Arc<Link<Result<T, E>>>,
    ) -> BoxFuture<'static, ()> {
        Box::pin(Lane {
            number,
            source: self,
            slots: Slots::new(link.bell.clone()),
            done: Vec::new(),
            stop: usize::MAX,
            exhausted: false,
            batch,
            link,
        })
    }

    fn at_most(&self) -> usize {
        self.items().iterator.size_hint().1.unwrap_or(usize::MAX)
    }

    fn started(&self) -> usize {
        self.items().started
    }

    fn count_all(&self) -> usize {
        let mut items = self.items();
        if !std::mem::replace(&mut items.exhausted, true) {
            items.started += items.iterator.by_ref().count();
        }
        items.started
    }
}

struct Lane<I: Iterator, F, Fut: Future> {
    number: usize,
    source: Arc<Source<I, F>>,
    slots: Slots<Fut>,
    /// Results of this turn.
    done: Vec<(usize, Fut::Output)>,
    /// Inputs behind this one are cancelled.
    stop: usize,
    exhausted: bool,
    batch: Arc<Batch>,
    link: Arc<Link<Fut::Output>>,
}

impl<I: Iterator, F, Fut: Future> Unpin for Lane<I, F, Fut> {}

impl<I, T, E, F, Fut> Lane<I, F, Fut>
where
    I: Iterator,
    F: Fn(Transfer, I::Item) -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    /// Cancels what is not wanted any more.
    fn obey(&mut self) {
        let stop = self.batch.stop.load(Ordering::Acquire);
        if stop < self.stop {
            self.stop = stop;
            if !self.batch.finishes.load(Ordering::Relaxed) {
                self.slots.cancel_behind(stop);
            }
        }
    }

    fn over(&self) -> bool {
        self.exhausted || self.stop != usize::MAX
    }

    /// Returns whether the window has room for another input of this lane.
    fn has_room(&self) -> bool {
        let lanes = self.batch.lanes.load(Ordering::Relaxed);
        let window = self.batch.window();
        let share = window / lanes + usize::from(self.number < window % lanes);
        let mut held = self.slots.len();
        if !self.batch.eager.load(Ordering::Relaxed) {
            held += self.done.len() + self.link.waiting.load(Ordering::SeqCst);
        }
        held < share
    }

    /// Starts inputs as far as there is room.
    fn fill(&mut self) {
        while !self.over() {
            if !self.has_room() {
                if self.batch.eager.load(Ordering::Relaxed) {
                    return;
                }
                self.link.blocked.store(true, Ordering::SeqCst);
                // The reader may have made room before it could see that somebody waits for it.
                if !self.has_room() {
                    return;
                }
            }
            match self.source.next() {
                Some((input, item)) => {
                    let job = (self.source.job)(self.batch.transfer.clone(), item);
                    self.slots.insert(input, job);
                }
                None => self.exhausted = true,
            }
        }
    }

    fn finish(&mut self, input: usize, result: Result<T, E>) {
        if result.is_err() && self.batch.ends_at_failure.load(Ordering::Relaxed) {
            // The other lanes hear of it from the reader.
            self.batch.stop_behind(input);
            self.obey();
        }
        self.done.push((input, result));
    }

    /// Hands the results of this turn to the reader.
    fn hand_over(&mut self) {
        if self.done.is_empty() {
            return;
        }
        let mut results = self.link.results();
        self.link
            .waiting
            .fetch_add(self.done.len(), Ordering::SeqCst);
        results.append(&mut self.done);
        drop(results);
        self.batch.reader.wake();
    }
}

impl<I, T, E, F, Fut> Future for Lane<I, F, Fut>
where
    I: Iterator,
    F: Fn(Transfer, I::Item) -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        this.slots.register(cx.waker());
        this.obey();
        for turn in 0.. {
            this.fill();
            if turn == TURN || !has_budget_remaining() {
                cx.waker().wake_by_ref();
                break;
            }
            match this.slots.poll_one() {
                Some(Poll::Ready((input, result))) => this.finish(input, result),
                Some(Poll::Pending) => {}
                None => break,
            }
        }
        this.hand_over();
        if this.over() && this.slots.len() == 0 {
            return Poll::Ready(());
        }
        Poll::Pending
    }
}
