//! Circuit breaker: while every attempt of a client fails, one retry at a time probes the server.
//!
//! With backoff alone, each job detects the outage separately: 64 jobs made 727 failed requests in 30 seconds, and the
//! jobs with the longest backoff were the last to detect that the server was up again. So the jobs of a client share
//! one circuit breaker. It opens after [`FAILURES_TO_OPEN`] failures in a row, whatever they were for. While it is
//! open, one retry at a time is admitted as a probe, at intervals that double from the base of the backoff to
//! [`MAX_PROBE_INTERVAL`]. An attempt that succeeds, or that gets an error response that is not retryable, closes it.
//!
//! While it is open, attempts are neither counted nor paid for from the retry budget. The outage is limited by time
//! instead: by the longest that all backoffs of one job can take (4 minutes by default). After that, jobs fail with
//! their last error, and new jobs make one attempt, so a batch of thousands does not wait for each input.
//!
//! First attempts are always admitted: there is one per job, and it probes as well as a retry.

use std::sync::PoisonError;
use std::time::Duration;

use crate::sync::atomic::{AtomicU32, Ordering};
use crate::sync::{Instant, Mutex, MutexGuard, Notify, sleep_until};

/// Number of failures in a row that opens the breaker: more than one job alone makes (21 by default). A server that
/// fails nine requests in ten at random reaches 32 once in thirty runs.
const FAILURES_TO_OPEN: u32 = if cfg!(shuttle) { 2 } else { 32 };

/// An outage also ends, without a success, if no attempt has failed for this time plus the longest stall. 10 s: five
/// times the longest interval between probes.
const FORGET_AFTER: Duration = Duration::from_secs(10);

/// Maximum interval between probes: a recovered server is noticed within this time.
const MAX_PROBE_INTERVAL: Duration = Duration::from_secs(2);

/// Maximum time that a breaker stays open: a year, which is practically unlimited, and which can be added to any
/// `Instant`.
const MAX_OPEN_TIME: Duration = Duration::from_secs(365 * 24 * 3600);

/// Counts the failures in a row of all jobs of a client, and delays their retries while it is open.
#[derive(Debug)]
pub(super) struct CircuitBreaker {
    /// Failures since the last success.
    failures: AtomicU32,
    open: Mutex<Option<OpenCircuit>>,
    closed: Notify,
    failures_to_open: u32,
    forget_after: Duration,
    first_probe_interval: Duration,
    max_open_time: Duration,
}

/// The state of an open breaker.
#[derive(Clone, Copy, Debug)]
struct OpenCircuit {
    /// When jobs give up.
    until: Instant,
    /// The last failure or probe.
    last: Instant,
    /// When the next probe is admitted.
    next_probe: Instant,
    probe_interval: Duration,
}

/// How a job proceeds after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Retry by the job's own rules: the breaker is closed.
    Retry,
    /// The breaker is open: wait for a turn.
    Wait,
    /// The breaker has been open for too long.
    GiveUp,
}

impl CircuitBreaker {
    /// Returns a closed breaker for jobs with at most `attempts` attempts, each of which may stall for `stall`.
    pub(super) fn new(
        attempts: u32,
        stall: Duration,
        first_probe_interval: Duration,
        max_open_time: Duration,
    ) -> Self {
        Self {
            failures: AtomicU32::new(0),
            open: Mutex::new(None),
            closed: Notify::new(),
            failures_to_open: FAILURES_TO_OPEN.max(attempts.saturating_add(1)),
            forget_after: stall.saturating_add(FORGET_AFTER),
            first_probe_interval: first_probe_interval
                .clamp(Duration::from_millis(1), MAX_PROBE_INTERVAL),
            max_open_time: max_open_time.min(MAX_OPEN_TIME),
        }
    }

    /// Records that the server works. Closes the breaker.
    pub(super) fn record_success(&self) {
        // Every success comes here, so the common case is a load of a shared cache line.
        if self.failures.load(Ordering::Acquire) == 0 {
            return;
        }
        let mut open = self.lock();
        self.failures.store(0, Ordering::Release);
        if open.take().is_some() {
            drop(open);
            tracing::info!("circuit breaker closed: the server responds again");
            self.closed.notify_waiters();
        }
    }

    /// Records a failure without progress.
    pub(super) fn record_failure(&self) -> Decision {
        let failures = self
            .failures
            .fetch_add(1, Ordering::AcqRel)
            .saturating_add(1);
        if failures < self.failures_to_open {
            return Decision::Retry;
        }
        let mut open = self.lock();
        // A success after the increment above found no open breaker, and would not close one that opens now.
        if self.failures.load(Ordering::Acquire) < self.failures_to_open {
            return Decision::Retry;
        }
        let now = Instant::now();
        let circuit = match &mut *open {
            Some(circuit) if now.saturating_duration_since(circuit.last) >= self.forget_after => {
                *open = None;
                self.failures.store(1, Ordering::Release);
                return Decision::Retry;
            }
            Some(circuit) => circuit,
            None => {
                tracing::warn!(failures, "circuit breaker opened: no request succeeds");
                open.insert(OpenCircuit {
                    until: now + self.max_open_time,
                    last: now,
                    next_probe: now + self.first_probe_interval,
                    probe_interval: self.first_probe_interval,
                })
            }
        };
        circuit.last = now;
        if now < circuit.until {
            Decision::Wait
        } else {
            Decision::GiveUp
        }
    }

