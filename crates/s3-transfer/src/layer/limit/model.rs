//! Shuttle tests of the concurrency controller: attempts start, end, fail and are cancelled while the limit changes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use s3_core::Retryability;
use shuttle::future::{block_on, yield_now};

use super::Controller;
use super::controller::Permit;
use crate::Concurrency;
use crate::sync::{JoinHandle, advance, chance, draw, explore, spawn};

const THROTTLED: Option<Retryability> = Some(Retryability::Throttled { after: None });

/// The number of attempts in flight.
#[derive(Clone, Default)]
struct InFlightCount(Arc<AtomicUsize>);

impl InFlightCount {
    fn begin(&self, most: usize) -> Self {
        let count = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        assert!(count <= most, "{count} are in flight, {most} are allowed");
        self.clone()
    }

    fn end(self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn some_concurrency() -> Concurrency {
    let max = 1 + draw(5);
    if chance(4) {
        return Concurrency::Fixed(max);
    }
    let start = 1 + draw(max);
    Concurrency::Adaptive { start, max }
}

async fn attempts(controller: Controller) {
    for _ in 0..=draw(2) {
        let permit = if chance(4) {
            controller.try_acquire()
        } else {
            Some(controller.acquire().await)
        };
        let Some(permit) = permit else { continue };
        if chance(2) {
            yield_now().await;
        }
        if chance(4) {
            advance(Duration::from_millis(draw(400) as u64));
        }
        end(permit);
    }
}

fn end(permit: Permit) {
    match draw(6) {
        0 => drop(permit),
        1..3 => permit.report(THROTTLED, 0),
        3 => permit.report(Some(Retryability::Transient), 0),
        _ => permit.report(None, 1 << 20),
    }
}

/// Cancels some of the tasks, and waits for all.
fn cancel_some<T>(tasks: Vec<JoinHandle<T>>) {
    for task in &tasks {
        if chance(4) {
            task.abort();
        }
    }
    for task in tasks {
        let _ = block_on(task);
    }
}

fn wait_for(tasks: Vec<JoinHandle<()>>) {
    for task in tasks {
        block_on(task).unwrap();
    }
}

fn all_permits_come_back() {
    let controller = Controller::new(some_concurrency());
    let tasks = (0..2 + draw(4)).map(|_| spawn(attempts(controller.clone())));
    cancel_some(tasks.collect());
    let level = controller.limit();
    let permits: Vec<_> = std::iter::from_fn(|| controller.try_acquire()).collect();
    assert_eq!(permits.len(), level, "to be had, at that level");
}

/// Attempts with all permits end concurrently, and one of them lowers the level. From then on no more attempts than the
/// level are in flight, and every waiting attempt gets a permit.
fn a_lower_level_holds() {
    let count = 2 + draw(3);
    let controller = Controller::new(Concurrency::Adaptive {
        start: count,
        max: count,
    });
    let held: Vec<_> = (0..count).map(|_| controller.try_acquire()).collect();
    let waiting = (0..draw(3)).map(|_| {
        let controller = controller.clone();
        spawn(async move { drop(controller.acquire().await) })
    });
    let waiting: Vec<_> = waiting.collect();
    let ending = held.into_iter().flatten().enumerate().map(|(n, permit)| {
        spawn(async move {
            match n {
                0 => permit.report(THROTTLED, 0),
                _ => drop(permit),
            }
        })
    });
    let ending = ending.collect();
    cancel_some(waiting);
    wait_for(ending);
    let level = controller.limit();
    assert!(level < count);
    let in_flight = InFlightCount::default();
    let tasks = (0..=level).map(|_| {
        let (controller, in_flight) = (controller.clone(), in_flight.clone());
        spawn(async move {
            let permit = controller.acquire().await;
            let one = in_flight.begin(level);
            yield_now().await;
            one.end();
            permit.report(Some(Retryability::Transient), 0);
        })
    });
    wait_for(tasks.collect());
}

#[test]
fn permits() {
    explore("all permits come back", all_permits_come_back);
}

#[test]
fn level() {
    explore("a lower level holds", a_lower_level_holds);
}
