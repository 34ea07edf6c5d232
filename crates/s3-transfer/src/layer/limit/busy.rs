//! Whether a thread of transfers has anything left to give.
//!
//! A thread that hardly waits for events does not get more done by more requests at once: it is the limit itself,
//! whatever the line is like. Only threads of a worker pool, which run transfers and nothing else, are asked; what others wait
//! for is not known.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::worker_pool::rest::rested;

/// A thread that worked for this share of the time is taken for busy.
const BUSY: f64 = 0.95;

static NEXT: AtomicU64 = AtomicU64::new(1);

thread_local! {
    static SEEN: Cell<Option<Seen>> = const { Cell::new(None) };
}

/// A span of time in which threads are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Watch(u64);

/// When this thread came by for the first time in a watch, and how long it had rested by then.
#[derive(Clone, Copy)]
struct Seen {
    watch: Watch,
    at: Instant,
    rested: Duration,
}

impl Watch {
    pub(super) fn begin() -> Self {
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// Takes note of this thread: one look at the clock per thread and watch.
    pub(super) fn pass(self) {
        if let Some(rested) = rested()
            && SEEN.get().is_none_or(|seen| seen.watch != self)
        {
            SEEN.set(Some(Seen {
                watch: self,
                at: Instant::now(),
                rested,
            }));
        }
    }

    /// Whether this thread worked nearly all the time since it came by first, which must be so long ago at least:
    /// answers come in bursts, and within a burst every thread is busy.
    pub(super) fn is_busy(self, at_least: Duration) -> bool {
        let (Some(rested), Some(seen)) = (rested(), SEEN.get().filter(|seen| seen.watch == self))
        else {
            return false;
        };
        let (time, rest) = (seen.at.elapsed(), rested.saturating_sub(seen.rested));
        time >= at_least && rest.as_secs_f64() <= (1.0 - BUSY) * time.as_secs_f64()
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
    fn a_thread_that_waits_is_not_busy_and_one_that_works_is() {
        let worker_pool = WorkerPool::start(NonZeroUsize::MIN, "busy-test").unwrap();
        worker_pool.run(async {
            let watch = Watch::begin();
            watch.pass();
            spin(Duration::from_millis(3));
            assert!(watch.is_busy(Duration::from_millis(2)));
            let too_short = !watch.is_busy(Duration::from_secs(60));
            assert!(too_short, "within a burst every thread is busy");
            tokio::time::sleep(Duration::from_millis(5)).await;
            assert!(!watch.is_busy(Duration::ZERO));
        });
    }

    #[test]
    fn threads_of_others_are_not_judged() {
        let watch = Watch::begin();
        watch.pass();
        spin(Duration::from_millis(3));
        assert!(!watch.is_busy(Duration::ZERO));
    }
}
