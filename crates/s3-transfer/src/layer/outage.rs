//! One gate for all retries of a client: while everything fails, few ask, and the rest wait for their news.
//!
//! Backoff alone lets every job find out for itself that the server is down, again and again: 64 of them made 727
//! requests in vain in 30 seconds, and those that have waited longest come back last. So the jobs of a client share what
//! they know. When [`FAILURES`] attempts in a row have failed and none has succeeded in between, whatever they were for,
//! the gate closes. From then on one retry is let through at a time, as a probe, with a pause that doubles from the
//! base of the backoff to [`LONGEST`]. The first attempt that succeeds, or that the server refuses, which takes a server
//! that works, opens the gate for all.
//!
//! While the gate is closed, attempts are not counted, and they are not paid for out of the budget: the gate itself
//! is what bounds them. What is bounded instead is the time: an outage that lasts longer than all backoffs of
//! one job at their longest ends the jobs with their last error, so nobody waits longer than without a gate. What begins
//! after that is tried once, so that a batch of thousands does not wait for each of its inputs.
//!
//! First attempts pass by: they are made once per job, and are as good as a probe.

use std::sync::PoisonError;
use std::time::Duration;

use crate::sync::atomic::{AtomicU32, Ordering};
use crate::sync::{Instant, Mutex, MutexGuard, Notify, sleep_until};

/// Failures in a row that make an outage, and always more than one job makes by itself (21 by default). A server that
/// fails nine requests in ten at random gets there once in thirty rows.
const FAILURES: u32 = if cfg!(shuttle) { 2 } else { 32 };

/// An outage that nobody has heard of for so much longer than an attempt can stand still is over: whoever waited has
/// gone. Five times the pause between probes.
const FORGOTTEN: Duration = Duration::from_secs(10);

/// The longest pause between probes: a server that works again is found out within this time.
const LONGEST: Duration = Duration::from_secs(2);

/// What the jobs of a client know about the server.
#[derive(Debug)]
pub(super) struct Outage {
    /// Failures since the last success.
    failures: AtomicU32,
    closed: Mutex<Option<Closed>>,
    opened: Notify,
    /// Failures in a row that close the gate.
    most: u32,
    /// Without news for so long, it is over.
    forgotten: Duration,
    shortest: Duration,
    patience: Duration,
}

/// The state of a closed gate.
#[derive(Clone, Copy, Debug)]
struct Closed {
    /// When patience ends.
    until: Instant,
    /// When something was heard of the outage last.
    last: Instant,
    /// When the next one may go.
    next: Instant,
    pause: Duration,
}

/// What a job whose attempt has failed is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// The failure is the job's own affair.
    None,
    /// Everything fails; wait at the gate.
    Wait,
    /// Everything has failed for too long.
    GiveUp,
}

impl Outage {
    /// Returns an open gate for jobs of so many attempts, of which each may stand still for `stall`. Probes begin with
    /// the pause `shortest`; an outage may last for `patience`.
    pub(super) fn new(
        attempts: u32,
        stall: Duration,
        shortest: Duration,
        patience: Duration,
    ) -> Self {
        Self {
            failures: AtomicU32::new(0),
            closed: Mutex::new(None),
            opened: Notify::new(),
            most: FAILURES.max(attempts.saturating_add(1)),
            forgotten: stall.saturating_add(FORGOTTEN),
            shortest: shortest.clamp(Duration::from_millis(1), LONGEST),
            patience,
        }
    }

    /// Notes that the server works.
    pub(super) fn works(&self) {
        // Every success comes here: a read of what nobody else writes meanwhile costs next to nothing.
        if self.failures.load(Ordering::Acquire) == 0 {
            return;
        }
        let mut closed = self.lock();
        self.failures.store(0, Ordering::Release);
        if closed.take().is_some() {
            drop(closed);
            tracing::info!("the server answers again");
            self.opened.notify_waiters();
        }
    }

    /// Notes a failure without any progress.
    pub(super) fn fails(&self) -> News {
        let failures = self
            .failures
            .fetch_add(1, Ordering::AcqRel)
            .saturating_add(1);
        if failures < self.most {
            return News::None;
        }
        let mut closed = self.lock();
        // A success in between has found no gate to open, and would pass by one that is closed after it.
        if self.failures.load(Ordering::Acquire) < self.most {
            return News::None;
        }
        let now = Instant::now();
        let gate = match &mut *closed {
            Some(gate) if now.saturating_duration_since(gate.last) >= self.forgotten => {
                *closed = None;
                self.failures.store(1, Ordering::Release);
                return News::None;
            }
            Some(gate) => gate,
            None => {
                tracing::warn!(failures, "nothing succeeds; waiting for the server");
                closed.insert(Closed {
                    until: now + self.patience,
                    last: now,
                    next: now + self.shortest,
                    pause: self.shortest,
                })
            }
        };
        gate.last = now;
        if now < gate.until {
            News::Wait
        } else {
            News::GiveUp
        }
    }

