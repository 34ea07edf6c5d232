//! Model of tokio's clock for shuttle tests: only the test advances the time, so no timer hides a lost wake-up.

use std::cell::RefCell;
use std::future::poll_fn;
use std::ops::Add;
use std::task::{Poll, Waker};
use std::time::Duration;

thread_local! {
    /// shuttle runs all threads of a schedule on one thread, so each schedule has its own clock.
    static CLOCK: RefCell<Clock> = RefCell::default();
}

#[derive(Default)]
struct Clock {
    now: Duration,
    sleepers: Vec<(Instant, Waker)>,
}

/// A point in modelled time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant(Duration);

impl Instant {
    pub(crate) fn now() -> Self {
        CLOCK.with_borrow(|clock| Self(clock.now))
    }

    pub(crate) fn saturating_duration_since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        Self(self.0 + time)
    }
}

/// Waits until `time`.
pub(crate) async fn sleep_until(time: Instant) {
    poll_fn(|cx| {
        if Instant::now() >= time {
            return Poll::Ready(());
        }
        CLOCK.with_borrow_mut(|clock| clock.sleepers.push((time, cx.waker().clone())));
        Poll::Pending
    })
    .await;
}

/// Waits for a duration.
pub(crate) async fn sleep(time: Duration) {
    sleep_until(Instant::now() + time).await;
}

/// Advances the clock, and wakes sleepers whose time has come.
#[cfg(test)]
pub(crate) fn advance(time: Duration) {
    shuttle::thread::yield_now();
    let now = CLOCK.with_borrow_mut(|clock| {
        clock.now += time;
        clock.now
    });
    let due = |(until, _): &mut (Instant, Waker)| until.0 <= now;
    let woken: Vec<_> = CLOCK.with_borrow_mut(|clock| clock.sleepers.extract_if(.., due).collect());
    woken.into_iter().for_each(|(_, waker)| waker.wake());
}

/// Resets the clock for another schedule.
#[cfg(test)]
pub(super) fn reset() {
    CLOCK.take();
}
