//! How many attempts may be under way: additive increase, multiplicative decrease.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use s3_core::Retryability;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::Concurrency;

/// After throttling, this share of the limit is left. The field's usual values are 0.5 to 0.9.
const CUT: f64 = 0.7;
/// The limit grows only while at least this share of it is used; an idle limit has learnt nothing.
const USED: f64 = 0.8;

/// Finds the level of concurrency that the server bears.
///
/// Doubles per round of successes until the first throttling, then adds one per round. A throttling cuts the
/// limit once per window: answers to attempts that were issued before the last cut say nothing about the new
/// level. Clone is a reference count.
#[derive(Clone, Debug)]
pub struct Controller(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    permits: Arc<Semaphore>,
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
    /// Permits to take out of circulation as they come back.
    debt: usize,
    under_way: usize,
    last_cut: Option<Instant>,
}

impl Controller {
    /// Returns the controller of a configuration.
    #[must_use]
    pub fn new(concurrency: Concurrency) -> Self {
        let start = concurrency.start();
        Self(Arc::new(Shared {
            permits: Arc::new(Semaphore::new(start)),
            state: Mutex::new(State {
                limit: start as f64,
                granted: start,
                debt: 0,
                under_way: 0,
                last_cut: None,
            }),
            max: concurrency.max(),
            adaptive: matches!(concurrency, Concurrency::Adaptive { .. }),
        }))
    }

    /// Returns how many attempts may be under way at the moment.
    #[must_use]
    pub fn limit(&self) -> usize {
        let state = self.state();
        state.granted - state.debt
    }

    /// Waits for a permit. Waiters are served in order.
    ///
    /// # Panics
    ///
    /// Never: the semaphore is not closed.
    pub async fn acquire(&self) -> Permit {
        let permit = Arc::clone(&self.0.permits)
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        self.state().under_way += 1;
        Permit {
            controller: self.clone(),
            permit: Some(permit),
            issued: Instant::now(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn succeeded(&self) {
        let mut state = self.state();
        if !self.0.adaptive || (state.under_way as f64) < USED * state.limit {
            return;
        }
        // One per success doubles the limit in a round; one per limit's worth of successes adds one.
        let step = if state.last_cut.is_none() {
            1.0
        } else {
            1.0 / state.limit
        };
        state.limit = (state.limit + step).min(self.0.max as f64);
        self.settle(&mut state);
    }

    fn throttled(&self, issued: Instant) {
        let mut state = self.state();
        if !self.0.adaptive || state.last_cut.is_some_and(|cut| issued < cut) {
            return;
        }
        state.limit = (state.limit * CUT).max(1.0);
        state.last_cut = Some(Instant::now());
        self.settle(&mut state);
        tracing::warn!(
            limit = state.limit,
            "the server throttles; fewer requests at once"
        );
    }

    /// Brings the number of permits to the level: hands out more, or keeps some as they come back.
    fn settle(&self, state: &mut State) {
        let wanted = state.limit as usize;
        let now = state.granted - state.debt;
        if wanted > now {
            let forgiven = state.debt.min(wanted - now);
            state.debt -= forgiven;
            let fresh = wanted - now - forgiven;
            state.granted += fresh;
            self.0.permits.add_permits(fresh);
        } else {
            state.debt += now - wanted;
            let kept = self.0.permits.forget_permits(state.debt);
            state.debt -= kept;
            state.granted -= kept;
        }
    }
}

/// The right to make one attempt; given back when dropped.
#[derive(Debug)]
pub struct Permit {
    controller: Controller,
    permit: Option<OwnedSemaphorePermit>,
    issued: Instant,
}

impl Permit {
    /// Tells how the attempt went and gives the permit back. A permit that is dropped tells nothing.
    pub fn report(self, failure: Option<Retryability>) {
        match failure {
            None => self.controller.succeeded(),
            Some(Retryability::Throttled { .. }) => self.controller.throttled(self.issued),
            Some(_) => {}
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.controller.state();
        state.under_way -= 1;
        if state.debt > 0 {
            state.debt -= 1;
            state.granted -= 1;
            if let Some(permit) = self.permit.take() {
                permit.forget();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const THROTTLED: Option<Retryability> = Some(Retryability::Throttled { after: None });

    async fn round(controller: &Controller, failure: Option<Retryability>) {
        let count = controller.limit();
        let mut permits = Vec::new();
        for _ in 0..count {
            permits.push(controller.acquire().await);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        for permit in permits {
            permit.report(failure);
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
    async fn a_round_of_throttling_cuts_once() {
        let controller = Controller::new(Concurrency::Adaptive {
            start: 100,
            max: 256,
        });
        round(&controller, THROTTLED).await;
        assert_eq!(controller.limit(), 70);
        round(&controller, None).await;
        assert!(
            (70..=71).contains(&controller.limit()),
            "{}",
            controller.limit()
        );
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
