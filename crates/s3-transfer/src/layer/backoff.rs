//! [`Backoff`]: computes the wait before each retry: exponential backoff with a cap and full jitter.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Exponential backoff with full jitter: uniformly random between zero and `base × 2^n`, at most `cap`.
///
/// Clones share the random number generator.
#[derive(Clone, Debug)]
pub(super) struct Backoff {
    base: Duration,
    cap: Duration,
    random: Arc<Mutex<fastrand::Rng>>,
}

impl Backoff {
    /// Returns a backoff. With a seed, the waits are reproducible.
    pub(super) fn new(base: Duration, cap: Duration, seed: Option<u64>) -> Self {
        let random = seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        Self {
            base,
            cap,
            random: Arc::new(Mutex::new(random)),
        }
    }

    /// Returns the wait before retry number `retry`, counted from 0.
    pub(super) fn wait(&self, retry: u32) -> Duration {
        let most = self
            .base
            .saturating_mul(1_u32.checked_shl(retry).unwrap_or(u32::MAX))
            .min(self.cap);
        let share = self
            .random
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .f64();
        most.mul_f64(share)
    }

    /// Returns the wait that the server requested, at most the cap.
    pub(super) fn asked(&self, after: Duration) -> Duration {
        after.min(self.cap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_the_cap() {
        let backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(20), Some(7));
        for retry in 0..64 {
            let most = Duration::from_millis(50).saturating_mul(2_u32.saturating_pow(retry));
            assert!(
                backoff.wait(retry) <= most.min(Duration::from_secs(20)),
                "retry {retry}"
            );
        }
    }

    #[test]
    fn equal_seeds_give_equal_waits() {
        let waits = |seed| {
            let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(20), Some(seed));
            (0..10).map(|retry| backoff.wait(retry)).collect::<Vec<_>>()
        };
        assert_eq!(waits(1), waits(1));
        assert_ne!(waits(1), waits(2));
    }
}
