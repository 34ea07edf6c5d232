//! Threads of the engine's own: each with its own single-threaded runtime, and nothing but transfers on it.
//!
//! What runs on a thread of a [`WorkerPool`] spreads by itself: the lanes of a fan-out and the parts of an object go to all
//! threads of that worker pool. What runs on somebody else's runtime stays there. So there is nothing to configure, and no
//! handle to carry: the thread knows its worker pool.
//!
//! ```text
//! caller ──run──► thread 0: the call ──► lane 0     on each thread: one runtime, its own sockets, its own timers,
//!                 thread 1:          ──► lane 1     local files read and written in place
//! ```
//!
//! A worker pool ends in the background when it is dropped, wherever that is: its threads go on for a moment while there is
//! work under way, such as the abort of an upload, and nobody waits for them.

pub(crate) mod rest;

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{AbortHandle, JoinError, JoinHandle, JoinSet, Notify, try_spawn};

/// How long the threads of a dropped worker pool go on for what is under way. 5 s: an abort is one request, and a server that
/// has not answered by then is slow or gone.
const LAST_WORDS: Duration = Duration::from_secs(5);

thread_local! {
    /// The worker pool that this thread belongs to.
    static MINE: RefCell<Option<Hands>> = const { RefCell::new(None) };
}

/// A set of threads that run transfers and nothing else. Dropping it ends them in the background.
pub struct WorkerPool {
    hands: Hands,
    /// The threads end when it is dropped.
    _working: watch::Sender<()>,
}

impl WorkerPool {
    /// Starts `threads` threads, which are called `name`.
    ///
    /// # Errors
    ///
    /// If the system gives no thread, or no means to wait for sockets. No thread stays behind then.
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
        let (working, end) = watch::channel(());
        let mut starting = Vec::new();
        for _ in 0..threads.get() {
            starting.push(start_thread(name, end.clone())?);
        }
        let mut seats = Vec::new();
        let mut welcomes = Vec::new();
        for (handle, welcome) in starting {
            let runtime = handle.recv().map_err(io::Error::other)??;
            seats.push(Seat {
                runtime,
                calls: AtomicUsize::new(0),
            });
            welcomes.push(welcome);
        }
        let hands = Hands(Arc::new(Shared {
            seats: seats.into(),
            next: AtomicUsize::new(0),
            under_way: AtomicUsize::new(0),
            idle: Notify::new(),
        }));
        for welcome in welcomes {
            // A thread waits for nothing else before it works.
            let _ = welcome.send(hands.clone());
        }
        Ok(Self {
            hands,
            _working: working,
        })
    }

    /// Returns how many threads there are.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.hands.threads()
    }

    /// Begins `work` on the thread with the fewest calls; on the first one if nothing is under way, where the
    /// connections are warm. Dropping the handle does not end the work.
    pub fn spawn<F>(&self, work: F) -> tokio::task::JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let seats = &self.hands.0.seats;
        let calls = |index: &usize| seats[*index].calls.load(Ordering::Relaxed);
        let index = (0..seats.len()).min_by_key(calls).unwrap_or_default();
        let call = Call::begin(&self.hands, index);
        seats[index].runtime.spawn(async move {
            let _call = call;
            work.await
        })
    }

    /// Runs `work` on the worker pool and waits for it, blocking this thread.
    ///
    /// # Panics
    ///
    /// Inside asynchronous code, where a thread must not block; and with the panic of `work`.
    pub fn run<F>(&self, work: F) -> F::Output
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let task = self.spawn(work);
        match self.hands.0.seats[0].runtime.block_on(task) {
            Ok(output) => output,
            Err(failure) => match failure.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => {
                    unreachable!("the threads live as long as the worker_pool, which is borrowed")
                }
            },
        }
    }

    /// Runs something short on the calling thread that waits for the worker pool's tasks, blocking this thread.
    ///
    /// # Panics
    ///
    /// Inside asynchronous code.
    pub fn wait_for<F: Future>(&self, work: F) -> F::Output {
        self.hands.0.seats[0].runtime.block_on(work)
    }
}

impl fmt::Debug for WorkerPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WorkerPool").field(&self.threads()).finish()
    }
}

type Starting = (mpsc::Receiver<io::Result<Handle>>, mpsc::Sender<Hands>);

