//! [`RateLimit`]: bounds the bytes per second of all transfers of an engine.

use std::num::NonZeroU64;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// How much a client moves ahead, in time: parts in flight hold as many bytes as the rate moves in it.
const AHEAD: u64 = 4;

/// The fewest attempts in flight, for small objects and listings.
const MIN_ATTEMPTS: u64 = 4;

/// Bounds the bytes per second of all transfers of an engine, in the order in which they ask.
#[derive(Debug)]
pub(crate) struct RateLimit {
    per_second: NonZeroU64,
    /// When all bytes that were taken may have moved.
    free_at: Mutex<Option<Instant>>,
}

impl RateLimit {
    pub(crate) fn new(per_second: NonZeroU64) -> Self {
        Self {
            per_second,
            free_at: Mutex::default(),
        }
    }

    /// Returns how many attempts may be in flight: with more, parts would share the line and none would be complete for a
    /// long time.
    pub(crate) fn most_attempts(per_second: NonZeroU64, part_size: u64) -> usize {
        let parts = per_second.get().saturating_mul(AHEAD).div_ceil(part_size);
        usize::try_from(parts.max(MIN_ATTEMPTS)).unwrap_or(usize::MAX)
    }

    /// Waits as long as `bytes` more take at this rate. Then a transfer of one part keeps to the rate, too.
    pub(crate) async fn take(&self, bytes: u64) {
        let free = {
            let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let start = free_at.map_or(now, |free_at| free_at.max(now));
            // A time beyond the clock's range never comes.
            let free = start.checked_add(self.time_of(bytes)).unwrap_or(start);
            *free_at = Some(free);
            free
        };
        sleep_until(free).await;
    }

    fn time_of(&self, bytes: u64) -> Duration {
        Duration::from_secs_f64(bytes as f64 / self.per_second.get() as f64)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

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

    #[test]
    fn attempts_in_flight_follow_the_rate() {
        let most =
            |per_second| RateLimit::most_attempts(NonZeroU64::new(per_second).unwrap(), 8 << 20);
        assert_eq!([most(1), most(1 << 20), most(100 << 20)], [4, 4, 50]);
    }
}
