//! [`WorkerPool`]: starts the threads, runs calls on them, and shuts them down.

use std::fmt;
use std::future::Future;
use std::io;
use std::num::NonZeroUsize;
use std::ops::Deref;
use std::process;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::time::timeout;

use super::idle_time;
use super::on_caller::CallerRuntime;
use super::pool_handle::{CallGuard, PoolHandle, Worker};

/// Maximum time that the threads of a dropped pool run for tasks in flight. 5 s: an abort is one request, and a server
/// that has not responded by then is slow or unavailable.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// A set of threads that run only transfers.
///
/// Dropping it shuts them down. If tasks are in flight, such as the aborts of cancelled uploads, the drop waits for
/// them for up to 5 s, so that the program may exit right after it; otherwise it returns at once. It does not wait on a
/// thread of the pool, nor in a forked child, which has no copy of the threads.
pub struct WorkerPool {
    handle: PoolHandle,
    callers: CallerRuntime,
    /// The threads shut down when this is dropped.
    running: Option<watch::Sender<()>>,
    /// Disconnects when all threads have ended.
    ended: Mutex<mpsc::Receiver<()>>,
    process: u32,
}

impl WorkerPool {
    /// Starts `threads` threads called `name`.
    ///
    /// # Errors
    ///
    /// If a thread or its runtime cannot be created. Threads that were already started end.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::num::NonZeroUsize;
    /// use s3_transfer::WorkerPool;
    ///
    /// let pool = WorkerPool::start(NonZeroUsize::MIN, "transfers")?;
    /// assert_eq!(pool.run(async { 6 * 7 }), 42);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn start(threads: NonZeroUsize, name: &str) -> io::Result<Self> {
        let (running, shutdown) = watch::channel(());
        let (end, ended) = mpsc::channel();
        // Created here and not by the threads, so that no caller waits for them.
        let make = |_| ThreadRuntime::new();
        let runtimes: Vec<_> = (0..threads.get()).map(make).collect::<io::Result<_>>()?;
        let worker = |runtime: &ThreadRuntime| Worker::new(runtime.handle().clone());
        let pool = PoolHandle::new(runtimes.iter().map(worker).collect());
        for runtime in runtimes {
            start_thread(name, runtime, pool.clone(), shutdown.clone(), end.clone())?;
        }
        Ok(Self {
            handle: pool,
            callers: CallerRuntime::default(),
            running: Some(running),
            ended: Mutex::new(ended),
            process: process::id(),
        })
    }

    /// Returns the number of threads.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.handle.threads()
    }

    /// Spawns `work` on the thread with the fewest calls. If the pool is idle, that is the first thread, whose
    /// connections are warm. Dropping the handle does not cancel the work.
    pub fn spawn<F>(&self, work: F) -> tokio::task::JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let call = CallGuard::on_least_busy(&self.handle);
        call.runtime().clone().spawn(async move {
            let _call = call;
            work.await
        })
    }

    /// Runs `work` on the pool and blocks this thread until it completes.
    ///
    /// # Panics
    ///
    /// Inside asynchronous code, and with the panic of `work`.
    pub fn run<F>(&self, work: F) -> F::Output
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let task = self.spawn(work);
        match self.handle.runtime(0).block_on(task) {
            Ok(output) => output,
            Err(failure) => match failure.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => unreachable!("the pool is borrowed, so its threads run"),
            },
        }
    }

    /// Polls `work` on this thread, and blocks until it completes. `work` may wait for tasks of the pool.
    ///
    /// # Panics
    ///
    /// Inside asynchronous code.
    pub fn wait_for<F: Future>(&self, work: F) -> F::Output {
        self.handle.runtime(0).block_on(work)
    }

    /// Returns the id of the process that has started the threads.
    pub(super) fn process(&self) -> u32 {
        self.process
    }

    pub(super) fn handle_and_callers(&self) -> (&PoolHandle, &CallerRuntime) {
        (&self.handle, &self.callers)
    }
}

impl Drop for WorkerPool {
    fn drop(&mut self) {
        self.running = None;
        let is_ours = self.process == process::id();
        match is_ours {
            true => self.callers.shut_down(),
            false => self.callers.leak(),
        }
        let has_threads = is_ours && !self.handle.is_current();
        if has_threads && self.handle.tasks() > 0 {
            let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
            let _ = ended.recv_timeout(SHUTDOWN_GRACE);
        }
    }
}

impl fmt::Debug for WorkerPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WorkerPool").field(&self.threads()).finish()
    }
}

/// A runtime that may be dropped in asynchronous code.
struct ThreadRuntime(Option<Runtime>);

impl ThreadRuntime {
    fn new() -> io::Result<Self> {
        let mut builder = Builder::new_current_thread();
        let runtime = idle_time::measure(builder.enable_all()).build()?;
        Ok(Self(Some(runtime)))
    }
}

impl Deref for ThreadRuntime {
    type Target = Runtime;

    fn deref(&self) -> &Runtime {
        self.0.as_ref().expect("it is there until the drop")
    }
}

