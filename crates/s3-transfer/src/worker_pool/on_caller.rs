//! [`OnCaller`]: runs the future of a blocking call on the calling thread instead of a thread of the worker pool.
//!
//! Work on a thread of the pool costs two thread switches, which is half of the time of a small request to a server
//! nearby. So a pool has one more runtime, without a thread: the calls of one caller at a time use it. It runs only
//! during these calls; tasks that they start for later, such as the abort of an upload, run on the pool.

use std::fmt;
use std::future::{Future, poll_fn};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::process;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use s3_core::background::{Background, set_background};
use s3_core::blocking_io::{allow_blocking_io, forbid_blocking_io};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::time::{Instant, Sleep, sleep_until};

use super::pool::WorkerPool;
use super::pool_handle::PoolHandle;

/// Time for which a caller polls its work before its thread sleeps. 100 µs: a response on loopback takes about 40, and
/// sleeping and waking up costs 30 more. Servers farther away are polled rarely, see [`MOST_SKIPPED`].
const POLLED: Duration = Duration::from_micros(100);

/// Minimum number of polls, even on a busy machine.
const MIN_POLLS: usize = 16;

/// Maximum number of waits in a row that are not polled, after several that were polled without success. 16: then
/// polling costs 6 µs per wait.
const MOST_SKIPPED: u32 = 16;

/// Runtime of a pool for calls that run on the calling thread. One caller at a time uses it.
#[derive(Default)]
pub(super) struct CallerRuntime {
    /// `None` if it could not be created.
    runtime: OnceLock<Option<Runtime>>,
    /// Timer that ends the next wait. It lasts longer than many calls, because setting a timer costs a system call.
    tick: Mutex<Option<Pin<Box<Sleep>>>>,
    /// Number of the next waits that are not polled.
    skipped: AtomicU32,
    /// Number of waits that were skipped last; 0 after one that ended while it was polled.
    last_skipped: AtomicU32,
    in_use: AtomicBool,
}

impl CallerRuntime {
    /// Returns the runtime, unless another caller uses it.
    fn take(&self) -> Option<RuntimeInUse<'_>> {
        if self.in_use.swap(true, Ordering::Acquire) {
            return None;
        }
        let make = || Builder::new_current_thread().enable_all().build().ok();
        let runtime = self.runtime.get_or_init(make).as_ref();
        // If there is no runtime, it stays marked as in use.
        runtime.map(|runtime| RuntimeInUse {
            runtime,
            callers: self,
        })
    }

    /// Returns whether the next wait is polled.
    fn polls(&self) -> bool {
        let skipped = self.skipped.load(Ordering::Relaxed);
        self.skipped
            .store(skipped.saturating_sub(1), Ordering::Relaxed);
        skipped == 0
    }

    /// Decides how many waits are skipped after one that was polled.
    fn polled(&self, has_ended: bool) {
        let last = self.last_skipped.load(Ordering::Relaxed);
        let next = match has_ended {
            true => 0,
            false => (2 * last).clamp(1, MOST_SKIPPED),
        };
        self.last_skipped.store(next, Ordering::Relaxed);
        self.skipped.store(next, Ordering::Relaxed);
    }

    /// Shuts the runtime down without waiting for its blocking threads.
    pub(super) fn shut_down(&mut self) {
        let tick = self.tick.get_mut().unwrap_or_else(PoisonError::into_inner);
        *tick = None;
        if let Some(runtime) = self.runtime.take().flatten() {
            runtime.shutdown_background();
        }
    }

    /// Leaks the runtime, which belongs to another process.
    pub(super) fn leak(&mut self) {
        mem::forget((mem::take(&mut self.tick), self.runtime.take()));
    }
}

struct RuntimeInUse<'p> {
    runtime: &'p Runtime,
    callers: &'p CallerRuntime,
}

impl RuntimeInUse<'_> {
    /// Drives `work` for at most `limit`, or less if an earlier wait has set the timer.
    async fn poll_for<F: Future>(
        &self,
        limit: Duration,
        mut work: Pin<&mut F>,
    ) -> Option<F::Output> {
        let end = Instant::now() + limit;
        if let Poll::Ready(output) = poll_once(work.as_mut()).await {
            return Some(output);
        }
        if self.callers.polls() {
            let asleep = Instant::now() + POLLED.min(limit);
            let mut polls = 0;
            while polls < MIN_POLLS || Instant::now() < asleep {
                // Lets the runtime poll its sockets.
                tokio::task::yield_now().await;
                if let Poll::Ready(output) = poll_once(work.as_mut()).await {
                    self.callers.polled(true);
                    return Some(output);
                }
                polls += 1;
            }
            self.callers.polled(false);
        }
        let earlier = self.tick().take();
        let mut tick = earlier.unwrap_or_else(|| Box::pin(sleep_until(end)));
        if tick.deadline() <= Instant::now() || tick.deadline() > end {
            tick.as_mut().reset(end);
        }
        let output = poll_fn(|cx| match work.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => tick.as_mut().poll(cx).map(|()| None),
        })
        .await;
        *self.tick() = Some(tick);
        output
    }

    fn tick(&self) -> MutexGuard<'_, Option<Pin<Box<Sleep>>>> {
        let tick = self.callers.tick.lock();
        tick.unwrap_or_else(PoisonError::into_inner)
    }
}