/// Starts a thread: it tells how to reach it, learns who the others are, and works until the end.
fn start_thread(name: &str, end: watch::Receiver<()>) -> io::Result<Starting> {
    let (tell, told) = mpsc::channel();
    let (welcome, welcomed) = mpsc::channel::<Hands>();
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            let mut builder = Builder::new_current_thread();
            let runtime = match rest::count(builder.enable_all()).build() {
                Ok(runtime) => runtime,
                Err(error) => return drop(tell.send(Err(error))),
            };
            s3_core::blocking_io::allow_blocking_io();
            // Nobody listens, or nobody welcomes, if another thread could not be started.
            if tell.send(Ok(runtime.handle().clone())).is_err() {
                return;
            }
            let Ok(hands) = welcomed.recv() else {
                return;
            };
            MINE.set(Some(hands.clone()));
            runtime.block_on(work_until(end, hands));
            MINE.set(None);
            runtime.shutdown_background();
        })?;
    Ok((told, welcome))
}

async fn work_until(mut end: watch::Receiver<()>, hands: Hands) {
    // Nothing is ever sent: this ends when the worker pool is dropped.
    while end.changed().await.is_ok() {}
    if timeout(LAST_WORDS, hands.idle()).await.is_err() {
        tracing::warn!("a client ends with transfers under way");
    }
}

/// How to reach the threads of a worker pool. Clone is a reference count; it does not keep the threads.
#[derive(Clone)]
pub(crate) struct Hands(Arc<Shared>);

struct Shared {
    seats: Box<[Seat]>,
    /// Where the next part goes.
    next: AtomicUsize,
    /// Tasks on all threads that have not ended.
    under_way: AtomicUsize,
    idle: Notify,
}

struct Seat {
    runtime: Handle,
    /// Calls under way on this thread.
    calls: AtomicUsize,
}

impl Hands {
    /// Returns the worker pool of this thread.
    pub(crate) fn mine() -> Option<Self> {
        MINE.with_borrow(Clone::clone)
    }

    pub(crate) fn threads(&self) -> usize {
        self.0.seats.len()
    }

    async fn idle(&self) {
        loop {
            let idle = self.0.idle.notified();
            if self.0.under_way.load(Ordering::Acquire) == 0 {
                return;
            }
            idle.await;
        }
    }

    /// Returns the runtime of a thread, counted round.
    fn runtime(&self, index: usize) -> &Handle {
        &self.0.seats[index % self.threads()].runtime
    }
}

/// One task under way. The threads of a dropped worker pool wait for it.
struct Share(Hands);

impl Share {
    fn take(hands: &Hands) -> Self {
        hands.0.under_way.fetch_add(1, Ordering::Relaxed);
        Self(hands.clone())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if self.0.0.under_way.fetch_sub(1, Ordering::Release) == 1 {
            self.0.0.idle.notify_waiters();
        }
    }
}

/// One call under way on one thread.
struct Call {
    share: Share,
    index: usize,
}

