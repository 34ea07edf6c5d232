//! Stall detection: finds attempts that move no byte for the stall timeout. A slow attempt is not stalled.
//!
//! A timer per attempt would cost more than the rest of the service, and almost no attempt stalls. So all attempts of a
//! client share one monitor: a background task per runtime scans the attempts of that runtime four times per timeout,
//! and runs only while there are some. One task for all runtimes would not do: a single-threaded runtime only runs its
//! tasks during calls of `block_on`.

use std::sync::{Arc, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use s3_core::{ByteCounter, Error, ErrorKind, Operation};

use crate::attempt_snapshot::AttemptSnapshot;
use crate::sync::{Instant, Mutex, MutexGuard, RuntimeId, runtime_id, sleep, spawn};
use crate::{Job, Progress};

/// Minimum interval between scans.
const MIN_SCAN_INTERVAL: Duration = Duration::from_millis(1);

/// Watches one attempt for a stall.
#[derive(Debug)]
pub(super) struct StallWatch {
    snapshot: AttemptSnapshot,
    counters: AttemptCounters,
    operation: Operation,
    timeout: Duration,
    monitor: StallMonitor,
    // None until the attempt is pending for the first time.
    entry: Option<MonitorEntry>,
}

impl StallWatch {
    /// Returns a watch of an attempt that starts now.
    pub(super) fn new(monitor: &StallMonitor, job: &impl Job, timeout: Duration) -> Self {
        Self {
            snapshot: AttemptSnapshot::of(job),
            counters: AttemptCounters {
                progress: job.progress().cloned(),
                bytes: job.byte_counter().cloned(),
            },
            operation: job.operation(),
            timeout: timeout.saturating_add(job.extra_stall_time()),
            monitor: monitor.clone(),
            entry: None,
        }
    }

    /// Called whenever the attempt is pending. Completes with an error when it has stalled.
    pub(super) fn poll_stalled(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let Some(entry) = &self.entry else {
            self.entry = Some(self.monitor.add(self, cx.waker()));
            return Poll::Pending;
        };
        if !entry.is_stalled(cx.waker()) {
            return Poll::Pending;
        }
        let timeout = self.timeout.as_secs_f32();
        let error = Error::new(ErrorKind::Timeout, self.operation)
            .with_message(format!("nothing moved for {timeout} s"));
        Poll::Ready(error.with_phase(self.snapshot.phase()))
    }

    /// Returns how many bytes the attempt has kept.
    pub(super) fn bytes_kept(&self) -> u64 {
        self.snapshot.bytes_kept().unwrap_or_default()
    }
}

/// The counters that move with an attempt.
#[derive(Clone, Debug, Default)]
struct AttemptCounters {
    progress: Option<Progress>,
    bytes: Option<ByteCounter>,
}

impl AttemptCounters {
    /// Returns a number that changes whenever bytes move, in either direction.
    fn generation(&self) -> u64 {
        let received = self.progress.as_ref().map_or(0, Progress::generation);
        received.wrapping_add(self.bytes.as_ref().map_or(0, ByteCounter::bytes))
    }

    fn is_local_wait(&self) -> bool {
        self.progress.as_ref().is_some_and(Progress::is_local_wait)
    }
}

/// The attempts that are scanned for stalls. Clone is a reference count.
#[derive(Clone, Debug)]
pub(super) struct StallMonitor(Arc<Mutex<MonitorState>>);

#[derive(Debug, Default)]
struct MonitorState {
    scan_interval: Duration,
    attempts: Vec<Option<MonitoredAttempt>>,
    free: Vec<usize>,
    /// The runtimes whose attempts a task scans. Few, so they are searched.
    scanned: Vec<RuntimeId>,
}

impl MonitorState {
    /// Returns whether a task that scans the attempts of this runtime must be started, and records it as started.
    fn lacks_scan_of(&mut self, runtime: RuntimeId) -> bool {
        let is_scanned = self.scanned.contains(&runtime);
        if !is_scanned {
            self.scanned.push(runtime);
        }
        !is_scanned
    }
}

#[derive(Debug)]
struct MonitoredAttempt {
    counters: AttemptCounters,
    generation: u64,
    /// When the generation last changed.
    since: Instant,
    timeout: Duration,
    stalled: bool,
    waker: Waker,
    /// The runtime that polled the attempt last.
    runtime: RuntimeId,
}

/// An attempt's entry in the monitor; removed when dropped.
#[derive(Debug)]
struct MonitorEntry {
    monitor: StallMonitor,
    number: usize,
}

impl StallMonitor {
    /// Returns a monitor that scans four times per timeout.
    pub(super) fn new(timeout: Duration) -> Self {
        Self(Arc::new(Mutex::new(MonitorState {
            scan_interval: (timeout / 4).max(MIN_SCAN_INTERVAL),
            ..MonitorState::default()
        })))
    }

    fn lock(&self) -> MutexGuard<'_, MonitorState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, stall: &StallWatch, waker: &Waker) -> MonitorEntry {
        let attempt = MonitoredAttempt {
            generation: stall.counters.generation(),
            counters: stall.counters.clone(),
            since: Instant::now(),
            timeout: stall.timeout,
            stalled: false,
            waker: waker.clone(),
            runtime: runtime_id(),
        };
        let runtime = attempt.runtime;
        let mut state = self.lock();
        let number = match state.free.pop() {
            Some(number) => {
                state.attempts[number] = Some(attempt);
                number
            }
            None => {
                state.attempts.push(Some(attempt));
                state.attempts.len() - 1
            }
        };
        let starts = state.lacks_scan_of(runtime);
        drop(state);
        if starts {
            self.start_scanning(runtime);
        }
        MonitorEntry {
            monitor: self.clone(),
            number,
        }
    }

    fn start_scanning(&self, runtime: RuntimeId) {
        // Built before the spawn: a runtime that is shutting down drops the task without polling it.
        let task = ScanTask {
            state: Arc::downgrade(&self.0),
            runtime,
        };
        let interval = self.lock().scan_interval;
        spawn(task.run(interval));
    }

    /// Checks the attempts of a runtime. Returns whether there are any.
    fn scan(&self, runtime: RuntimeId) -> bool {
        let now = Instant::now();
        let mut stalled = Vec::new();
        let mut has_attempts = false;
        let mut state = self.lock();
        let attempts = state.attempts.iter_mut().flatten();
        for attempt in attempts.filter(|attempt| attempt.runtime == runtime) {
            has_attempts = true;
            let generation = attempt.counters.generation();
            if generation != attempt.generation || attempt.counters.is_local_wait() {
                (attempt.generation, attempt.since) = (generation, now);
            } else if now.saturating_duration_since(attempt.since) >= attempt.timeout {
                attempt.stalled = true;
                stalled.push(attempt.waker.clone());
            }
        }
        if !has_attempts {
            state.scanned.retain(|scanned| *scanned != runtime);
        }
        drop(state);
        stalled.into_iter().for_each(Waker::wake);
        has_attempts
    }
}