async fn poll_once<F: Future>(mut work: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await
}

impl Drop for RuntimeInUse<'_> {
    fn drop(&mut self) {
        self.callers.in_use.store(false, Ordering::Release);
    }
}

/// Work that is polled on the thread that waits for it. Dropping it cancels the work.
///
/// In a forked child nothing of the work is run or dropped.
pub struct OnCaller<'p, F: Future> {
    /// Dropped inside the runtime.
    work: Option<Pin<Box<F>>>,
    runtime: RuntimeInUse<'p>,
    pool: &'p PoolHandle,
    process: u32,
}

impl WorkerPool {
    /// Prepares `work` to be polled by this thread. It may wait for tasks of the pool.
    ///
    /// The output must not depend on connections that the work has opened: they are served only during the work.
    ///
    /// # Errors
    ///
    /// Returns `work` if another caller polls, or if this thread runs asynchronous code.
    pub fn on_caller<F: Future>(&self, work: F) -> Result<OnCaller<'_, F>, F> {
        if Handle::try_current().is_ok() {
            return Err(work);
        }
        let (pool, callers) = self.handle_and_callers();
        match callers.take() {
            Some(runtime) => Ok(OnCaller {
                work: Some(Box::pin(work)),
                runtime,
                pool,
                process: self.process(),
            }),
            None => Err(work),
        }
    }
}

impl<F: Future> OnCaller<'_, F> {
    /// Polls the work for at most `limit`, and returns its output, once.
    ///
    /// # Errors
    ///
    /// The panic of the work, which has then ended.
    ///
    /// # Panics
    ///
    /// After the output or a panic was returned. It must not be called in a forked child.
    pub fn wait(&mut self, limit: Duration) -> thread::Result<Option<F::Output>> {
        debug_assert_eq!(self.process, process::id(), "the work belongs to a parent");
        let work = self.work.as_mut().expect("the work is not over");
        let runtime = &self.runtime;
        let scope = CallerScope::enter(self.pool);
        let polled = catch_unwind(AssertUnwindSafe(|| {
            runtime.runtime.block_on(async {
                // Lets the runtime poll its sockets, for events since the last call.
                tokio::task::yield_now().await;
                runtime.poll_for(limit, work.as_mut()).await
            })
        }));
        drop(scope);
        if !matches!(polled, Ok(None)) {
            self.drop_work();
        }
        polled
    }

    fn drop_work(&mut self) {
        let _scope = CallerScope::enter(self.pool);
        let _entered = self.runtime.runtime.enter();
        drop(self.work.take());
    }
}

impl<F: Future> Drop for OnCaller<'_, F> {
    fn drop(&mut self) {
        match self.work {
            None => {}
            Some(_) if self.process == process::id() => self.drop_work(),
            Some(_) => mem::forget(self.work.take()),
        }
    }
}

impl<F: Future> fmt::Debug for OnCaller<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnCaller")
            .field("is_over", &self.work.is_none())
            .finish_non_exhaustive()
    }
}

/// Marks this thread as one of the pool's, except for tasks that outlive the call.
struct CallerScope;

impl CallerScope {
    fn enter(pool: &PoolHandle) -> Self {
        PoolHandle::set_current(Some(pool.clone()));
        set_background(Some(Rc::new(OnPool(pool.clone()))));
        allow_blocking_io();
        Self
    }
}

impl Drop for CallerScope {
    fn drop(&mut self) {
        forbid_blocking_io();
        set_background(None);
        PoolHandle::set_current(None);
    }
}

/// Spawns background tasks on the first thread of the pool.
struct OnPool(PoolHandle);

