//! Whether a thread of transfers has anything left to give.
//!
//! A thread that is on a core all the time does not get more done by more requests at once: it is the limit itself,
//! whatever the line is like. Only threads that run transfers and nothing else are asked; what others are busy with is
//! not known.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use s3_core::local_io::this_thread_may_wait;

/// A thread that had a core for this share of the time is taken for busy. The rest is the wait for the first answer of
/// a burst, and what other programs take.
const BUSY: f64 = 0.85;

static NEXT: AtomicU64 = AtomicU64::new(1);

thread_local! {
    static SEEN: Cell<Option<Seen>> = const { Cell::new(None) };
}

/// A span of time in which threads are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Watch(u64);

/// When this thread came by for the first time in a watch, and how long it had been on a core by then.
#[derive(Clone, Copy)]
struct Seen {
    watch: Watch,
    at: Instant,
    on_core: Duration,
}

impl Watch {
    pub(super) fn begin() -> Self {
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// Takes note of this thread: one look at two clocks per thread and watch.
    pub(super) fn pass(self) {
        if this_thread_may_wait() && SEEN.get().is_none_or(|seen| seen.watch != self) {
            SEEN.set(Some(Seen {
                watch: self,
                at: Instant::now(),
                on_core: on_core(),
            }));
        }
    }

    /// Whether this thread was on a core nearly all the time since it came by first, which must be so long ago at
    /// least: answers come in bursts, and within a burst every thread is busy.
    pub(super) fn is_busy(self, at_least: Duration) -> bool {
        let Some(seen) = SEEN.get().filter(|seen| seen.watch == self) else {
            return false;
        };
        let (time, on_core) = (seen.at.elapsed(), on_core().saturating_sub(seen.on_core));
        time >= at_least && on_core.as_secs_f64() >= BUSY * time.as_secs_f64()
    }
}

fn on_core() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime)
        .try_into()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use s3_core::local_io::let_this_thread_wait;

    use super::*;

    fn spin(time: Duration) {
        let until = on_core() + time;
        while on_core() < until {}
    }

    #[test]
    fn a_thread_that_waits_is_not_busy_and_one_that_works_is() {
        std::thread::spawn(|| {
            let_this_thread_wait();
            // Other programs may take the core away: one quiet moment is enough, and it is a short one.
            let worked = (0..1_000).any(|_| {
                let watch = Watch::begin();
                watch.pass();
                spin(Duration::from_micros(300));
                assert!(
                    !watch.is_busy(Duration::from_secs(60)),
                    "too short a time to tell"
                );
                watch.is_busy(Duration::from_micros(200))
            });
            assert!(worked);
            let watch = Watch::begin();
            watch.pass();
            std::thread::sleep(Duration::from_millis(30));
            spin(Duration::from_millis(3));
            assert!(!watch.is_busy(Duration::ZERO));
        })
        .join()
        .unwrap();
    }

    #[test]
    fn threads_of_others_are_not_judged() {
        let watch = Watch::begin();
        watch.pass();
        spin(Duration::from_millis(3));
        assert!(!watch.is_busy(Duration::ZERO));
    }
}