impl Drop for ThreadRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Starts a thread that drives a runtime until the shutdown. `end` is dropped when the thread has ended.
fn start_thread(
    name: &str,
    runtime: ThreadRuntime,
    pool: PoolHandle,
    shutdown: watch::Receiver<()>,
    end: mpsc::Sender<()>,
) -> io::Result<()> {
    let drive = move || {
        let _end = end;
        idle_time::start();
        s3_core::blocking_io::allow_blocking_io();
        PoolHandle::set_current(Some(pool.clone()));
        runtime.block_on(run_until(shutdown, pool));
        PoolHandle::set_current(None);
        drop(runtime);
    };
    let thread = thread::Builder::new().name(name.to_owned());
    thread.spawn(drive).map(drop)
}

async fn run_until(mut shutdown: watch::Receiver<()>, pool: PoolHandle) {
    // Nothing is sent: the channel closes when the pool is dropped.
    while shutdown.changed().await.is_ok() {}
    if timeout(SHUTDOWN_GRACE, pool.idle()).await.is_err() {
        tracing::warn!("a worker pool was shut down with transfers in flight");
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;
    use std::time::Instant;

    use super::*;
    use crate::worker_pool::{PoolJoinSet, spawn_detached};

    fn start(threads: usize) -> WorkerPool {
        WorkerPool::start(NonZeroUsize::new(threads).unwrap(), "worker-pool-test").unwrap()
    }

    #[test]
    fn parts_run_on_all_threads_which_allow_blocking_io() {
        let seen = start(3).run(async {
            let mut parts = PoolJoinSet::new();
            for _ in 0..6 {
                parts.spawn(async {
                    assert!(s3_core::blocking_io::blocking_io_allowed());
                    thread::current().id()
                });
            }
            let mut seen = Vec::new();
            while let Some(id) = parts.join_next().await {
                seen.push(format!("{:?}", id.unwrap()));
            }
            seen
        });
        assert_eq!(seen.len(), 6);
        assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 3);
    }

    #[test]
    fn tasks_of_a_set_run_on_the_pool_also_if_they_are_spawned_elsewhere() {
        for threads in [1, 2] {
            let pool = start(threads);
            let mut parts = pool.run(async { PoolJoinSet::new() });
            // There is no runtime on this thread.
            parts.spawn(async { s3_core::blocking_io::blocking_io_allowed() });
            assert!(pool.wait_for(parts.join_next()).unwrap().unwrap());
        }
    }

    #[test]
    fn sequential_calls_use_the_first_thread_and_concurrent_calls_do_not() {
        let pool = start(2);
        let whoami = || async { thread::current().id() };
        assert_eq!(pool.run(whoami()), pool.run(whoami()));
        let busy = pool.spawn(std::future::pending::<()>());
        let first = pool.spawn(async { thread::current().id() });
        let first = pool.wait_for(first).unwrap();
        busy.abort();
        assert!(pool.wait_for(busy).is_err());
        assert_ne!(pool.run(whoami()), first);
    }

    #[test]
    fn dropping_the_pool_waits_for_tasks_in_flight() {
        let (done, is_done) = mpsc::channel();
        let pool = start(2);
        pool.run(async move {
            spawn_detached(async move {
                tokio::time::sleep(Duration::from_millis(50)).await;
                done.send(()).unwrap();
            });
        });
        drop(pool);
        assert_eq!(is_done.try_recv(), Ok(()));
    }

    #[test]
    fn dropping_the_pool_on_its_own_thread_or_without_tasks_returns_at_once() {
        let pool = Arc::new(start(1));
        let begin = Instant::now();
        let inner = Arc::clone(&pool);
        pool.run(async move {
            spawn_detached(std::future::pending::<()>());
            tokio::task::yield_now().await;
            drop(inner);
        });
        let (dropped, is_dropped) = mpsc::channel();
        let last = Arc::clone(&pool);
        let task = pool.spawn(async move {
            while Arc::strong_count(&last) > 1 {
                tokio::task::yield_now().await;
            }
            drop(last);
            dropped.send(()).unwrap();
        });
        drop((task, pool));
        is_dropped.recv_timeout(SHUTDOWN_GRACE).unwrap();
        drop(start(1));
        assert!(begin.elapsed() < SHUTDOWN_GRACE);
    }

    #[test]
    fn dropping_a_join_set_cancels_its_tasks_on_all_threads() {
        let alive = Arc::new(());
        let held = Arc::clone(&alive);
        let pool = start(2);
        pool.run(async move {
            let mut parts = PoolJoinSet::new();
            for _ in 0..4 {
                let held = Arc::clone(&held);
                parts.spawn(async move {
                    let _held = held;
                    std::future::pending::<()>().await;
                });
            }
            tokio::task::yield_now().await;
        });
        pool.run(async {
            let handle = PoolHandle::current().unwrap();
            while handle.tasks() > 1 {
                tokio::task::yield_now().await;
            }
        });
        assert_eq!(Arc::strong_count(&alive), 1);
    }

    #[test]
    fn a_panic_resumes_in_the_caller() {
        let pool = start(1);
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            pool.run(async { panic!("out of patience") });
        }));
        assert!(ended.is_err());
        assert_eq!(pool.run(async { 1 }), 1);
    }
}
