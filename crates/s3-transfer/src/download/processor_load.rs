//! [`ProcessorLoad`]: measures whether this process keeps its processors busy.

use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Minimum share of the available processor time that counts as busy. 0.7: even a stream from a server of the same
/// speed waits for it now and then (docs/TUNING.md).
const BUSY: f64 = 0.7;

/// Start of a measurement: the time, and the processor time that this process had used by then.
#[derive(Debug)]
pub(super) struct ProcessorLoad {
    since: Instant,
    used: Duration,
}

impl ProcessorLoad {
    pub(super) fn begin() -> Self {
        Self {
            since: Instant::now(),
            used: processor_time(),
        }
    }

    /// Returns whether this process has kept all processors that it may use busy since `begin`. One system call.
    pub(super) fn was_full(&self) -> bool {
        let used = processor_time().saturating_sub(self.used);
        is_full(used, self.since.elapsed(), processors())
    }
}

fn is_full(used: Duration, time: Duration, processors: f64) -> bool {
    used.as_secs_f64() >= BUSY * processors * time.as_secs_f64()
}

/// Returns the processor time that this process has used, on all processors.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// Returns how many processors this process may use, by its affinity and the limits of its container.
fn processors() -> f64 {
    static PROCESSORS: OnceLock<f64> = OnceLock::new();
    let count = || thread::available_parallelism().map_or(1.0, |count| count.get() as f64);
    *PROCESSORS.get_or_init(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_processors_that_compute_most_of_the_time_are_full() {
        let ms = Duration::from_millis;
        assert!(is_full(ms(8), ms(10), 1.0) && is_full(ms(15), ms(10), 2.0));
        assert!(!is_full(ms(6), ms(10), 1.0) && !is_full(ms(13), ms(10), 2.0));
    }

    #[test]
    fn computing_uses_processor_time() {
        let load = ProcessorLoad::begin();
        while load.since.elapsed() < Duration::from_millis(20) {}
        assert!(processor_time() > load.used);
        load.was_full();
    }
}
