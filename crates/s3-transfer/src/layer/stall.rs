//! Ends an attempt that does not move. Slow progress is not a stall.
//!
//! A timer for each attempt would cost more than the rest of the layer, and almost no attempt needs one. So all attempts
//! of a service share one watch: a background task that looks at them four times per limit and is there only while an
//! attempt is.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use pin_project_lite::pin_project;
use s3_core::{ByteCounter, Error, ErrorKind, Operation, Result};
use tower::{Layer, Service};

use crate::mark::Mark;
use crate::sync::{Instant, Mutex, MutexGuard, sleep, spawn};
use crate::{Job, Progress};

/// The shortest pause between two looks, for limits that are next to nothing.
const SHORTEST: Duration = Duration::from_millis(1);

/// Ends an attempt during which no byte has moved for a while.
#[derive(Clone, Copy, Debug)]
pub struct StallTimeoutLayer(pub Duration);

impl<S> Layer<S> for StallTimeoutLayer {
    type Service = StallTimeout<S>;

    fn layer(&self, inner: S) -> StallTimeout<S> {
        let pause = (self.0 / 4).max(SHORTEST);
        StallTimeout {
            inner,
            limit: self.0,
            watch: Watch(Arc::new(Mutex::new(Watched {
                pause,
                ..Watched::default()
            }))),
        }
    }
}

/// The service of [`StallTimeoutLayer`]. Its clones share one watch.
#[derive(Clone, Debug)]
pub struct StallTimeout<S> {
    inner: S,
    limit: Duration,
    watch: Watch,
}

impl<S, J> Service<J> for StallTimeout<S>
where
    J: Job,
    S: Service<J, Response = J::Output, Error = Error>,
    S::Future: Send + 'static,
{
    type Response = J::Output;
    type Error = Error;
    type Future = StallFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, job: J) -> Self::Future {
        let limit = self.limit.saturating_add(job.allowance());
        let place = Place {
            mark: Mark::at(&job),
            progress: job.progress().cloned(),
            moved: job.moved().cloned(),
            operation: job.operation(),
            limit,
        };
        StallFuture {
            attempt: self.inner.call(job),
            place,
            watch: self.watch.clone(),
            entry: None,
        }
    }
}

#[derive(Debug)]
struct Place {
    mark: Mark,
    progress: Option<Progress>,
    moved: Option<ByteCounter>,
    operation: Operation,
    limit: Duration,
}

impl Place {
    fn stalled(&self) -> Error {
        let limit = self.limit.as_secs_f32();
        Error::new(ErrorKind::Timeout, self.operation)
            .with_message(format!("nothing moved for {limit} s"))
            .with_phase(self.mark.phase())
    }
}

pin_project! {
    /// The future of [`StallTimeout`].
    #[derive(Debug)]
    pub struct StallFuture<F> {
        #[pin]
        attempt: F,
        place: Place,
        watch: Watch,
        // None until the attempt has to wait for the first time.
        entry: Option<Entry>,
    }
}

impl<F, T> Future for StallFuture<F>
where
    F: Future<Output = Result<T>>,
{
    type Output = Result<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        let this = self.project();
        if let Poll::Ready(result) = this.attempt.poll(cx) {
            return Poll::Ready(result);
        }
        match this.entry {
            None => *this.entry = Some(this.watch.enter(this.place, cx.waker())),
            Some(entry) if entry.has_stalled(cx.waker()) => {
                return Poll::Ready(Err(this.place.stalled()));
            }
            Some(_) => {}
        }
        Poll::Pending
    }
}

/// A number that changes whenever bytes move, in either direction.
fn pulse(progress: Option<&Progress>, moved: Option<&ByteCounter>) -> u64 {
    let received = progress.map_or(0, Progress::pulse);
    received.wrapping_add(moved.map_or(0, ByteCounter::bytes))
}

/// The attempts that are looked after. Clone is a reference count.
#[derive(Clone, Debug)]
struct Watch(Arc<Mutex<Watched>>);

#[derive(Debug, Default)]
struct Watched {
    pause: Duration,
    attempts: Vec<Option<Attempt>>,
    free: Vec<usize>,
    /// There is a task that looks.
    awake: bool,
}

#[derive(Debug)]
struct Attempt {
    progress: Option<Progress>,
    moved: Option<ByteCounter>,
    pulse: u64,
    since: Instant,
    limit: Duration,
    stalled: bool,
    waker: Waker,
}

/// An attempt's place in the watch; given up when dropped.
#[derive(Debug)]
struct Entry {
    watch: Watch,
    number: usize,
}

impl Watch {
    fn lock(&self) -> MutexGuard<'_, Watched> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, place: &Place, waker: &Waker) -> Entry {
        let attempt = Attempt {
            pulse: pulse(place.progress.as_ref(), place.moved.as_ref()),
            progress: place.progress.clone(),
            moved: place.moved.clone(),
            since: Instant::now(),
            limit: place.limit,
            stalled: false,
            waker: waker.clone(),
        };
        let mut watched = self.lock();
        let number = match watched.free.pop() {
            Some(number) => {
                watched.attempts[number] = Some(attempt);
                number
            }
            None => {
                watched.attempts.push(Some(attempt));
                watched.attempts.len() - 1
            }
        };
        let asleep = !std::mem::replace(&mut watched.awake, true);
        drop(watched);
        if asleep {
            self.wake_up();
        }
        Entry {
            watch: self.clone(),
            number,
        }
    }

    /// Starts the task that looks.
    fn wake_up(&self) {
        // Made before the task: a runtime that is shutting down drops it unpolled.
        let awake = Awake(Arc::downgrade(&self.0));
        let pause = self.lock().pause;
        spawn(awake.keep_looking(pause));
    }

    /// Looks at all attempts once. Returns whether there are any.
    fn look(&self) -> bool {
        let now = Instant::now();
        let mut stalled = Vec::new();
        let mut watched = self.lock();
        for attempt in watched.attempts.iter_mut().flatten() {
            let progress = attempt.progress.as_ref();
            let pulse = pulse(progress, attempt.moved.as_ref());
            if pulse != attempt.pulse || progress.is_some_and(Progress::is_own_wait) {
                (attempt.pulse, attempt.since) = (pulse, now);
            } else if now.saturating_duration_since(attempt.since) >= attempt.limit {
                attempt.stalled = true;
                stalled.push(attempt.waker.clone());
            }
        }
        watched.awake = watched.free.len() < watched.attempts.len();
        let awake = watched.awake;
        drop(watched);
        stalled.into_iter().for_each(Waker::wake);
        awake
    }
}

