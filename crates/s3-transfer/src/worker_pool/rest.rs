//! How long a thread has had nothing to do.
//!
//! The runtime of a worker pool's thread says when it begins to wait for events and when it goes on. That is what tells whether
//! the thread has anything left to give: the time that it is on a core does not, where a hypervisor or other programs
//! take the core away.

use std::cell::Cell;
use std::time::{Duration, Instant};

use tokio::runtime::Builder;

thread_local! {
    /// Since when this thread waits.
    static SINCE: Cell<Option<Instant>> = const { Cell::new(None) };
    /// How long it has waited before; `None` on threads that do not count it.
    static RESTED: Cell<Option<Duration>> = const { Cell::new(None) };
}

/// Lets this thread count while it drives the runtime. A look at the clock before and after each wait for events.
pub(super) fn count(builder: &mut Builder) -> &mut Builder {
    RESTED.set(Some(Duration::ZERO));
    builder
        .on_thread_park(|| SINCE.set(Some(Instant::now())))
        .on_thread_unpark(|| {
            let waited = SINCE.take().map(|since| since.elapsed());
            let before = RESTED.get().unwrap_or_default();
            RESTED.set(Some(before + waited.unwrap_or_default()));
        })
}

/// Returns how long this thread has waited since it began, if it counts.
pub(crate) fn rested() -> Option<Duration> {
    RESTED.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_is_rest_and_working_is_not() {
        assert_eq!(rested(), None);
        let runtime = count(Builder::new_current_thread().enable_all())
            .build()
            .unwrap();
        let nap = Duration::from_millis(5);
        runtime.block_on(async {
            assert_eq!(rested(), Some(Duration::ZERO));
            tokio::time::sleep(nap).await;
            let rest = rested().unwrap();
            assert!(rest >= nap - Duration::from_millis(1), "{rest:?}");
            // As if the core were taken away: the thread does not wait for events.
            std::thread::sleep(nap);
            assert_eq!(rested(), Some(rest));
        });
    }
}
