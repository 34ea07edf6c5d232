//! Models of tokio tasks and `JoinSet` for shuttle tests.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use shuttle::future::AbortHandle;
use tokio::runtime::Handle;

thread_local! {
    static WORKERS: Cell<usize> = const { Cell::new(1) };
}

/// ID of a runtime. A model has only one.
pub(crate) type RuntimeId = u8;

/// Returns the ID of the model's runtime.
pub(crate) fn runtime_id() -> RuntimeId {
    0
}

/// Returns the number of threads of the model. Tasks may run concurrently in any case.
pub(crate) fn workers() -> usize {
    WORKERS.get()
}

#[cfg(test)]
pub(crate) fn set_workers(count: usize) {
    WORKERS.set(count);
}

/// Spawns a task.
pub(crate) fn spawn<F>(work: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    JoinHandle(shuttle::future::spawn(work))
}

/// As [`spawn`], because a model always runs in a runtime.
pub(crate) fn try_spawn<F>(work: F) -> Option<JoinHandle<F::Output>>
where
    F: Future<Output: Send> + Send + 'static,
{
    Some(spawn(work))
}

/// Handle of a spawned task. Dropping it does not cancel the task.
#[derive(Debug)]
pub(crate) struct JoinHandle<T>(shuttle::future::JoinHandle<T>);

impl<T> JoinHandle<T> {
    pub(crate) fn abort(&self) {
        self.0.abort();
    }

    #[cfg(test)]
    pub(crate) fn is_finished(&self) -> bool {
        self.0.is_finished()
    }

    fn abort_handle(&self) -> AbortHandle {
        self.0.abort_handle()
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map_err(JoinError)
    }
}

/// Error of a task that was cancelled. A panic ends the whole model.
#[derive(Debug)]
pub(crate) struct JoinError(shuttle::future::JoinError);

impl JoinError {
    pub(crate) fn try_into_panic(self) -> Result<Box<dyn Any + Send>, Self> {
        Err(self)
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for JoinError {}

/// A set of tasks, which are aborted when it is dropped.
#[derive(Debug)]
pub(crate) struct JoinSet<T>(Vec<JoinHandle<T>>);

impl<T> JoinSet<T> {
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn abort_all(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

impl<T: Send + 'static> JoinSet<T> {
    pub(crate) fn spawn(&mut self, work: impl Future<Output = T> + Send + 'static) -> AbortHandle {
        let task = spawn(work);
        let handle = task.abort_handle();
        self.0.push(task);
        handle
    }

    /// Ignores the handle, because a model has only one runtime.
    pub(crate) fn spawn_on(
        &mut self,
        work: impl Future<Output = T> + Send + 'static,
        _: &Handle,
    ) -> AbortHandle {
        self.spawn(work)
    }

    pub(crate) fn poll_join_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<T, JoinError>>> {
        for index in 0..self.0.len() {
            if let Poll::Ready(done) = Pin::new(&mut self.0[index]).poll(cx) {
                self.0.swap_remove(index);
                return Poll::Ready(Some(done));
            }
        }
        if self.0.is_empty() {
            return Poll::Ready(None);
        }
        Poll::Pending
    }

    pub(crate) async fn join_next(&mut self) -> Option<Result<T, JoinError>> {
        poll_fn(|cx| self.poll_join_next(cx)).await
    }

    pub(crate) async fn shutdown(&mut self) {
        self.abort_all();
        while self.join_next().await.is_some() {}
    }
}

impl<T> Drop for JoinSet<T> {
    fn drop(&mut self) {
        self.abort_all();
    }
}