impl Call {
    fn begin(hands: &Hands, index: usize) -> Self {
        hands.0.seats[index].calls.fetch_add(1, Ordering::Relaxed);
        Self {
            share: Share::take(hands),
            index,
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let seat = &self.share.0.0.seats[self.index];
        seat.calls.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Work that goes on without its caller; returns `None` outside a runtime, where nothing can go on.
///
/// On a worker pool's thread it goes on for a moment after the worker pool's end as well.
pub(crate) fn in_background<F>(work: F) -> Option<JoinHandle<F::Output>>
where
    F: Future<Output: Send> + Send + 'static,
{
    match Hands::mine() {
        Some(hands) => {
            let share = Share::take(&hands);
            try_spawn(async move {
                let _share = share;
                work.await
            })
        }
        None => try_spawn(work),
    }
}

/// Tasks that belong together, such as the parts of one object. Dropping it ends them.
///
/// As [`JoinSet`], but on a worker pool's thread the tasks go to all threads of the worker pool in turn.
pub(crate) struct PartSet<T> {
    tasks: JoinSet<T>,
    worker_pool: Option<Hands>,
}

impl<T: Send + 'static> PartSet<T> {
    pub(crate) fn new() -> Self {
        Self {
            tasks: JoinSet::new(),
            worker_pool: Hands::mine().filter(|hands| hands.threads() > 1),
        }
    }

    /// Begins a task, on the next thread.
    pub(crate) fn spawn(&mut self, work: impl Future<Output = T> + Send + 'static) -> AbortHandle {
        match &self.worker_pool {
            Some(hands) => {
                let next = hands.0.next.fetch_add(1, Ordering::Relaxed);
                self.spawn_on(next, work)
            }
            None => self.spawn_on(0, work),
        }
    }

    /// Begins a task on a thread of its choice, counted round; on this runtime if it is nobody's worker pool.
    pub(crate) fn spawn_on(
        &mut self,
        thread: usize,
        work: impl Future<Output = T> + Send + 'static,
    ) -> AbortHandle {
        match &self.worker_pool {
            Some(hands) => {
                let share = Share::take(hands);
                let work = async move {
                    let _share = share;
                    work.await
                };
                self.tasks.spawn_on(work, hands.runtime(thread))
            }
            None => self.tasks.spawn(work),
        }
    }

    /// Waits for a task to end; `None` if there is none.
    ///
    /// # Errors
    ///
    /// As [`JoinSet::join_next`]: the task has panicked, or its runtime is gone.
    pub(crate) async fn join_next(&mut self) -> Option<Result<T, JoinError>> {
        self.tasks.join_next().await
    }

    /// [`PartSet::join_next`] for code that polls.
    pub(crate) fn poll_join_next(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<T, JoinError>>> {
        self.tasks.poll_join_next(cx)
    }

    pub(crate) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Ends all tasks and waits until they are gone.
    pub(crate) async fn shutdown(&mut self) {
        self.tasks.shutdown().await;
    }
}

#[cfg(test)]
#[cfg(shuttle)]
mod model;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Instant;

    use super::*;

    fn worker_pool(threads: usize) -> WorkerPool {
        WorkerPool::start(NonZeroUsize::new(threads).unwrap(), "worker_pool-test").unwrap()
    }

    #[test]
    fn parts_go_to_all_threads_and_may_wait_for_files_there() {
        let seen = worker_pool(3).run(async {
            let mut parts = PartSet::new();
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
    fn calls_in_turn_stay_on_the_first_thread_and_calls_at_once_do_not() {
        let worker_pool = worker_pool(2);
        let whoami = || async { thread::current().id() };
        assert_eq!(worker_pool.run(whoami()), worker_pool.run(whoami()));
        let busy = worker_pool.spawn(std::future::pending::<()>());
        let first = worker_pool.spawn(async { thread::current().id() });
        let first = worker_pool.wait_for(first).unwrap();
        busy.abort();
        assert!(worker_pool.wait_for(busy).is_err());
        assert_ne!(worker_pool.run(whoami()), first);
    }

    #[test]
    fn what_is_under_way_when_the_crew_is_dropped_comes_to_its_end() {
        let (done, is_done) = mpsc::channel();
        let worker_pool = worker_pool(2);
        worker_pool.run(async move {
            in_background(async move {
                tokio::time::sleep(Duration::from_millis(50)).await;
                done.send(()).unwrap();
            });
        });
        let start = Instant::now();
        drop(worker_pool);
        assert!(
            start.elapsed() < Duration::from_millis(50),
            "dropping it must not wait"
        );
        is_done
            .recv_timeout(Duration::from_secs(5))
            .expect("it goes on after the drop");
    }

    #[test]
    fn a_dropped_set_of_parts_is_ended_on_all_threads() {
        let alive = Arc::new(());
        let held = Arc::clone(&alive);
        let worker_pool = worker_pool(2);
        worker_pool.run(async move {
            let mut parts = PartSet::new();
            for _ in 0..4 {
                let held = Arc::clone(&held);
                parts.spawn(async move {
                    let _held = held;
                    std::future::pending::<()>().await;
                });
            }
            tokio::task::yield_now().await;
        });
        worker_pool.run(async {
            let hands = Hands::mine().unwrap();
            while hands.0.under_way.load(Ordering::Relaxed) > 1 {
                tokio::task::yield_now().await;
            }
        });
        assert_eq!(Arc::strong_count(&alive), 1);
    }

    #[test]
    fn a_panic_goes_on_in_the_caller() {
        let worker_pool = worker_pool(1);
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            worker_pool.run(async { panic!("out of patience") });
        }));
        assert!(ended.is_err());
        assert_eq!(worker_pool.run(async { 1 }), 1);
    }
}