/// The task that scans the attempts of a runtime. If the runtime is shut down before they have ended, the task wakes
/// them, and they start another task.
struct ScanTask {
    state: Weak<Mutex<MonitorState>>,
    runtime: RuntimeId,
}

impl ScanTask {
    async fn run(mut self, interval: Duration) {
        loop {
            sleep(interval).await;
            let Some(monitor) = self.state.upgrade().map(StallMonitor) else {
                return;
            };
            if !monitor.scan(self.runtime) {
                // An attempt added since then has started another task, which `drop` must not disturb.
                self.state = Weak::new();
                return;
            }
        }
    }
}

impl Drop for ScanTask {
    fn drop(&mut self) {
        let Some(monitor) = self.state.upgrade().map(StallMonitor) else {
            return;
        };
        let mut state = monitor.lock();
        state.scanned.retain(|scanned| *scanned != self.runtime);
        let wakers = state.attempts.iter().flatten();
        let wakers: Vec<Waker> = wakers.map(|attempt| attempt.waker.clone()).collect();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl MonitorEntry {
    /// Returns whether the attempt has stalled. `waker` is woken when it does.
    fn is_stalled(&self, waker: &Waker) -> bool {
        let mut state = self.monitor.lock();
        let Some(attempt) = &mut state.attempts[self.number] else {
            return false;
        };
        if !attempt.waker.will_wake(waker) {
            // Another task, perhaps of another runtime.
            attempt.waker.clone_from(waker);
            attempt.runtime = runtime_id();
        }
        let (stalled, runtime) = (attempt.stalled, attempt.runtime);
        let starts = state.lacks_scan_of(runtime);
        drop(state);
        if starts {
            self.monitor.start_scanning(runtime);
        }
        stalled
    }
}

impl Drop for MonitorEntry {
    fn drop(&mut self) {
        let mut state = self.monitor.lock();
        let attempt = state.attempts[self.number].take();
        state.free.push(self.number);
        drop(state);
        // Its waker and counters are dropped outside the lock.
        drop(attempt);
    }
}

/// Runs `attempt` until it ends; `None` if it has stalled.
#[cfg(test)]
async fn until_stalled<T>(
    monitor: &StallMonitor,
    timeout: Duration,
    progress: Option<&Progress>,
    attempt: impl Future<Output = T>,
) -> Option<T> {
    let mut watch = StallWatch {
        snapshot: AttemptSnapshot::default(),
        counters: AttemptCounters {
            progress: progress.cloned(),
            bytes: None,
        },
        operation: Operation::Get,
        timeout,
        monitor: monitor.clone(),
        entry: None,
    };
    let mut attempt = std::pin::pin!(attempt);
    std::future::poll_fn(|cx| match attempt.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => watch.poll_stalled(cx).map(|_| None),
    })
    .await
}

#[cfg(test)]
#[cfg(shuttle)]
mod model;

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(20);

    async fn while_moving<T>(
        monitor: &StallMonitor,
        progress: Option<&Progress>,
        attempt: impl Future<Output = T>,
    ) -> Option<T> {
        until_stalled(monitor, TIMEOUT, progress, attempt).await
    }

