//! Schedules of the watch: attempts that come while the task that looks is going away.

use std::future::pending;
use std::time::Duration;

use s3_core::{Operation, Result};
use shuttle::future::yield_now;
use tower::Layer;

use super::{Place, StallFuture, StallTimeoutLayer, Watch};
use crate::mark::Mark;
use crate::sync::{advance, chance, draw, explore, spawn};

const LIMIT: Duration = Duration::from_secs(4);

async fn attempt(watch: Watch, stalls: bool) {
    let work = async move {
        if stalls {
            pending::<()>().await;
        }
        for _ in 0..draw(3) {
            yield_now().await;
        }
        Result::Ok(())
    };
    let place = Place {
        mark: Mark::default(),
        progress: None,
        moved: None,
        operation: Operation::Get,
        limit: LIMIT,
    };
    let ended = StallFuture {
        attempt: work,
        place,
        watch,
        entry: None,
    };
    // Time may end an attempt that would have moved; what never moves is ended by nothing else.
    assert!(ended.await.is_err() || !stalls);
}

fn whoever_stands_still_is_ended() {
    let watch = StallTimeoutLayer(LIMIT).layer(()).watch;
    let mut tasks = Vec::new();
    for _ in 0..2 + draw(3) {
        tasks.push(spawn(attempt(watch.clone(), chance(2))));
        if chance(2) {
            advance(LIMIT / 4);
        }
    }
    // Time goes on until all have come to an end, which takes for ever if nobody looks.
    while tasks.iter().any(|task| !task.is_finished()) {
        advance(LIMIT / 4);
    }
    // The task that looks finds nobody, and goes.
    while watch.lock().awake {
        advance(LIMIT / 4);
    }
}

#[test]
fn watch() {
    explore(
        "whoever stands still is ended",
        whoever_stands_still_is_ended,
    );
}
