//! The runtime that this code is on.

use std::future::Future;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::JoinHandle;

/// Returns how many threads the tasks of this runtime are spread over.
///
/// # Panics
///
/// Outside a runtime.
pub(crate) fn workers() -> usize {
    let runtime = Handle::current();
    match runtime.runtime_flavor() {
        RuntimeFlavor::CurrentThread => 1,
        _ => runtime.metrics().num_workers(),
    }
}

/// Begins a task on this runtime, if there is one.
pub(crate) fn try_spawn<F>(work: F) -> Option<JoinHandle<F::Output>>
where
    F: Future<Output: Send> + Send + 'static,
{
    let runtime = Handle::try_current().ok()?;
    Some(runtime.spawn(work))
}