    fn monitor() -> StallMonitor {
        StallMonitor::new(TIMEOUT)
    }

    #[tokio::test(start_paused = true)]
    async fn a_stalled_attempt_ends_within_one_and_a_quarter_timeouts() {
        let monitor = monitor();
        for head_start in [0, 1, 4] {
            // The monitor has been scanning before.
            let other = tokio::time::timeout(
                Duration::from_secs(head_start),
                while_moving(&monitor, None, std::future::pending::<()>()),
            );
            assert!(other.await.is_err());
            let start = Instant::now();
            let ended = while_moving(&monitor, None, std::future::pending::<()>()).await;
            assert_eq!(ended, None);
            let took = start.elapsed();
            assert!(
                took >= TIMEOUT && took <= TIMEOUT * 5 / 4 + Duration::from_millis(10),
                "{took:?}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_attempt_is_not_stalled() {
        let progress = Progress::default();
        let slow = async {
            for _ in 0..100 {
                sleep(TIMEOUT - Duration::from_secs(1)).await;
                progress.add(1);
            }
            "done"
        };
        let ended = while_moving(&monitor(), Some(&progress), slow).await;
        assert_eq!(ended, Some("done"));
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_for_the_disk_is_not_a_stall() {
        let progress = Progress::default();
        let waits = async {
            let _wait = progress.local_wait();
            sleep(TIMEOUT * 10).await;
        };
        let ended = while_moving(&monitor(), Some(&progress), waits).await;
        assert_eq!(ended, Some(()));
    }

    #[tokio::test(start_paused = true)]
    async fn scanning_ends_with_the_last_attempt() {
        let monitor = monitor();
        while_moving(&monitor, None, sleep(Duration::from_millis(1))).await;
        assert_eq!(monitor.lock().scanned, [runtime_id()]);
        sleep(TIMEOUT).await;
        assert!(monitor.lock().scanned.is_empty());
        assert_eq!(Arc::strong_count(&monitor.0), 1);
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap()
    }

    /// Waits far longer than a scanned attempt may take.
    async fn in_time<T>(attempt: impl Future<Output = T>) -> T {
        let ended = tokio::time::timeout(TIMEOUT * 100, attempt).await;
        ended.expect("the attempt is scanned")
    }

    #[test]
    fn attempts_are_scanned_while_the_runtime_of_earlier_ones_rests() {
        let monitor = monitor();
        let (first, second) = (runtime(), runtime());
        let short = async { sleep(Duration::from_millis(1)).await };
        let done = first.block_on(while_moving(&monitor, None, short));
        assert_eq!(done, Some(()));
        let attempt = while_moving(&monitor, None, std::future::pending::<()>());
        assert_eq!(second.block_on(in_time(attempt)), None);
        // The task of the first runtime ends when that runs again, without an effect.
        for runtime in [first, second] {
            runtime.block_on(async { sleep(TIMEOUT).await });
        }
        assert!(monitor.lock().scanned.is_empty());
    }

    #[test]
    fn an_attempt_that_moves_to_another_runtime_is_scanned_there() {
        let monitor = monitor();
        let (first, second) = (runtime(), runtime());
        let mut attempt = Box::pin(while_moving(&monitor, None, std::future::pending::<()>()));
        first.block_on(async {
            assert!(futures_util::poll!(attempt.as_mut()).is_pending());
        });
        assert_eq!(second.block_on(in_time(attempt)), None);
    }

    #[test]
    fn another_task_scans_after_a_runtime_shutdown() {
        let monitor = monitor();
        let (first, second) = (runtime(), runtime());
        // The first runtime scans an attempt that the second one polls with the same waker.
        let mut attempt = Box::pin(while_moving(&monitor, None, std::future::pending::<()>()));
        let waker = std::task::Waker::noop();
        let mut poll = || attempt.as_mut().poll(&mut Context::from_waker(waker));
        first.block_on(async { assert!(poll().is_pending()) });
        drop(first);
        assert!(monitor.lock().scanned.is_empty());
        second.block_on(async {
            assert!(poll().is_pending());
            sleep(TIMEOUT * 2).await;
            assert_eq!(poll(), Poll::Ready(None));
        });
    }

    #[test]
    fn the_scan_continues_after_a_call_on_its_callers_thread() {
        let pool = crate::WorkerPool::start(std::num::NonZeroUsize::MIN, "stall-test").unwrap();
        let limit = Duration::from_millis(40);
        let monitor = StallMonitor::new(limit);
        let stalled = || {
            let monitor = monitor.clone();
            async move { until_stalled(&monitor, limit, None, std::future::pending::<()>()).await }
        };
        // Its attempt starts the scan and ends before the scan.
        let mut short = pool.on_caller(stalled()).ok().unwrap();
        assert!(short.wait(Duration::from_millis(1)).unwrap().is_none());
        drop(short);
        let (attempt, patience) = (stalled(), Duration::from_secs(30));
        let ended = pool.run(async move { tokio::time::timeout(patience, attempt).await });
        assert_eq!(ended, Ok(None));
    }
}
