//! Measures the idle time of a worker pool thread: how long its runtime has waited for events.
//!
//! The runtime reports when it parks and unparks. CPU time would not show whether the thread has capacity left on a
//! machine where a hypervisor or other programs use the core too.

use std::cell::Cell;
use std::time::{Duration, Instant};

use tokio::runtime::Builder;

thread_local! {
    /// When this thread parked.
    static PARKED_AT: Cell<Option<Instant>> = const { Cell::new(None) };
    /// Idle time of this thread until it last parked; `None` on threads that do not measure it.
    static IDLE_TIME: Cell<Option<Duration>> = const { Cell::new(None) };
}

/// Configures a runtime to measure the idle time of its thread. Costs two clock reads per wait for events.
pub(super) fn measure(builder: &mut Builder) -> &mut Builder {
    builder
        .on_thread_park(|| PARKED_AT.set(Some(Instant::now())))
        .on_thread_unpark(|| {
            let parked = PARKED_AT.take().map(|since| since.elapsed());
            let before = IDLE_TIME.get().unwrap_or_default();
            IDLE_TIME.set(Some(before + parked.unwrap_or_default()));
        })
}

/// Starts the measurement on this thread, which runs a runtime that [`measure`] has configured.
pub(super) fn start() {
    IDLE_TIME.set(Some(Duration::ZERO));
}

/// Returns how long this thread has been idle since it started, if it measures that.
pub(crate) fn idle_time() -> Option<Duration> {
    IDLE_TIME.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_is_idle_time_and_working_is_not() {
        assert_eq!(idle_time(), None);
        let runtime = measure(Builder::new_current_thread().enable_all())
            .build()
            .unwrap();
        start();
        let nap = Duration::from_millis(5);
        runtime.block_on(async {
            assert_eq!(idle_time(), Some(Duration::ZERO));
            tokio::time::sleep(nap).await;
            let idle = idle_time().unwrap();
            assert!(idle >= nap - Duration::from_millis(1), "{idle:?}");
            // Off the core, but not waiting for events.
            std::thread::sleep(nap);
            assert_eq!(idle_time(), Some(idle));
        });
    }
}
