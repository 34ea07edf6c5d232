//! Functions of the current tokio runtime: number of threads, ID, and spawning of tasks.

use std::future::Future;

use tokio::runtime::{self, Handle, RuntimeFlavor};
use tokio::task::JoinHandle;

/// Returns the number of worker threads of the current runtime.
///
/// # Panics
///
/// If called outside a runtime.
pub(crate) fn workers() -> usize {
    let runtime = Handle::current();
    match runtime.runtime_flavor() {
        RuntimeFlavor::CurrentThread => 1,
        _ => runtime.metrics().num_workers(),
    }
}

/// ID of a runtime; `None` outside of one.
pub(crate) type RuntimeId = Option<runtime::Id>;

/// Returns the ID of the current runtime.
pub(crate) fn runtime_id() -> RuntimeId {
    Handle::try_current().ok().map(|runtime| runtime.id())
}

/// Spawns a task on the current runtime, if there is one.
pub(crate) fn try_spawn<F>(work: F) -> Option<JoinHandle<F::Output>>
where
    F: Future<Output: Send> + Send + 'static,
{
    let runtime = Handle::try_current().ok()?;
    Some(runtime.spawn(work))
}