    /// Waits until the gate is open, or until it is this one's turn to probe.
    pub(super) async fn pass(&self) {
        loop {
            let opened = self.opened.notified();
            let Some(next) = self.turn() else {
                return;
            };
            tokio::select! {
                () = sleep_until(next) => {}
                () = opened => {}
            }
        }
    }

    /// Takes the turn if it is due; returns when to ask again if not.
    fn turn(&self) -> Option<Instant> {
        let mut closed = self.lock();
        let gate = closed.as_mut()?;
        let now = Instant::now();
        if now >= gate.until {
            // Each makes its last attempt, and hears then that it was the last, however long its own wait was.
            gate.last = now;
            return None;
        }
        if now < gate.next {
            return Some(gate.next.min(gate.until));
        }
        gate.last = now;
        gate.pause = (gate.pause * 2).min(LONGEST);
        gate.next = now + gate.pause;
        None
    }

    fn lock(&self) -> MutexGuard<'_, Option<Closed>> {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner)
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

    fn failing(outage: &Outage) {
        for _ in 1..FAILURES {
            assert!(outage.fails() == News::None);
        }
        assert!(outage.fails() == News::Wait);
    }

    #[tokio::test(start_paused = true)]
    async fn the_gate_lets_one_through_at_a_time_and_all_when_something_succeeds() {
        let outage = Arc::new(Outage::new(
            21,
            Duration::ZERO,
            BASE,
            Duration::from_secs(1000),
        ));
        failing(&outage);
        let passed = Arc::new(AtomicUsize::new(0));
        for _ in 0..100 {
            let (outage, passed) = (Arc::clone(&outage), Arc::clone(&passed));
            tokio::spawn(async move {
                outage.pass().await;
                passed.fetch_add(1, Ordering::SeqCst);
            });
        }
        sleep(BASE - Duration::from_millis(1)).await;
        assert_eq!(passed.load(Ordering::SeqCst), 0, "the first pause");
        sleep(Duration::from_secs(30)).await;
        // 50 ms, 100, 200, 400, 800, 1.6 s, and then every 2 s.
        let probes = passed.load(Ordering::SeqCst);
        assert!((15..=22).contains(&probes), "{probes}");
        outage.works();
        sleep(Duration::from_millis(1)).await;
        assert_eq!(passed.load(Ordering::SeqCst), 100);
        outage.pass().await;
    }

    #[tokio::test(start_paused = true)]
    async fn one_success_in_between_is_no_outage() {
        let outage = Outage::new(21, Duration::ZERO, BASE, Duration::from_secs(1000));
        for _ in 0..10 {
            for _ in 1..FAILURES {
                assert!(outage.fails() == News::None);
            }
            outage.works();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn patience_has_an_end() {
        let outage = Outage::new(21, Duration::ZERO, BASE, Duration::from_secs(100));
        failing(&outage);
        for _ in 0..99 {
            sleep(Duration::from_secs(1)).await;
            assert!(outage.fails() == News::Wait);
        }
        sleep(Duration::from_secs(1)).await;
        outage.pass().await;
        assert!(outage.fails() == News::GiveUp);
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_that_nobody_waits_for_is_forgotten() {
        let outage = Outage::new(21, Duration::ZERO, BASE, Duration::from_secs(100));
        failing(&outage);
        sleep(Duration::from_secs(3600)).await;
        failing(&outage);
    }

    #[tokio::test(start_paused = true)]
    async fn patience_has_an_end_for_those_who_wait_long_too() {
        let outage = Outage::new(21, Duration::ZERO, BASE, Duration::from_secs(100));
        failing(&outage);
        sleep(Duration::from_secs(5)).await;
        assert!(outage.fails() == News::Wait);
        sleep(Duration::from_secs(100)).await;
        outage.pass().await;
        assert!(outage.fails() == News::GiveUp);
    }

    #[tokio::test(start_paused = true)]
    async fn what_begins_after_patience_has_ended_is_tried_once_as_long_as_it_goes_on() {
        let outage = Outage::new(21, Duration::ZERO, BASE, Duration::from_secs(100));
        failing(&outage);
        for _ in 0..99 {
            sleep(Duration::from_secs(1)).await;
            assert!(outage.fails() == News::Wait);
        }
        for _ in 0..20 {
            sleep(Duration::from_secs(9)).await;
            assert!(outage.fails() == News::GiveUp);
        }
        sleep(outage.forgotten).await;
        failing(&outage);
    }

    #[tokio::test(start_paused = true)]
    async fn one_job_with_many_attempts_makes_no_outage() {
        let outage = Outage::new(100, Duration::ZERO, BASE, Duration::from_secs(100));
        for _ in 0..100 {
            assert!(outage.fails() == News::None);
        }
        assert!(outage.fails() == News::Wait);
    }
}
