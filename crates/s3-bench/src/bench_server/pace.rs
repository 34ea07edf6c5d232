//! Bandwidth limit of the benchmark server for one request or response body.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Bytes at the start of a body that are not limited.
const FREE: f64 = 131_072.0;

/// Minimum number of bytes per system call, except at the end of a body.
const LEAST: f64 = 32_768.0;

/// Bandwidth limit of one body.
#[derive(Debug)]
pub(super) struct Pace {
    rate: Option<f64>,
    begin: Instant,
    moved: f64,
}

impl Pace {
    #[expect(clippy::cast_precision_loss, reason = "the rate is approximate")]
    pub(super) fn new(bytes_per_second: Option<u64>) -> Self {
        Self {
            rate: bytes_per_second.map(|rate| rate as f64),
            begin: Instant::now(),
            moved: 0.0,
        }
    }

    /// Waits until some bytes may be transferred and returns how many, at most `wanted`.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "the allowance is positive and small"
    )]
    pub(super) async fn allowed(&self, wanted: usize) -> usize {
        let Some(rate) = self.rate else {
            return wanted;
        };
        loop {
            let allowed = rate.mul_add(self.begin.elapsed().as_secs_f64(), FREE) - self.moved;
            if allowed >= LEAST.min(wanted as f64) {
                return wanted.min(allowed as usize);
            }
            sleep(Duration::from_millis(1)).await;
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "bodies are below 2^53 bytes")]
    pub(super) fn moved(&mut self, bytes: usize) {
        self.moved += bytes as f64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn move_all(mut pace: Pace, mut left: usize) -> Duration {
        let begin = Instant::now();
        while left > 0 {
            let moved = pace.allowed(left).await;
            pace.moved(moved);
            left -= moved;
        }
        begin.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_takes_as_long_as_its_rate_says() {
        let took = move_all(Pace::new(Some(10_000_000)), 10_131_072).await;
        assert!((0.99..1.01).contains(&took.as_secs_f64()), "{took:?}");
        assert_eq!(
            move_all(Pace::new(Some(10_000_000)), 100_000).await,
            Duration::ZERO
        );
        assert_eq!(move_all(Pace::new(None), 1 << 40).await, Duration::ZERO);
    }
}
