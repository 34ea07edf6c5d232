//! The worker pool of the process: starts it, replaces it after a fork, runs calls on it, and waits without the GIL.

use std::future::Future;
use std::num::NonZeroUsize;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use std::{mem, process, thread};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, join_all};
use pyo3::exceptions::{PyOSError, PyRuntimeError};
use pyo3::prelude::*;
use s3_transfer::WorkerPool;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::timeout;

use crate::python_gate::PythonGate;

/// Interval between checks for signals: Ctrl-C has to act within 100 ms.
pub(crate) const TICK: Duration = Duration::from_millis(50);
/// Maximum time that closing a client waits for cancelled calls, which end at their next await.
const ABORT_WAIT: Duration = Duration::from_secs(5);
/// Maximum number of threads. 8: more than any network of one process needs.
const MOST_THREADS: usize = 8;

/// A function that the notifier runs with the GIL.
pub(crate) type Notification = Box<dyn FnOnce(Python<'_>) + Send>;

/// The pool of a process, which lives as long as the process, and that of its forked child.
struct ProcessPool {
    pool: WorkerPool,
    process: u32,
    /// The thread that reports the completion of asynchronous calls to Python. It starts with the first of them.
    notifier: OnceLock<mpsc::Sender<Notification>>,
    gate: PythonGate,
    /// Calls that were cancelled and may not have ended yet.
    aborted: Mutex<Vec<AbortedCall>>,
    next: OnceLock<Box<Self>>,
}

/// A cancelled call. When it ends, its uploads are dropped, and their aborts are counted from then on.
struct AbortedCall {
    handle: AbortHandle,
    end: Shared<BoxFuture<'static, ()>>,
}

/// It is set while the GIL is held, and so never during a fork.
static FIRST: OnceLock<Box<ProcessPool>> = OnceLock::new();

/// Returns the pool of this process, starting it at the first call. A forked child leaks its parent's pool.
fn current(_: Python<'_>) -> PyResult<&'static ProcessPool> {
    let process = process::id();
    let mut slot = &FIRST;
    loop {
        match slot.get() {
            Some(found) if found.process == process => return Ok(found),
            Some(found) => slot = &found.next,
            None => {
                let pool = start()?;
                let _ = slot.set(Box::new(ProcessPool {
                    pool,
                    process,
                    notifier: OnceLock::new(),
                    gate: PythonGate::default(),
                    aborted: Mutex::default(),
                    next: OnceLock::new(),
                }));
            }
        }
    }
}

fn start() -> PyResult<WorkerPool> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let threads = NonZeroUsize::new(threads.min(MOST_THREADS)).unwrap_or(NonZeroUsize::MIN);
    WorkerPool::start(threads, "mfs3")
        .map_err(|error| PyOSError::new_err(format!("start the threads of mfs3: {error}")))
}

/// Runs `work` on this thread, without the GIL, or on the pool if another thread is already running its own work; calls
/// `tick` every 50 ms. The output must not depend on connections that `work` has opened.
///
/// # Errors
///
/// Errors of `tick` and of signal handlers; the work is then cancelled.
pub(crate) fn run_here<F>(
    py: Python<'_>,
    work: F,
    mut tick: impl FnMut(Python<'_>) -> PyResult<()>,
) -> PyResult<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let mut work = match current(py)?.pool.on_caller(work) {
        Ok(work) => work,
        Err(work) => return run_with_ticks(py, work, tick),
    };
    loop {
        let (on_caller, result) = py.detach(move || {
            let result = work.wait(TICK);
            (work, result)
        });
        work = on_caller;
        match result {
            Ok(Some(output)) => return Ok(output),
            Ok(None) => interrupted(py, &mut tick)?,
            Err(_) => return Err(ended_without_result()),
        }
    }
}

/// Runs `work` on the pool and waits without the GIL.
///
/// # Errors
///
/// The exception of a signal handler, such as `KeyboardInterrupt`; the work is then cancelled.
pub(crate) fn run<F>(py: Python<'_>, work: F) -> PyResult<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    run_with_ticks(py, work, |_| Ok(()))
}

/// As [`run`], and calls `tick` every 50 ms.
///
/// # Errors
///
/// Errors of [`run`] and of `tick`; the work is then cancelled.
pub(crate) fn run_with_ticks<F>(
    py: Python<'_>,
    work: F,
    mut tick: impl FnMut(Python<'_>) -> PyResult<()>,
) -> PyResult<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let process = process::id();
    let pool = &current(py)?.pool;
    let (send, mut receive) = mpsc::sync_channel(1);
    let task = pool.spawn(async move {
        let _ = send.send(work.await);
    });
    loop {
        let (received, result) = py.detach(move || {
            let result = receive.recv_timeout(TICK);
            (receive, result)
        });
        receive = received;
        match result {
            Ok(output) => return Ok(output),
            Err(RecvTimeoutError::Timeout) => {
                if let Err(interrupt) = interrupted(py, &mut tick) {
                    match process == process::id() {
                        true => abort(task),
                        // The task belongs to the parent process.
                        false => mem::forget(task),
                    }
                    return Err(interrupt);
                }
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Err(ended_without_result());
            }
        }
    }
}

/// Runs signal handlers, and calls `tick`.
fn interrupted(py: Python<'_>, tick: &mut impl FnMut(Python<'_>) -> PyResult<()>) -> PyResult<()> {
    let process = process::id();
    py.check_signals()?;
    tick(py)?;
    if process == process::id() {
        return Ok(());
    }
    Err(PyRuntimeError::new_err(
        "a function that was called during this call has forked: only the parent continues it",
    ))
}