    /// Waits until the breaker is closed, or this job is admitted as a probe.
    pub(super) async fn wait_for_turn(&self) {
        loop {
            let closed = self.closed.notified();
            let Some(next) = self.try_probe() else {
                return;
            };
            tokio::select! {
                () = sleep_until(next) => {}
                () = closed => {}
            }
        }
    }

    /// Admits a probe if one is due. Otherwise returns when to try again.
    fn try_probe(&self) -> Option<Instant> {
        let mut open = self.lock();
        let circuit = open.as_mut()?;
        let now = Instant::now();
        if now >= circuit.until {
            // Every job makes one last attempt. After its failure, `record_failure` returns `GiveUp`.
            circuit.last = now;
            return None;
        }
        if now < circuit.next_probe {
            return Some(circuit.next_probe.min(circuit.until));
        }
        circuit.last = now;
        circuit.probe_interval = (circuit.probe_interval * 2).min(MAX_PROBE_INTERVAL);
        circuit.next_probe = now + circuit.probe_interval;
        None
    }

    fn lock(&self) -> MutexGuard<'_, Option<OpenCircuit>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[cfg(shuttle)]
mod model;

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    use tokio::time::sleep;

    use super::*;

    const BASE: Duration = Duration::from_millis(50);

    fn open(breaker: &CircuitBreaker) {
        for _ in 1..FAILURES_TO_OPEN {
            assert!(breaker.record_failure() == Decision::Retry);
        }
        assert!(breaker.record_failure() == Decision::Wait);
    }

    #[tokio::test(start_paused = true)]
    async fn backoffs_that_last_for_ever_open_the_breaker_as_others_do() {
        let breaker = CircuitBreaker::new(21, Duration::MAX, Duration::MAX, Duration::MAX);
        open(&breaker);
    }

    #[tokio::test(start_paused = true)]
    async fn an_open_breaker_admits_one_probe_at_a_time_and_all_after_a_success() {
        let breaker = Arc::new(CircuitBreaker::new(
            21,
            Duration::ZERO,
            BASE,
            Duration::from_secs(1000),
        ));
        open(&breaker);
        let passed = Arc::new(AtomicUsize::new(0));
        for _ in 0..100 {
            let (breaker, passed) = (Arc::clone(&breaker), Arc::clone(&passed));
            tokio::spawn(async move {
                breaker.wait_for_turn().await;
                passed.fetch_add(1, Ordering::SeqCst);
            });
        }
        sleep(BASE - Duration::from_millis(1)).await;
        assert_eq!(passed.load(Ordering::SeqCst), 0, "the first pause");
        sleep(Duration::from_secs(30)).await;
        // 50 ms, 100, 200, 400, 800, 1.6 s, and then every 2 s.
        let probes = passed.load(Ordering::SeqCst);
        assert!((15..=22).contains(&probes), "{probes}");
        breaker.record_success();
        sleep(Duration::from_millis(1)).await;
        assert_eq!(passed.load(Ordering::SeqCst), 100);
        breaker.wait_for_turn().await;
    }

    #[tokio::test(start_paused = true)]
    async fn one_success_between_failures_keeps_it_closed() {
        let breaker = CircuitBreaker::new(21, Duration::ZERO, BASE, Duration::from_secs(1000));
        for _ in 0..10 {
            for _ in 1..FAILURES_TO_OPEN {
                assert!(breaker.record_failure() == Decision::Retry);
            }
            breaker.record_success();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn jobs_give_up_when_it_has_been_open_for_too_long() {
        let breaker = CircuitBreaker::new(21, Duration::ZERO, BASE, Duration::from_secs(100));
        open(&breaker);
        for _ in 0..99 {
            sleep(Duration::from_secs(1)).await;
            assert!(breaker.record_failure() == Decision::Wait);
        }
        sleep(Duration::from_secs(1)).await;
        breaker.wait_for_turn().await;
        assert!(breaker.record_failure() == Decision::GiveUp);
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_without_requests_is_forgotten() {
        let breaker = CircuitBreaker::new(21, Duration::ZERO, BASE, Duration::from_secs(100));
        open(&breaker);
        sleep(Duration::from_secs(3600)).await;
        open(&breaker);
    }

    #[tokio::test(start_paused = true)]
    async fn jobs_give_up_after_a_backoff_that_outlasts_the_limit() {
        let breaker = CircuitBreaker::new(21, Duration::ZERO, BASE, Duration::from_secs(100));
        open(&breaker);
        sleep(Duration::from_secs(5)).await;
        assert!(breaker.record_failure() == Decision::Wait);
        sleep(Duration::from_secs(100)).await;
        breaker.wait_for_turn().await;
        assert!(breaker.record_failure() == Decision::GiveUp);
    }

    #[tokio::test(start_paused = true)]
    async fn jobs_that_start_after_the_limit_are_tried_once() {
        let breaker = CircuitBreaker::new(21, Duration::ZERO, BASE, Duration::from_secs(100));
        open(&breaker);
        for _ in 0..99 {
            sleep(Duration::from_secs(1)).await;
            assert!(breaker.record_failure() == Decision::Wait);
        }
        for _ in 0..20 {
            sleep(Duration::from_secs(9)).await;
            assert!(breaker.record_failure() == Decision::GiveUp);
        }
        sleep(breaker.forget_after).await;
        open(&breaker);
    }

    #[tokio::test(start_paused = true)]
    async fn the_attempts_of_one_job_do_not_open_it() {
        let breaker = CircuitBreaker::new(100, Duration::ZERO, BASE, Duration::from_secs(100));
        for _ in 0..100 {
            assert!(breaker.record_failure() == Decision::Retry);
        }
        assert!(breaker.record_failure() == Decision::Wait);
    }
}
