//! [`PoolJoinSet`]: a `JoinSet` that distributes its tasks over all threads of the current worker pool.

use std::future::Future;
use std::task::{Context, Poll};

use super::pool_handle::{PoolHandle, TaskGuard};
use crate::sync::{JoinError, JoinSet};

/// Tasks that belong together, such as the parts of one object. Dropping the set cancels them.
///
/// As [`JoinSet`], but if the set is created on a thread of a pool, its tasks go to the threads of that pool in turn,
/// even if they are spawned elsewhere later.
pub(crate) struct PoolJoinSet<T> {
    tasks: JoinSet<T>,
    pool: Option<PoolHandle>,
}

impl<T: Send + 'static> PoolJoinSet<T> {
    pub(crate) fn new() -> Self {
        Self {
            tasks: JoinSet::new(),
            pool: PoolHandle::current(),
        }
    }

    /// Spawns a task on the next thread.
    pub(crate) fn spawn(&mut self, work: impl Future<Output = T> + Send + 'static) {
        let next = self.pool.as_ref().map_or(0, PoolHandle::next_index);
        self.spawn_on(next, work);
    }

    /// Spawns a task on thread `index` modulo the number of threads; on this runtime outside a pool.
    pub(crate) fn spawn_on(
        &mut self,
        index: usize,
        work: impl Future<Output = T> + Send + 'static,
    ) {
        match &self.pool {
            Some(pool) => {
                let task = TaskGuard::new(pool);
                let work = async move {
                    let _task = task;
                    work.await
                };
                self.tasks.spawn_on(work, pool.runtime(index));
            }
            None => drop(self.tasks.spawn(work)),
        }
    }

    /// Waits for a task to complete; `None` if the set is empty.
    ///
    /// # Errors
    ///
    /// As [`JoinSet::join_next`]: the task has panicked, or its runtime was shut down.
    pub(crate) async fn join_next(&mut self) -> Option<Result<T, JoinError>> {
        self.tasks.join_next().await
    }

    /// Polls for a task that has completed; see [`join_next`](Self::join_next).
    pub(crate) fn poll_join_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<T, JoinError>>> {
        self.tasks.poll_join_next(cx)
    }

    pub(crate) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Cancels all tasks, which end on their threads.
    pub(crate) fn abort_all(&mut self) {
        self.tasks.abort_all();
    }

    /// Cancels all tasks and waits until they have ended.
    pub(crate) async fn shutdown(&mut self) {
        self.tasks.shutdown().await;
    }
}
