//! How many attempts may be under way: as many as pay, and no more than the server bears.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use s3_core::Retryability;

use super::goodput::{Goodput, Next};
use crate::Concurrency;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Instant, Mutex, MutexGuard, Semaphore};

/// After throttling, this share of the limit is left. The field's usual values are 0.5 to 0.9.
const CUT: f64 = 0.7;
/// The first one ends a climb by doublings or a leap, which was wrong by half of what it has reached, or by more.
const FIRST_CUT: f64 = 0.5;
/// A limit that is not used has learnt nothing: somebody waits for a permit, or at least this share is taken.
const USED: f64 = 0.8;
/// What begins after so long a time of nothing is other work than before. Shorter gaps are those between two batches of
/// one program, or the moment in which all answers of a burst are taken in.
const REST: Duration = Duration::from_millis(250);

/// Finds the level of concurrency that pays.
///
/// Until the server throttles, the level follows the goodput: it doubles as long as that pays. A
/// throttling cuts the limit once per window: answers to attempts that were issued before the last cut say nothing about
/// the new level. From then on it grows by one per round. Clone is a reference count.
#[derive(Clone, Debug)]
pub struct Controller(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    permits: Semaphore,
    /// The level as others see it.
    level: AtomicUsize,
    state: Mutex<State>,
    max: usize,
    adaptive: bool,
}

#[derive(Debug)]
struct State {
    /// The level, with its fraction.
    limit: f64,
    /// How many permits exist: the whole part of the level, apart from `debt`.
    granted: usize,
    /// Permits to take out of circulation as they come by, be it on their way back or on their way to somebody.
    debt: usize,
    under_way: usize,
    /// How many wait for a permit.
    waiting: usize,
    /// Since when nothing is under way.
    idle: Option<Instant>,
    goodput: Goodput,
    last_cut: Option<Instant>,
}

impl State {
    /// Takes the permit at hand out of circulation, if there is one too many.
    fn retires_one(&mut self) -> bool {
        let owes = self.debt > 0;
        if owes {
            self.debt -= 1;
            self.granted -= 1;
        }
        owes
    }
}

impl Controller {
    /// Returns the controller of a configuration.
    #[must_use]
    pub fn new(concurrency: Concurrency) -> Self {
        let start = concurrency.start();
        Self(Arc::new(Shared {
            permits: Semaphore::new(start),
            level: AtomicUsize::new(start),
            state: Mutex::new(State {
                limit: start as f64,
                granted: start,
                debt: 0,
                under_way: 0,
                waiting: 0,
                idle: None,
                goodput: Goodput::default(),
                last_cut: None,
            }),
            max: concurrency.max(),
            adaptive: matches!(concurrency, Concurrency::Adaptive { .. }),
        }))
    }