/// The task that looks. If its runtime goes before the attempts, another one has to.
struct Awake(Weak<Mutex<Watched>>);

impl Awake {
    async fn keep_looking(mut self, pause: Duration) {
        loop {
            sleep(pause).await;
            let Some(watch) = self.0.upgrade().map(Watch) else {
                return;
            };
            if !watch.look() {
                // Nobody was left; whoever has come since has started another task.
                self.0 = Weak::new();
                return;
            }
        }
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        let Some(watch) = self.0.upgrade().map(Watch) else {
            return;
        };
        let mut watched = watch.lock();
        watched.awake = false;
        let wakers = watched.attempts.iter().flatten();
        let wakers: Vec<Waker> = wakers.map(|attempt| attempt.waker.clone()).collect();
        drop(watched);
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl Entry {
    /// Returns whether the attempt has stood still for its limit. Whoever asks is woken when it has.
    fn has_stalled(&self, waker: &Waker) -> bool {
        let mut watched = self.watch.lock();
        let asleep = !std::mem::replace(&mut watched.awake, true);
        let Some(attempt) = &mut watched.attempts[self.number] else {
            return false;
        };
        attempt.waker.clone_from(waker);
        let stalled = attempt.stalled;
        drop(watched);
        if asleep {
            self.watch.wake_up();
        }
        stalled
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut watched = self.watch.lock();
        let attempt = watched.attempts[self.number].take();
        watched.free.push(self.number);
        drop(watched);
        // Whatever its waker and its progress hold goes outside the lock.
        drop(attempt);
    }
}

#[cfg(test)]
#[cfg(shuttle)]
mod model;

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    /// Runs `attempt` as long as it moves; `None` if it has stood still.
    async fn while_moving<T>(
        watch: &Watch,
        progress: Option<&Progress>,
        attempt: impl Future<Output = T>,
    ) -> Option<T> {
        let place = Place {
            mark: Mark::default(),
            progress: progress.cloned(),
            moved: None,
            operation: Operation::Get,
            limit: LIMIT,
        };
        let watched = StallFuture {
            attempt: async { Ok(attempt.await) },
            place,
            watch: watch.clone(),
            entry: None,
        };
        watched.await.ok()
    }

    fn watch() -> Watch {
        StallTimeoutLayer(LIMIT).layer(()).watch
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_that_stands_still_ends_within_one_and_a_quarter_limits() {
        let watch = watch();
        for head_start in [0, 1, 4] {
            // Whatever the watch has been doing before.
            let other = tokio::time::timeout(
                Duration::from_secs(head_start),
                while_moving(&watch, None, std::future::pending::<()>()),
            );
            assert!(other.await.is_err());
            let start = Instant::now();
            let ended = while_moving(&watch, None, std::future::pending::<()>()).await;
            assert_eq!(ended, None);
            let took = start.elapsed();
            assert!(
                took >= LIMIT && took <= LIMIT * 5 / 4 + Duration::from_millis(10),
                "{took:?}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_attempt_that_moves_is_left_alone() {
        let progress = Progress::default();
        let slow = async {
            for _ in 0..100 {
                sleep(LIMIT - Duration::from_secs(1)).await;
                progress.add(1);
            }
            "done"
        };
        let ended = while_moving(&watch(), Some(&progress), slow).await;
        assert_eq!(ended, Some("done"));
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_for_the_disk_is_not_a_stall() {
        let progress = Progress::default();
        let waits = async {
            let _wait = progress.own_wait();
            sleep(LIMIT * 10).await;
        };
        let ended = while_moving(&watch(), Some(&progress), waits).await;
        assert_eq!(ended, Some(()));
    }

    #[tokio::test(start_paused = true)]
    async fn the_watch_goes_when_nobody_is_left() {
        let watch = watch();
        while_moving(&watch, None, sleep(Duration::from_millis(1))).await;
        assert!(watch.lock().awake);
        sleep(LIMIT).await;
        assert!(!watch.lock().awake);
        assert_eq!(Arc::strong_count(&watch.0), 1);
    }

    #[test]
    fn a_watch_whose_runtime_is_gone_is_replaced() {
        let watch = watch();
        let runtime = || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .start_paused(true)
                .build()
                .unwrap()
        };
        let (first, second) = (runtime(), runtime());
        // The watch comes to be on the first runtime.
        let mut other = Box::pin(while_moving(&watch, None, std::future::pending::<()>()));
        first.block_on(async {
            assert!(futures_util::poll!(other.as_mut()).is_pending());
        });
        let ended = second.block_on(async {
            tokio::spawn(async {
                sleep(Duration::from_secs(1)).await;
                first.shutdown_background();
            });
            let attempt = while_moving(&watch, None, std::future::pending::<()>());
            tokio::time::timeout(LIMIT * 100, attempt).await
        });
        // Were there no watch, only the timeout would end it.
        assert_eq!(ended, Ok(None));
    }
}
