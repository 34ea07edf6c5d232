//! [`PoolHandle`]: spawns tasks on a pool's threads; guards count its calls and tasks.

use std::cell::RefCell;
use std::future::Future;
use std::sync::Arc;

use s3_core::background::in_background;
use tokio::runtime::Handle;

use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{JoinHandle, Notify, try_spawn};

thread_local! {
    /// The pool of this thread.
    static CURRENT_POOL: RefCell<Option<PoolHandle>> = const { RefCell::new(None) };
}

/// A handle to the threads of a pool. Clone is a reference count; it does not keep the threads running.
#[derive(Clone)]
pub(crate) struct PoolHandle(Arc<PoolState>);

struct PoolState {
    workers: Box<[Worker]>,
    /// The thread of the next task.
    next: AtomicUsize,
    /// Tasks in flight on all threads.
    tasks: AtomicUsize,
    idle: Notify,
}

/// One thread of a pool.
pub(super) struct Worker {
    runtime: Handle,
    /// Calls in flight on this thread.
    calls: AtomicUsize,
}

impl Worker {
    pub(super) fn new(runtime: Handle) -> Self {
        Self {
            runtime,
            calls: AtomicUsize::new(0),
        }
    }
}

impl PoolHandle {
    pub(super) fn new(workers: Vec<Worker>) -> Self {
        Self(Arc::new(PoolState {
            workers: workers.into(),
            next: AtomicUsize::new(0),
            tasks: AtomicUsize::new(0),
            idle: Notify::new(),
        }))
    }

    /// Returns the pool of this thread.
    pub(crate) fn current() -> Option<Self> {
        CURRENT_POOL.with_borrow(Clone::clone)
    }

    pub(super) fn set_current(pool: Option<Self>) {
        CURRENT_POOL.set(pool);
    }

    pub(crate) fn threads(&self) -> usize {
        self.0.workers.len()
    }

    /// Returns the runtime of thread `index` modulo the number of threads.
    pub(super) fn runtime(&self, index: usize) -> &Handle {
        &self.0.workers[index % self.threads()].runtime
    }

    /// Returns the index of the thread for the next task, to be taken modulo the number of threads.
    pub(super) fn next_index(&self) -> usize {
        self.0.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Waits until no task is in flight.
    pub(super) async fn idle(&self) {
        loop {
            let idle = self.0.idle.notified();
            if self.0.tasks.load(Ordering::Acquire) == 0 {
                return;
            }
            idle.await;
        }
    }

    /// Returns whether this thread belongs to the pool.
    pub(super) fn is_current(&self) -> bool {
        CURRENT_POOL.with_borrow(|current| {
            let current = current.as_ref();
            current.is_some_and(|current| Arc::ptr_eq(&current.0, &self.0))
        })
    }

    /// Returns how many tasks are in flight.
    pub(super) fn tasks(&self) -> usize {
        self.0.tasks.load(Ordering::Acquire)
    }
}

/// A task in flight. The threads of a dropped pool wait for it.
pub(super) struct TaskGuard(PoolHandle);

impl TaskGuard {
    pub(super) fn new(pool: &PoolHandle) -> Self {
        pool.0.tasks.fetch_add(1, Ordering::Relaxed);
        Self(pool.clone())
    }
}

impl Drop for TaskGuard {
    fn drop(&mut self) {
        if self.0.0.tasks.fetch_sub(1, Ordering::Release) == 1 {
            self.0.0.idle.notify_waiters();
        }
    }
}

/// A call in flight on one thread.
pub(super) struct CallGuard {
    task: TaskGuard,
    index: usize,
}

impl CallGuard {
    /// Chooses the thread with the fewest calls.
    pub(super) fn on_least_busy(pool: &PoolHandle) -> Self {
        let workers = &pool.0.workers;
        let calls = |index: &usize| workers[*index].calls.load(Ordering::Relaxed);
        let index = (0..workers.len()).min_by_key(calls).unwrap_or_default();
        workers[index].calls.fetch_add(1, Ordering::Relaxed);
        Self {
            task: TaskGuard::new(pool),
            index,
        }
    }

    pub(super) fn runtime(&self) -> &Handle {
        self.task.0.runtime(self.index)
    }
}

impl Drop for CallGuard {
    fn drop(&mut self) {
        let worker = &self.task.0.0.workers[self.index];
        worker.calls.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Spawns work that continues without its caller. Returns `None` outside a runtime.
///
/// On a pool's thread it continues after the pool is dropped, for up to the shutdown's grace period.
pub(crate) fn spawn_detached<F>(work: F) -> Option<JoinHandle<F::Output>>
where
    F: Future<Output: Send> + Send + 'static,
{
    match PoolHandle::current() {
        Some(pool) => {
            let task = TaskGuard::new(&pool);
            in_background(|| {
                try_spawn(async move {
                    let _task = task;
                    work.await
                })
            })
        }
        None => try_spawn(work),
    }
}
