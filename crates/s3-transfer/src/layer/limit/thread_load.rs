//! Measures the load of worker pool threads: whether a thread is saturated, so that more requests would not help.
//!
//! A thread that hardly ever waits for events does not get more done by more concurrent requests: the thread is the
//! bottleneck, whatever the network. Only threads of a worker pool are measured, because they run only transfers.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::worker_pool::idle_time::idle_time;

/// Maximum share of the time that a saturated thread is idle.
const SATURATED_IDLE_SHARE: f64 = 0.05;

static NEXT_PERIOD: AtomicU64 = AtomicU64::new(1);

thread_local! {
    static SAMPLE: Cell<Option<ThreadSample>> = const { Cell::new(None) };
}

/// A period in which the load of threads is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LoadPeriod(u64);

/// The first sample of this thread in a period.
#[derive(Clone, Copy)]
struct ThreadSample {
    period: LoadPeriod,
    at: Instant,
    idle: Duration,
}

impl LoadPeriod {
    pub(super) fn begin() -> Self {
        Self(NEXT_PERIOD.fetch_add(1, Ordering::Relaxed))
    }

    /// Takes the first sample of this thread. One clock read per thread and period.
    pub(super) fn sample(self) {
        if let Some(idle) = idle_time()
            && SAMPLE.get().is_none_or(|sample| sample.period != self)
        {
            SAMPLE.set(Some(ThreadSample {
                period: self,
                at: Instant::now(),
                idle,
            }));
        }
    }

    /// Returns whether this thread was saturated since its first sample, if that was at least `min_time` ago.
    /// Responses come in bursts, and within a burst every thread is saturated.
    pub(super) fn is_saturated(self, min_time: Duration) -> bool {
        let sample = SAMPLE.get().filter(|sample| sample.period == self);
        let (Some(idle), Some(sample)) = (idle_time(), sample) else {
            return false;
        };
        let (time, idle) = (sample.at.elapsed(), idle.saturating_sub(sample.idle));
        time >= min_time && idle.as_secs_f64() <= SATURATED_IDLE_SHARE * time.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;
    use crate::WorkerPool;

    fn spin(time: Duration) {
        let since = Instant::now();
        while since.elapsed() < time {}
    }

    #[test]
    fn a_thread_that_waits_is_not_saturated_and_one_that_works_is() {
        let pool = WorkerPool::start(NonZeroUsize::MIN, "load-test").unwrap();
        pool.run(async {
            let period = LoadPeriod::begin();
            period.sample();
            spin(Duration::from_millis(3));
            assert!(period.is_saturated(Duration::from_millis(2)));
            assert!(!period.is_saturated(Duration::from_secs(60)), "a burst");
            tokio::time::sleep(Duration::from_millis(5)).await;
            assert!(!period.is_saturated(Duration::ZERO));
        });
    }

    #[test]
    fn threads_outside_a_pool_are_not_measured() {
        let period = LoadPeriod::begin();
        period.sample();
        spin(Duration::from_millis(3));
        assert!(!period.is_saturated(Duration::ZERO));
    }
}
