//! [`RateLimit`]: limits the bytes per second of all transfers of an engine.

use std::num::NonZeroU64;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Maximum size of all parts in flight, in seconds at the full rate.
const AHEAD: u64 = 4;

/// Tolerated delay of a timer: bytes that are requested within this time count from when the last ones were due.
const TIMER_DELAY: Duration = Duration::from_millis(5);

/// Minimum of the limit of attempts in flight, for small objects and listings.
const MIN_ATTEMPTS: u64 = 4;

/// Limits the bytes per second of all transfers of an engine, in the order in which they request them.
#[derive(Debug)]
pub(crate) struct RateLimit {
    per_second: NonZeroU64,
    /// When all bytes that were taken may have moved, at this rate.
    free_at: Mutex<Option<Instant>>,
}

impl RateLimit {
    pub(crate) fn new(per_second: NonZeroU64) -> Self {
        Self {
            per_second,
            free_at: Mutex::default(),
        }
    }

    /// Returns how many attempts may be in flight. With more, parts would share the bandwidth, and each would take long
    /// to complete.
    pub(crate) fn most_attempts(per_second: NonZeroU64, part_size: u64) -> usize {
        let parts = per_second.get().saturating_mul(AHEAD).div_ceil(part_size);
        usize::try_from(parts.max(MIN_ATTEMPTS)).unwrap_or(usize::MAX)
    }

    /// Waits for the time that `bytes` bytes take at this rate. So a transfer of one part keeps to the rate, too.
    ///
    /// A cancelled wait returns its remaining time.
    pub(crate) async fn take(&self, bytes: u64) {
        let mut wait = Wait {
            limit: self,
            time: self.time_of(bytes),
        };
        let end = {
            let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            // Timers fire late; the next wait is shorter by the delay.
            let start = free_at.filter(|at| *at + TIMER_DELAY >= now).unwrap_or(now);
            // An end beyond the clock's range is ignored.
            let end = start.checked_add(wait.time).unwrap_or(start);
            *free_at = Some(end);
            end
        };
        // Timers have a resolution of one millisecond.
        if end > Instant::now() + Duration::from_millis(1) {
            sleep_until(end).await;
        }
        wait.time = Duration::ZERO;
    }

    fn time_of(&self, bytes: u64) -> Duration {
        Duration::from_secs_f64(bytes as f64 / self.per_second.get() as f64)
    }
}

/// A wait for the bytes that take `time`.
struct Wait<'l> {
    limit: &'l RateLimit,
    time: Duration,
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if self.time.is_zero() {
            return;
        }
        let limit = self.limit;
        let mut free_at = limit.free_at.lock().unwrap_or_else(PoisonError::into_inner);
        // At most the time that is left: time that has passed cannot be returned.
        let left = free_at.map_or(Duration::ZERO, |at| {
            at.saturating_duration_since(Instant::now())
        });
        *free_at = free_at.and_then(|at| at.checked_sub(self.time.min(left)));
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{sleep, timeout};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn bytes_take_their_time_from_the_first_on() {
        let limit = RateLimit::new(NonZeroU64::new(1000).unwrap());
        let began = Instant::now();
        for _ in 0..4 {
            limit.take(500).await;
        }
        assert_eq!(began.elapsed(), Duration::from_millis(2000));
        // Time in which nothing moved is not saved up.
        sleep(Duration::from_secs(60)).await;
        let began = Instant::now();
        limit.take(500).await;
        limit.take(500).await;
        assert_eq!(began.elapsed(), Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_is_cancelled_gives_its_time_back() {
        let limit = RateLimit::new(NonZeroU64::new(1000).unwrap());
        let began = Instant::now();
        let cancelled = timeout(Duration::from_secs(2), limit.take(1_000_000)).await;
        assert!(cancelled.is_err());
        limit.take(500).await;
        assert_eq!(began.elapsed(), Duration::from_millis(2500));
    }

    #[test]
    fn attempts_in_flight_follow_the_rate() {
        let most =
            |per_second| RateLimit::most_attempts(NonZeroU64::new(per_second).unwrap(), 8 << 20);
        assert_eq!([most(1), most(1 << 20), most(100 << 20)], [4, 4, 50]);
    }
}
