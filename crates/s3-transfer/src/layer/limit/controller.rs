//! The concurrency controller: issues permits for attempts, follows the goodput, and backs off when throttled.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use s3_core::Retryability;

use super::goodput::{Goodput, LevelChange};
use crate::Concurrency;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Instant, Mutex, MutexGuard, Semaphore};

/// Factor of the limit after throttling. Usual values are 0.5 to 0.9.
const THROTTLE_FACTOR: f64 = 0.7;
/// Factor after the first throttling. It ends a climb, whose last step, a doubling or a jump, may exceed the capacity
/// by far.
const FIRST_THROTTLE_FACTOR: f64 = 0.5;
/// The limit counts as used if an attempt waits for a permit, or at least this share of permits is taken. Results at an
/// unused limit say nothing about it.
const USED_SHARE: f64 = 0.8;
/// After this idle time the climb starts over, because the next work may be different. Shorter gaps occur between two
/// batches of one program, or while the responses of a burst are processed.
const IDLE_RESTART: Duration = Duration::from_millis(250);

/// Limits the attempts in flight, and adapts the limit.
///
/// Until the server throttles, the limit follows the goodput: it doubles while that pays. Throttling reduces the limit
/// once per round of attempts: responses to attempts issued before the last reduction say nothing about the new limit.
/// From then on it grows by one per round. Clone is a reference count.
#[derive(Clone, Debug)]
pub struct Controller(Arc<ControllerShared>);

#[derive(Debug)]
struct ControllerShared {
    permits: Semaphore,
    /// The whole part of `ControllerState::limit`.
    level: AtomicUsize,
    state: Mutex<ControllerState>,
    max: usize,
    adaptive: bool,
}

#[derive(Debug)]
struct ControllerState {
    /// The limit, with its fraction.
    limit: f64,
    /// Permits that exist: the whole part of the limit, and `surplus`.
    granted: usize,
    /// Permits above the limit, to be forgotten when they are issued or returned.
    surplus: usize,
    in_flight: usize,
    /// Callers that wait for a permit.
    waiting: usize,
    /// Start of the time without attempts in flight.
    idle_since: Option<Instant>,
    goodput: Goodput,
    last_throttled: Option<Instant>,
}

impl ControllerState {
    /// Forgets a returned permit if it is surplus. Returns whether it was.
    fn forget_permit(&mut self) -> bool {
        let is_surplus = self.surplus > 0;
        if is_surplus {
            self.surplus -= 1;
            self.granted -= 1;
        }
        is_surplus
    }

    /// Returns the number of permits without the surplus ones.
    fn level(&self) -> usize {
        self.granted - self.surplus
    }
}

impl Controller {
    /// Creates the controller of a configuration.
    #[must_use]
    pub fn new(concurrency: Concurrency) -> Self {
        let start = concurrency.start();
        Self(Arc::new(ControllerShared {
            permits: Semaphore::new(start),
            level: AtomicUsize::new(start),
            state: Mutex::new(ControllerState {
                limit: start as f64,
                granted: start,
                surplus: 0,
                in_flight: 0,
                waiting: 0,
                idle_since: None,
                goodput: Goodput::default(),
                last_throttled: None,
            }),
            max: concurrency.max(),
            adaptive: matches!(concurrency, Concurrency::Adaptive { .. }),
        }))
    }