/// Returns the exception for a call whose task panicked.
pub(crate) fn ended_without_result() -> PyErr {
    PyRuntimeError::new_err(
        "mfs3 failed inside: a task ended without a result (please report this)",
    )
}

/// Starts `work` on the pool.
pub(crate) fn spawn<F>(py: Python<'_>, work: F) -> PyResult<JoinHandle<F::Output>>
where
    F: Future<Output: Send> + Send + 'static,
{
    Ok(current(py)?.pool.spawn(work))
}

/// Cancels a call of this process.
pub(crate) fn abort<T: Send + 'static>(call: JoinHandle<T>) {
    call.abort();
    if let Some(pool) = found() {
        pool.lock_aborted().push(AbortedCall {
            handle: call.abort_handle(),
            end: call.map(drop).boxed().shared(),
        });
    }
}

/// Waits until cancelled calls have ended, after which their client knows of their uploads. Waits for each call 5 s at
/// most.
pub(crate) async fn aborted() {
    let Some(pool) = found() else {
        return;
    };
    let all = async {
        loop {
            let ends = pool.ends_of_aborted();
            if ends.is_empty() {
                return;
            }
            join_all(ends).await;
        }
    };
    let _ = timeout(ABORT_WAIT, all).await;
}

impl ProcessPool {
    /// Returns the calls that were cancelled and have not ended.
    fn lock_aborted(&self) -> MutexGuard<'_, Vec<AbortedCall>> {
        let mut aborted = self.aborted.lock().unwrap_or_else(PoisonError::into_inner);
        aborted.retain(|call| !call.handle.is_finished());
        aborted
    }

    /// Returns a future for the end of each cancelled call. Ending one call may cancel another.
    fn ends_of_aborted(&self) -> Vec<Shared<BoxFuture<'static, ()>>> {
        let aborted = self.lock_aborted();
        aborted.iter().map(|call| call.end.clone()).collect()
    }
}

/// Returns the pool of this process, if it has one.
fn found() -> Option<&'static ProcessPool> {
    let mut slot = FIRST.get();
    while let Some(pool) = slot
        && pool.process != process::id()
    {
        slot = pool.next.get();
    }
    slot.map(|pool| &**pool)
}

/// Keeps the threads of this module from calling Python from now on. Python calls this before it ends the interpreter.
#[pyfunction]
pub(crate) fn leave_python(py: Python<'_>) {
    if let Some(pool) = found() {
        pool.gate.close(py);
    }
}

/// Returns the gate through which threads of this process call Python.
pub(crate) fn gate(py: Python<'_>) -> PyResult<&'static PythonGate> {
    Ok(&current(py)?.gate)
}

/// Returns the channel of the notifier, a thread that runs functions with the GIL.
pub(crate) fn notifier(py: Python<'_>) -> PyResult<mpsc::Sender<Notification>> {
    let pool = current(py)?;
    if pool.gate.is_closed() {
        return Err(PyRuntimeError::new_err(
            "the interpreter ends, so the end of this call cannot be reported",
        ));
    }
    let slot = &pool.notifier;
    if let Some(found) = slot.get() {
        return Ok(found.clone());
    }
    let (send, receive) = mpsc::channel::<Notification>();
    thread::Builder::new()
        .name("mfs3-notifier".to_owned())
        .spawn(move || {
            while let Ok(first) = receive.recv() {
                let told = pool.gate.enter(|py| {
                    first(py);
                    receive.try_iter().for_each(|next| next(py));
                });
                if told.is_none() {
                    return;
                }
            }
        })?;
    Ok(slot.get_or_init(|| send).clone())
}