    /// Returns how many attempts may be under way at the moment.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.0.level.load(Ordering::Relaxed)
    }

    /// Returns a permit if there is one and nobody waits for it.
    #[must_use]
    pub fn try_acquire(&self) -> Option<Permit> {
        loop {
            self.0.permits.try_acquire().ok()?.forget();
            if let Some(permit) = self.issue() {
                return Some(permit);
            }
        }
    }

    /// Waits for a permit. Waiters are served in order, but one whose turn comes just when the level falls waits again.
    ///
    /// # Panics
    ///
    /// Never: the semaphore is not closed.
    pub async fn acquire(&self) -> Permit {
        loop {
            if let Some(permit) = self.try_acquire() {
                return permit;
            }
            let waiting = Waiting::begin(self);
            let permit = self.0.permits.acquire().await;
            permit.expect("the semaphore is never closed").forget();
            drop(waiting);
            if let Some(permit) = self.issue() {
                return permit;
            }
        }
    }

    /// Makes an attempt's permit of one of the semaphore's, unless that has to go because the level has fallen. It may
    /// have been anywhere then: in the semaphore, on its way back there, or on its way to somebody who gave up.
    fn issue(&self) -> Option<Permit> {
        let issued = Instant::now();
        let mut state = self.state();
        if state.retires_one() {
            return None;
        }
        if let Some(since) = state.idle.take()
            && state.last_cut.is_none()
            && issued.saturating_duration_since(since) >= REST
        {
            let level = state.granted - state.debt;
            let level = state.goodput.awake(level, issued);
            self.set(&mut state, level);
        }
        state.under_way += 1;
        drop(state);
        Some(Permit {
            controller: self.clone(),
            issued,
            returned: false,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn succeeded(&self, state: &mut State, issued: Instant, bytes: u64) {
        let used = state.waiting > 0 || state.under_way as f64 >= USED * state.limit;
        if !self.0.adaptive || !used {
            return;
        }
        if state.last_cut.is_some() {
            // One per limit's worth of successes adds one.
            state.limit = (state.limit + 1.0 / state.limit).min(self.0.max as f64);
            self.settle(state);
            return;
        }
        let limit = state.granted - state.debt;
        let next = state.goodput.note(limit, self.0.max, issued, bytes);
        if let Next::Level(level) = next {
            self.set(state, level);
        }
    }

    fn throttled(&self, state: &mut State, issued: Instant) {
        if !self.0.adaptive || state.last_cut.is_some_and(|cut| issued < cut) {
            return;
        }
        let share = state.last_cut.map_or(FIRST_CUT, |_| CUT);
        state.limit = (state.limit * share).max(1.0);
        state.last_cut = Some(Instant::now());
        self.settle(state);
        tracing::warn!(
            limit = state.limit,
            "the server throttles; fewer requests at once"
        );
    }

    fn set(&self, state: &mut State, level: usize) {
        let level = level.clamp(1, self.0.max);
        if level != state.granted - state.debt {
            tracing::debug!(limit = level, "another number of requests at once");
            state.limit = level as f64;
            self.settle(state);
        }
    }

    /// Brings the number of permits to the level: hands out more, or has some go as they come by.
    fn settle(&self, state: &mut State) {
        let wanted = state.limit as usize;
        self.0.level.store(wanted, Ordering::Relaxed);
        let now = state.granted - state.debt;
        if wanted > now {
            let forgiven = state.debt.min(wanted - now);
            state.debt -= forgiven;
            let fresh = wanted - now - forgiven;
            state.granted += fresh;
            self.0.permits.add_permits(fresh);
        } else {
            state.debt += now - wanted;
        }
    }

    fn give_back(&self, mut state: MutexGuard<'_, State>) {
        state.under_way -= 1;
        if state.under_way == 0 && self.0.adaptive {
            state.idle = Some(Instant::now());
        }
        if state.retires_one() {
            return;
        }
        drop(state);
        self.0.permits.add_permits(1);
    }
}

/// Somebody waits for a permit.
struct Waiting<'a>(&'a Controller);

impl<'a> Waiting<'a> {
    fn begin(controller: &'a Controller) -> Self {
        controller.state().waiting += 1;
        Self(controller)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.state().waiting -= 1;
    }
}

/// The right to make one attempt; given back when dropped.
#[derive(Debug)]
pub struct Permit {
    controller: Controller,
    issued: Instant,
    returned: bool,
}

impl Permit {
    /// Tells how the attempt went, and how many bytes it has moved if it has succeeded, and gives the permit back. A
    /// permit that is dropped tells nothing.
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
        self.controller.give_back(state);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.returned {
            self.controller.give_back(self.controller.state());
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
    async fn the_limit_grows_to_the_maximum_while_all_goes_well() {
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
    async fn a_round_of_throttling_cuts_once_and_the_first_by_half() {
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
    async fn a_fixed_limit_stays() {
        let controller = Controller::new(Concurrency::Fixed(5));
        round(&controller, THROTTLED).await;
        round(&controller, None).await;
        assert_eq!(controller.limit(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_permit_is_given_back() {
        let controller = Controller::new(Concurrency::Fixed(1));
        drop(controller.acquire().await);
        let waited = tokio::time::timeout(Duration::from_secs(1), controller.acquire()).await;
        assert!(waited.is_ok());
    }
}