    /// Returns how many attempts may be in flight now.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.0.level.load(Ordering::Relaxed)
    }

    /// Returns a permit if one is free and no caller waits for it.
    #[must_use]
    pub fn try_acquire(&self) -> Option<Permit> {
        loop {
            self.0.permits.try_acquire().ok()?.forget();
            if let Some(permit) = self.issue() {
                return Some(permit);
            }
        }
    }

    /// Waits for a permit. Callers are served in order; a caller whose permit is surplus, because the limit fell, waits
    /// again.
    ///
    /// # Panics
    ///
    /// Never: the semaphore is not closed.
    pub async fn acquire(&self) -> Permit {
        loop {
            if let Some(permit) = self.try_acquire() {
                return permit;
            }
            let waiting = PermitWaiter::new(self);
            let permit = self.0.permits.acquire().await;
            permit.expect("the semaphore is never closed").forget();
            drop(waiting);
            if let Some(permit) = self.issue() {
                return permit;
            }
        }
    }

    /// Converts a semaphore permit to an attempt's permit, unless it is surplus because the limit has fallen.
    fn issue(&self) -> Option<Permit> {
        let issued = Instant::now();
        let mut state = self.state();
        if state.forget_permit() {
            return None;
        }
        if let Some(since) = state.idle_since.take()
            && state.last_throttled.is_none()
            && issued.saturating_duration_since(since) >= IDLE_RESTART
        {
            let level = state.level();
            let level = state.goodput.restart(level, issued);
            self.set(&mut state, level);
        }
        state.in_flight += 1;
        drop(state);
        Some(Permit {
            controller: self.clone(),
            issued,
            returned: false,
        })
    }

    fn state(&self) -> MutexGuard<'_, ControllerState> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn succeeded(&self, state: &mut ControllerState, issued: Instant, bytes: u64) {
        let used = state.waiting > 0 || state.in_flight as f64 >= USED_SHARE * state.limit;
        if !self.0.adaptive || !used {
            return;
        }
        if state.last_throttled.is_some() {
            // As many successes as the limit add one to it.
            state.limit = (state.limit + 1.0 / state.limit).min(self.0.max as f64);
            self.settle(state);
            return;
        }
        let level = state.level();
        let change = state.goodput.record(level, self.0.max, issued, bytes);
        if let LevelChange::Set(level) = change {
            self.set(state, level);
        }
    }

    fn throttled(&self, state: &mut ControllerState, issued: Instant) {
        if !self.0.adaptive || state.last_throttled.is_some_and(|at| issued < at) {
            return;
        }
        let share = state
            .last_throttled
            .map_or(FIRST_THROTTLE_FACTOR, |_| THROTTLE_FACTOR);
        state.limit = (state.limit * share).max(1.0);
        state.last_throttled = Some(Instant::now());
        self.settle(state);
        tracing::warn!(
            limit = state.limit,
            "the server throttles, or there are too few descriptors; concurrency limit reduced"
        );
    }

    fn set(&self, state: &mut ControllerState, level: usize) {
        let level = level.clamp(1, self.0.max);
        if level != state.level() {
            tracing::debug!(limit = level, "concurrency limit changed");
            state.limit = level as f64;
            self.settle(state);
        }
    }

    /// Adjusts the number of permits to the limit.
    fn settle(&self, state: &mut ControllerState) {
        let wanted = state.limit as usize;
        self.0.level.store(wanted, Ordering::Relaxed);
        let now = state.level();
        if wanted > now {
            let kept = state.surplus.min(wanted - now);
            state.surplus -= kept;
            let new = wanted - now - kept;
            state.granted += new;
            self.0.permits.add_permits(new);
        } else {
            state.surplus += now - wanted;
        }
    }

    fn return_permit(&self, mut state: MutexGuard<'_, ControllerState>) {
        state.in_flight -= 1;
        if state.in_flight == 0 && self.0.adaptive {
            state.idle_since = Some(Instant::now());
        }
        if state.forget_permit() {
            return;
        }
        drop(state);
        self.0.permits.add_permits(1);
    }
}

/// A caller that waits for a permit.
struct PermitWaiter<'a>(&'a Controller);

impl<'a> PermitWaiter<'a> {
    fn new(controller: &'a Controller) -> Self {
        controller.state().waiting += 1;
        Self(controller)
    }
}

impl Drop for PermitWaiter<'_> {
    fn drop(&mut self) {
        self.0.state().waiting -= 1;
    }
}

/// Permission for one attempt; returned when dropped.
#[derive(Debug)]
pub struct Permit {
    controller: Controller,
    issued: Instant,
    returned: bool,
}

impl Permit {
    /// Reports the outcome of the attempt and the bytes that it has moved, and returns the permit. A permit that is
    /// dropped reports nothing.
    pub fn report(mut self, failure: Option<Retryability>, bytes: u64) {
        self.returned = true;
        let mut state = self.controller.state();
        match failure {
            None => self.controller.succeeded(&mut state, self.issued, bytes),
            Some(Retryability::Throttled { .. }) => {
                self.controller.throttled(&mut state, self.issued);
            }
            Some(_) => {}
        }
        self.controller.return_permit(state);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.returned {
            self.controller.return_permit(self.controller.state());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THROTTLED: Option<Retryability> = Some(Retryability::Throttled { after: None });

    async fn round(controller: &Controller, failure: Option<Retryability>) {
        let count = controller.limit();
        let mut permits = Vec::new();
        for _ in 0..count {
            permits.push(controller.acquire().await);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        for permit in permits {
            permit.report(failure, 0);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_limit_grows_to_the_maximum_while_attempts_succeed() {
        let controller = Controller::new(Concurrency::Adaptive {
            start: 16,
            max: 256,
        });
        for _ in 0..40 {
            round(&controller, None).await;
        }
        assert_eq!(controller.limit(), 256);
    }

    #[tokio::test(start_paused = true)]
    async fn a_round_of_throttling_reduces_the_limit_once_and_the_first_by_half() {
        let controller = Controller::new(Concurrency::Adaptive {
            start: 100,
            max: 256,
        });
        round(&controller, THROTTLED).await;
        assert_eq!(controller.limit(), 50);
        round(&controller, None).await;
        assert!(
            (50..=51).contains(&controller.limit()),
            "{}",
            controller.limit()
        );
        round(&controller, THROTTLED).await;
        assert_eq!(controller.limit(), 35);
    }

    #[tokio::test(start_paused = true)]
    async fn the_limit_never_falls_below_one() {
        let controller = Controller::new(Concurrency::Adaptive { start: 4, max: 8 });
        for _ in 0..20 {
            round(&controller, THROTTLED).await;
        }
        assert_eq!(controller.limit(), 1);
        round(&controller, None).await;
        assert!(controller.limit() >= 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_fixed_limit_does_not_change() {
        let controller = Controller::new(Concurrency::Fixed(5));
        round(&controller, THROTTLED).await;
        round(&controller, None).await;
        assert_eq!(controller.limit(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_permit_is_returned() {
        let controller = Controller::new(Concurrency::Fixed(1));
        drop(controller.acquire().await);
        let waited = tokio::time::timeout(Duration::from_secs(1), controller.acquire()).await;
        assert!(waited.is_ok());
    }
}
