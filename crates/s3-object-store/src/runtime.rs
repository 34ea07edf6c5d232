//! Runtime of a store's transfers: its own worker threads or the caller's runtime.

use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::{io, thread};

use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt};
use s3_core::{Error, ErrorKind, Operation, Result};
use s3_transfer::{Transfer, WorkerPool};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};

/// Default maximum number of threads. 8: more than the network of one process needs.
const MOST_THREADS: usize = 8;

/// The threads that the transfers of a store run on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Threads {
    /// One thread per processor, at most 8.
    #[default]
    Default,
    Own(NonZeroUsize),
    /// The threads of the runtime that polls.
    Callers,
}

/// The engine of a store and its threads. Clone is a reference count.
#[derive(Clone, Debug)]
pub(crate) struct Runtime(Arc<RuntimeInner>);

#[derive(Debug)]
struct RuntimeInner {
    transfer: Transfer,
    pool: Option<WorkerPool>,
}

/// A task that is cancelled when its handle is dropped.
struct CancelOnDrop<T>(JoinHandle<T>);

impl<T> Drop for CancelOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Runtime {
    pub(crate) fn start(transfer: Transfer, threads: Threads) -> io::Result<Self> {
        let count = match threads {
            Threads::Callers => None,
            Threads::Own(count) => Some(count),
            Threads::Default => {
                let count = thread::available_parallelism().map_or(1, usize::from);
                NonZeroUsize::new(count.min(MOST_THREADS))
            }
        };
        let pool = count.map(|count| WorkerPool::start(count, "s3-object-store"));
        let pool = pool.transpose()?;
        Ok(Self(Arc::new(RuntimeInner { transfer, pool })))
    }

    pub(crate) fn transfer(&self) -> &Transfer {
        &self.0.transfer
    }

    /// Runs `work`. Dropping the future cancels it.
    pub(crate) async fn run<T, F>(&self, work: impl FnOnce(Transfer) -> F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let work = work(self.0.transfer.clone());
        let Some(pool) = &self.0.pool else {
            return work.await;
        };
        let mut task = CancelOnDrop(pool.spawn(work));
        let ended = (&mut task.0).await;
        ended.unwrap_or_else(|failure| Err(lost(failure)))
    }

    /// Returns a stream that reads `items` on the threads of the store, starting with the first poll. Dropping it
    /// cancels them.
    pub(crate) fn stream<T>(
        &self,
        items: impl Stream<Item = Result<T>> + Send + 'static,
    ) -> BoxStream<'static, Result<T>>
    where
        T: Send + 'static,
    {
        if self.0.pool.is_none() {
            return items.boxed();
        }
        let runtime = self.clone();
        let started = async move { runtime.start_stream(items) };
        stream::once(started).flatten().boxed()
    }

    fn start_stream<T: Send + 'static>(
        self,
        items: impl Stream<Item = Result<T>> + Send + 'static,
    ) -> impl Stream<Item = Result<T>> + Send {
        let (sender, receiver) = mpsc::channel(1);
        let work = async move {
            let mut items = pin!(items);
            while let Some(item) = items.next().await {
                if sender.send(item).await.is_err() {
                    return;
                }
            }
        };
        let pool = self.0.pool.as_ref().expect("its stream has started");
        let task = CancelOnDrop(pool.spawn(work));
        // The last field of the state keeps the threads running.
        stream::unfold(Some((receiver, task, self)), |state| async move {
            let (mut receiver, mut task, runtime) = state?;
            if let Some(item) = receiver.recv().await {
                return Some((item, Some((receiver, task, runtime))));
            }
            // A failed task must not look like the end of the stream.
            let failure = (&mut task.0).await.err()?;
            Some((Err(lost(failure)), None))
        })
    }

    /// Drops a value on a thread of the store, which owns the connections: a dropped upload is aborted there.
    pub(crate) fn drop_there(&self, value: impl Send + 'static) {
        if let Some(pool) = &self.0.pool {
            drop(pool.spawn(async move { drop(value) }));
        }
    }
}

/// Returns the error of a task that was cancelled because its threads stopped; resumes its panic.
fn lost(failure: JoinError) -> Error {
    match failure.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => Error::new(ErrorKind::Cancelled, Operation::Get)
            .with_message("the threads of the store were shut down"),
    }
}
