//! Shuttle tests of a worker pool's shutdown: it waits for tasks in flight and the tasks that they spawn.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use shuttle::future::{block_on, yield_now};

use super::pool_handle::{PoolHandle, TaskGuard};
use crate::sync::{JoinHandle, chance, draw, explore, spawn};

/// Spawns a task as a pool does. Some tasks spawn others, as a dropped upload spawns its abort.
fn start(pool: &PoolHandle, running: &Arc<AtomicUsize>, depth: usize) -> JoinHandle<()> {
    let task = TaskGuard::new(pool);
    running.fetch_add(1, Ordering::Relaxed);
    let (pool, running) = (pool.clone(), Arc::clone(running));
    spawn(async move {
        let _task = task;
        let work = Running(running);
        yield_now().await;
        if depth > 0 && chance(2) {
            drop(start(&pool, &work.0, depth - 1));
        }
        yield_now().await;
    })
}

struct Running(Arc<AtomicUsize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn shutdown_waits_for_all_tasks() {
    let pool = PoolHandle::new(Vec::new());
    let running = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..draw(4)).map(|_| start(&pool, &running, 2)).collect();
    let threads = (0..2).map(|_| {
        let (pool, running) = (pool.clone(), Arc::clone(&running));
        spawn(async move {
            pool.idle().await;
            assert_eq!(running.load(Ordering::Relaxed), 0, "tasks are in flight");
        })
    });
    let threads: Vec<_> = threads.collect();
    drop(tasks);
    for thread in threads {
        block_on(thread).unwrap();
    }
}

#[test]
fn shutdown() {
    explore("shutdown waits for all tasks", shutdown_waits_for_all_tasks);
}
