//! Shuttle tests of the circuit breaker: concurrent failures and successes, and jobs that wait for a turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use shuttle::future::block_on;

use super::{CircuitBreaker, Decision, FAILURES_TO_OPEN};
use crate::sync::{JoinHandle, advance, chance, draw, explore, spawn};

const BASE: Duration = Duration::from_millis(50);

fn closed_breaker() -> Arc<CircuitBreaker> {
    Arc::new(CircuitBreaker::new(
        1,
        Duration::ZERO,
        BASE,
        Duration::from_secs(1000),
    ))
}

fn open_breaker() -> Arc<CircuitBreaker> {
    let breaker = closed_breaker();
    for _ in 0..FAILURES_TO_OPEN {
        breaker.record_failure();
    }
    assert!(breaker.try_probe().is_some());
    breaker
}

fn wait_for(tasks: Vec<JoinHandle<()>>) {
    for task in tasks {
        let _ = block_on(task);
    }
}

/// Time stands still, so only the success can wake the waiters.
fn a_success_admits_all() {
    let breaker = open_breaker();
    let waiters = (0..1 + draw(3)).map(|_| {
        let breaker = Arc::clone(&breaker);
        spawn(async move { breaker.wait_for_turn().await })
    });
    let tasks: Vec<_> = waiters.collect();
    if chance(3) {
        tasks[0].abort();
    }
    breaker.record_success();
    wait_for(tasks);
}

fn one_probe_is_admitted_at_a_time() {
    let breaker = open_breaker();
    let passed = Arc::new(AtomicUsize::new(0));
    let waiters = (0..2 + draw(2)).map(|_| {
        let (breaker, passed) = (Arc::clone(&breaker), Arc::clone(&passed));
        spawn(async move {
            breaker.wait_for_turn().await;
            passed.fetch_add(1, Ordering::Relaxed);
        })
    });
    let tasks: Vec<_> = waiters.collect();
    advance(BASE);
    shuttle::thread::yield_now();
    assert!(
        passed.load(Ordering::Relaxed) <= 1,
        "one interval, one probe"
    );
    breaker.record_success();
    wait_for(tasks);
}

/// After any schedule, a success that no failure follows closes the breaker, and no job waits.
fn a_last_success_closes_it() {
    let breaker = closed_breaker();
    let tasks = (0..2 + draw(3)).map(|_| {
        let breaker = Arc::clone(&breaker);
        spawn(async move {
            for _ in 0..=draw(FAILURES_TO_OPEN as usize) {
                if chance(4) {
                    breaker.record_success();
                } else if breaker.record_failure() == Decision::Wait && chance(2) {
                    breaker.wait_for_turn().await;
                }
            }
        })
    });
    let mut tasks: Vec<_> = tasks.collect();
    if chance(3) {
        tasks[0].abort();
    }
    while !tasks.is_empty() {
        // Admits the waiters, as often as they wait.
        breaker.record_success();
        tasks.retain(|task| !task.is_finished());
        shuttle::thread::yield_now();
    }
    breaker.record_success();
    assert!(breaker.lock().is_none(), "the breaker is open");
}

#[test]
fn recovery() {
    explore("a success admits all", a_success_admits_all);
}

#[test]
fn probes() {
    explore(
        "one probe is admitted at a time",
        one_probe_is_admitted_at_a_time,
    );
}

#[test]
fn success() {
    explore(
        "a last success closes the breaker",
        a_last_success_closes_it,
    );
}
