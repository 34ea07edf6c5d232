//! Shuttle tests: the stall monitor ends every stalled attempt, even one added while its scanning task is ending.

use std::future::pending;
use std::time::Duration;

use shuttle::future::yield_now;

use super::{StallMonitor, until_stalled};
use crate::sync::{advance, chance, draw, explore, spawn};

const TIMEOUT: Duration = Duration::from_secs(4);

async fn attempt(monitor: StallMonitor, stalls: bool) {
    let work = async move {
        if stalls {
            pending::<()>().await;
        }
        for _ in 0..draw(3) {
            yield_now().await;
        }
    };
    let ended = until_stalled(&monitor, TIMEOUT, None, work).await;
    // A slow schedule may end a moving attempt too; a stalled one is ended only by the monitor.
    assert!(ended.is_none() || !stalls);
}

fn stalled_attempts_end() {
    let monitor = StallMonitor::new(TIMEOUT);
    let mut tasks = Vec::new();
    for _ in 0..2 + draw(3) {
        tasks.push(spawn(attempt(monitor.clone(), chance(2))));
        if chance(2) {
            advance(TIMEOUT / 4);
        }
    }
    // Time passes until all have ended. Without a scan, that takes forever.
    while tasks.iter().any(|task| !task.is_finished()) {
        advance(TIMEOUT / 4);
    }
    // The task that scans finds no attempt, and ends.
    while !monitor.lock().scanned.is_empty() {
        advance(TIMEOUT / 4);
    }
}

#[test]
fn monitor() {
    explore("stalled attempts end", stalled_attempts_end);
}