impl Background for OnPool {
    fn enter(&self, start: &mut dyn FnMut()) {
        let _entered = self.0.runtime(0).enter();
        start();
    }
}

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests {
    use std::num::NonZeroUsize;
    use std::sync::mpsc;
    use std::thread::ThreadId;

    use s3_core::blocking_io::blocking_io_allowed;

    use super::*;
    use crate::worker_pool::{PoolJoinSet, spawn_detached};

    const LONG: Duration = Duration::from_secs(30);

    fn start() -> WorkerPool {
        WorkerPool::start(NonZeroUsize::MIN, "on-caller-test").unwrap()
    }

    fn wait<F: Future>(pool: &WorkerPool, work: F) -> F::Output {
        let Ok(mut work) = pool.on_caller(work) else {
            panic!("another caller polls");
        };
        work.wait(LONG).unwrap().unwrap()
    }

    /// Returns the ID of the thread that polls the future.
    fn whoami() -> impl Future<Output = ThreadId> + Send + 'static {
        poll_fn(|_| Poll::Ready(thread::current().id()))
    }

    #[test]
    fn work_runs_on_the_calling_thread_and_its_tasks_run_on_the_pool() {
        let pool = start();
        let worker = pool.run(whoami());
        let (here, part, detached) = wait(&pool, async {
            assert!(blocking_io_allowed());
            let mut parts = PoolJoinSet::new();
            parts.spawn(whoami());
            let part = parts.join_next().await.unwrap().unwrap();
            let detached = spawn_detached(whoami()).unwrap().await.unwrap();
            (whoami().await, part, detached)
        });
        assert_eq!(here, thread::current().id());
        assert_eq!((part, detached), (worker, worker));
        assert!(!blocking_io_allowed());
    }

    #[test]
    fn one_caller_at_a_time_and_none_inside_asynchronous_code() {
        let pool = start();
        let mut first = pool.on_caller(std::future::pending::<()>()).ok().unwrap();
        assert!(first.wait(Duration::from_millis(1)).unwrap().is_none());
        assert!(pool.on_caller(async {}).is_err());
        drop(first);
        let inside = wait(&pool, async { pool.on_caller(async {}).is_err() });
        assert!(inside);
    }

    #[test]
    fn work_continues_after_the_limit() {
        let pool = start();
        let sleep = async { tokio::time::sleep(Duration::from_millis(20)).await };
        let mut work = pool.on_caller(sleep).ok().unwrap();
        assert!(work.wait(Duration::from_millis(1)).unwrap().is_none());
        assert!(work.wait(LONG).unwrap().is_some());
    }

    /// Returns whether work is polled that nothing wakes.
    fn is_polled(pool: &WorkerPool) -> bool {
        let mut polls = 0;
        let work = poll_fn(|_| {
            polls += 1;
            match polls > MIN_POLLS {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        });
        let mut work = pool.on_caller(work).expect("no other thread calls");
        matches!(work.wait(Duration::from_millis(1)), Ok(Some(())))
    }

    #[test]
    fn a_wait_is_polled_unless_those_before_were_too_long() {
        let pool = start();
        let mut never = pool.on_caller(std::future::pending::<()>()).ok().unwrap();
        assert!(never.wait(Duration::from_millis(1)).unwrap().is_none());
        drop(never);
        // One is skipped, then polling works, and continues.
        let polled: Vec<_> = (0..4).map(|_| is_polled(&pool)).collect();
        assert_eq!(polled, [false, true, true, true]);
        let waits = |count| {
            let mut never = pool.on_caller(std::future::pending::<()>()).ok().unwrap();
            for _ in 0..count {
                assert!(never.wait(Duration::from_millis(1)).unwrap().is_none());
            }
        };
        // 1 and 1 skipped, 1 and 2, 1 and 4, 1 and 8, 1 and 16, and so on.
        waits(2 + 3 + 5 + 9);
        waits(1);
        assert!((0..16).all(|_| !is_polled(&pool)));
        assert!(is_polled(&pool));
    }

    /// Starts work when it is dropped, as an upload does.
    struct Upload(mpsc::Sender<ThreadId>);

    impl Drop for Upload {
        fn drop(&mut self) {
            assert!(Handle::try_current().is_ok());
            let aborted = self.0.clone();
            let abort = async move { aborted.send(whoami().await).unwrap() };
            assert!(spawn_detached(abort).is_some());
        }
    }

    #[test]
    fn cancelled_work_aborts_its_uploads_on_the_pool() {
        let pool = start();
        let worker = pool.run(whoami());
        let (send, aborted) = mpsc::channel();
        let upload = Upload(send);
        let work = async move {
            let _upload = upload;
            std::future::pending::<()>().await;
        };
        let mut work = pool.on_caller(work).ok().unwrap();
        assert!(work.wait(Duration::from_millis(1)).unwrap().is_none());
        drop(work);
        assert_eq!(aborted.recv_timeout(LONG), Ok(worker));
    }

    #[test]
    fn a_panic_ends_the_work_and_the_next_call_runs() {
        let pool = start();
        let mut work = pool
            .on_caller(async { panic!("out of patience") })
            .ok()
            .unwrap();
        assert!(work.wait(LONG).is_err());
        drop(work);
        assert!(!blocking_io_allowed());
        assert_eq!(wait(&pool, async { 1 }), 1);
    }
}
