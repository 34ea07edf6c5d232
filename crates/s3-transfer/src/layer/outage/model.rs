//! Schedules of the gate: failures and successes that meet, and those who wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use shuttle::future::block_on;

use super::{FAILURES, News, Outage};
use crate::sync::{JoinHandle, advance, chance, draw, explore, spawn};

const BASE: Duration = Duration::from_millis(50);

fn gate() -> Arc<Outage> {
    Arc::new(Outage::new(
        1,
        Duration::ZERO,
        BASE,
        Duration::from_secs(1000),
    ))
}

fn closed() -> Arc<Outage> {
    let outage = gate();
    for _ in 0..FAILURES {
        outage.fails();
    }
    assert!(outage.turn().is_some());
    outage
}

fn wait_for(tasks: Vec<JoinHandle<()>>) {
    for task in tasks {
        let _ = block_on(task);
    }
}

/// The clock stands, so only the news can wake them.
fn a_success_lets_all_through() {
    let outage = closed();
    let waiters = (0..1 + draw(3)).map(|_| {
        let outage = Arc::clone(&outage);
        spawn(async move { outage.pass().await })
    });
    let tasks: Vec<_> = waiters.collect();
    if chance(3) {
        tasks[0].abort();
    }
    outage.works();
    wait_for(tasks);
}

fn one_goes_at_a_time() {
    let outage = closed();
    let passed = Arc::new(AtomicUsize::new(0));
    let waiters = (0..2 + draw(2)).map(|_| {
        let (outage, passed) = (Arc::clone(&outage), Arc::clone(&passed));
        spawn(async move {
            outage.pass().await;
            passed.fetch_add(1, Ordering::Relaxed);
        })
    });
    let tasks: Vec<_> = waiters.collect();
    advance(BASE);
    shuttle::thread::yield_now();
    assert!(passed.load(Ordering::Relaxed) <= 1, "one pause, one probe");
    outage.works();
    wait_for(tasks);
}

/// Whatever has met before: a success that nothing follows leaves an open gate, and nobody waits.
fn a_success_opens_the_gate() {
    let outage = gate();
    let tasks = (0..2 + draw(3)).map(|_| {
        let outage = Arc::clone(&outage);
        spawn(async move {
            for _ in 0..=draw(FAILURES as usize) {
                if chance(4) {
                    outage.works();
                } else if outage.fails() == News::Wait && chance(2) {
                    outage.pass().await;
                }
            }
        })
    });
    let mut tasks: Vec<_> = tasks.collect();
    if chance(3) {
        tasks[0].abort();
    }
    while !tasks.is_empty() {
        // Whoever waits is let through, again and again.
        outage.works();
        tasks.retain(|task| !task.is_finished());
        shuttle::thread::yield_now();
    }
    outage.works();
    assert!(outage.lock().is_none(), "the gate is closed");
}

#[test]
fn news() {
    explore("a success lets all through", a_success_lets_all_through);
}

#[test]
fn probes() {
    explore("one goes at a time", one_goes_at_a_time);
}

#[test]
fn success() {
    explore("a success opens the gate", a_success_opens_the_gate);
}
