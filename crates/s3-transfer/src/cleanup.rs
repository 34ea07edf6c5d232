//! Background cleanup of uploads: counts aborts in flight, waits for them, and runs them again if their runtime ends.
//!
//! They run as detached tasks on the caller's runtime, which owns the connections; [`Transfer::wait_for_cleanup`] waits
//! for them. A runtime that shuts down drops its tasks. An abort that is dropped in this way runs again on a thread of
//! the engine.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;
use tokio::sync::mpsc::error::SendError;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::Transfer;

/// Counts cleanup requests in flight. Clone is a reference count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cleanup(Arc<CleanupState>);

#[derive(Debug, Default)]
struct CleanupState {
    in_flight: AtomicUsize,
    /// Number of uploads that stay on the server because their aborts have failed.
    failed: AtomicUsize,
    idle: Notify,
    /// The engine's own thread, started for the first task that lost its runtime. The number of uploads in flight
    /// bounds its queue.
    thread: Mutex<Option<UnboundedSender<CleanupWork>>>,
}

type CleanupWork = Pin<Box<dyn Future<Output = ()> + Send>>;

/// One cleanup request in flight.
#[derive(Debug)]
pub(crate) struct CleanupGuard(Cleanup);

impl Cleanup {
    /// Counts one request until the guard is dropped.
    pub(crate) fn begin(&self) -> CleanupGuard {
        self.0.in_flight.fetch_add(1, Ordering::Relaxed);
        CleanupGuard(self.clone())
    }

    /// Counts an abort that has failed.
    pub(crate) fn abort_failed(&self) {
        self.0.failed.fetch_add(1, Ordering::Relaxed);
    }

    /// Runs `work` on the engine's own thread. Returns `false` if the thread cannot be started.
    pub(crate) fn run_on_own_thread(
        &self,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> bool {
        let guard = self.begin();
        let work: CleanupWork = Box::pin(async move {
            let _guard = guard;
            work.await;
        });
        let mut thread = self.0.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let unsent = match &*thread {
            Some(running) => match running.send(work) {
                Ok(()) => return true,
                // The thread has panicked.
                Err(SendError(work)) => work,
            },
            None => work,
        };
        *thread = start_thread(new_runtime);
        thread
            .as_ref()
            .is_some_and(|thread| thread.send(unsent).is_ok())
    }

    /// Waits until nothing is in flight, for at most `limit`, and returns how many requests still are.
    async fn wait(&self, limit: Duration) -> usize {
        let idle = async {
            loop {
                let idle = self.0.idle.notified();
                if self.0.in_flight.load(Ordering::Acquire) == 0 {
                    return;
                }
                idle.await;
            }
        };
        match timeout(limit, idle).await {
            Ok(()) => 0,
            Err(_) => self.0.in_flight.load(Ordering::Acquire),
        }
    }
}

impl Drop for CleanupGuard {
    fn drop(&mut self) {
        if self.0.0.in_flight.fetch_sub(1, Ordering::Release) == 1 {
            self.0.0.idle.notify_waiters();
        }
    }
}

fn new_runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// Starts the thread and waits until it has created its runtime, which fails if no file descriptor is free. Returns
/// `None` on failure. The thread ends when the engine is dropped and its work is done.
fn start_thread(
    new_runtime: impl FnOnce() -> io::Result<Runtime> + Send + 'static,
) -> Option<UnboundedSender<CleanupWork>> {
    let (sender, mut receiver) = unbounded_channel::<CleanupWork>();
    let (tell, is_ready) = mpsc::channel();
    let run = move || {
        let Ok(runtime) = new_runtime() else {
            return;
        };
        if tell.send(()).is_err() {
            return;
        }
        runtime.block_on(async move {
            let mut tasks = JoinSet::new();
            while let Some(work) = receiver.recv().await {
                tasks.spawn(work);
            }
            while tasks.join_next().await.is_some() {}
        });
    };
    let started = thread::Builder::new()
        .name("s3-cleanup".to_owned())
        .spawn(run);
    let is_ready = started.is_ok() && is_ready.recv().is_ok();
    is_ready.then_some(sender)
}

impl Transfer {
    /// Waits, for at most `limit`, until every upload that was dropped, cancelled or failed is aborted, and the jobs of
    /// every fan-out that was dropped have ended. Returns how many aborts, responses to CreateMultipartUpload and dropped
    /// fan-outs are still in flight: 0 if no upload is left.
    ///
    /// Call it before the process ends. It sends no requests itself.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use std::time::Duration;
    /// use s3_core::MemoryStore;
    /// use s3_transfer::{Transfer, TransferConfig};
    ///
    /// let transfer = Transfer::new(MemoryStore::new(), TransferConfig::default());
    /// assert_eq!(transfer.wait_for_cleanup(Duration::from_secs(5)).await, 0);
    /// # }
    /// ```
    pub async fn wait_for_cleanup(&self, limit: Duration) -> usize {
        self.cleanup().wait(limit).await
    }

    /// Returns how many uploads stay on the server because their aborts have failed: the server rejected the abort, or
    /// every attempt failed.
    #[must_use]
    pub fn failed_aborts(&self) -> usize {
        self.cleanup().0.failed.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waiting_ends_with_the_last_request_or_at_the_limit() {
        let cleanup = Cleanup::default();
        assert_eq!(cleanup.wait(Duration::ZERO).await, 0);
        let (first, second) = (cleanup.begin(), cleanup.begin());
        assert_eq!(cleanup.wait(Duration::from_secs(1)).await, 2);
        drop(first);
        let waiting = tokio::spawn({
            let cleanup = cleanup.clone();
            async move { cleanup.wait(Duration::from_secs(1)).await }
        });
        tokio::task::yield_now().await;
        drop(second);
        assert_eq!(waiting.await.unwrap(), 0);
    }

    #[test]
    fn work_runs_without_a_runtime_of_the_caller() {
        let cleanup = Cleanup::default();
        let (sender, receiver) = mpsc::channel();
        assert!(cleanup.run_on_own_thread(async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            sender
                .send(thread::current().name().map(str::to_owned))
                .unwrap();
        }));
        let name = receiver.recv_timeout(Duration::from_secs(30)).unwrap();
        assert_eq!(name.as_deref(), Some("s3-cleanup"));
    }

    #[test]
    fn a_thread_without_a_runtime_takes_no_work() {
        let failing = || Err(io::Error::from_raw_os_error(24));
        assert!(start_thread(failing).is_none());
        assert!(start_thread(new_runtime).is_some());
    }

    #[test]
    fn work_runs_on_another_thread_after_one_has_ended() {
        let cleanup = Cleanup::default();
        // Its receiver was dropped, as after a panic of the thread.
        let (ended, _) = unbounded_channel();
        *cleanup.0.thread.lock().unwrap() = Some(ended);
        let (sender, receiver) = mpsc::channel();
        assert!(cleanup.run_on_own_thread(async move { sender.send(()).unwrap() }));
        receiver.recv_timeout(Duration::from_secs(30)).unwrap();
    }
}
