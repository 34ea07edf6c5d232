//! Schedules of a worker pool's end: it waits for what is under way, and for what that begins, and for nothing else.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize as Count;

use shuttle::future::{block_on, yield_now};

use super::{Hands, Share, Shared};
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{JoinHandle, Notify, chance, draw, explore, spawn};

/// A worker pool without threads: only what it counts.
fn hands() -> Hands {
    Hands(Arc::new(Shared {
        seats: Box::new([]),
        next: AtomicUsize::new(0),
        under_way: AtomicUsize::new(0),
        idle: Notify::new(),
    }))
}

/// Begins a task as the worker pool does; some begin others, as an upload that is dropped begins its abort.
fn begin(hands: &Hands, working: &Arc<Count>, depth: usize) -> JoinHandle<()> {
    let share = Share::take(hands);
    working.fetch_add(1, Ordering::Relaxed);
    let (hands, working) = (hands.clone(), Arc::clone(working));
    spawn(async move {
        let _share = share;
        let work = Work(working);
        yield_now().await;
        if depth > 0 && chance(2) {
            drop(begin(&hands, &work.0, depth - 1));
        }
        yield_now().await;
    })
}

struct Work(Arc<Count>);

impl Drop for Work {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn the_end_waits_for_all() {
    let hands = hands();
    let working = Arc::new(Count::new(0));
    let tasks: Vec<_> = (0..draw(4)).map(|_| begin(&hands, &working, 2)).collect();
    let ends = (0..2).map(|_| {
        let (hands, working) = (hands.clone(), Arc::clone(&working));
        spawn(async move {
            hands.idle().await;
            assert_eq!(
                working.load(Ordering::Relaxed),
                0,
                "are under way at the end"
            );
        })
    });
    let ends: Vec<_> = ends.collect();
    drop(tasks);
    for end in ends {
        block_on(end).unwrap();
    }
}

#[test]
fn end() {
    explore(
        "the end of a worker_pool waits for all",
        the_end_waits_for_all,
    );
}
