//! The worker pool: threads that run only transfers, each with its own single-threaded tokio runtime.
//!
//! Work started on a thread of a [`WorkerPool`] is distributed: the workers of a fan-out and the parts of an object run
//! on all threads of that pool. Work on another runtime stays there. No handle is passed around: a thread-local
//! variable holds the pool of the thread.
//!
//! ```text
//! caller ──run──► thread 0: the call ──► worker 0   on each thread: one runtime, its own sockets, its own timers,
//!                 thread 1:          ──► worker 1   local files read and written in place
//! ```
//!
//! A dropped pool shuts down in the background: its threads complete tasks in flight, such as the abort of an upload,
//! for up to 5 s.

pub(crate) mod idle_time;
mod join_set;
#[cfg(test)]
#[cfg(shuttle)]
mod model;
mod on_caller;
mod pool;
mod pool_handle;

pub(crate) use join_set::PoolJoinSet;
pub use on_caller::OnCaller;
pub use pool::WorkerPool;
pub(crate) use pool_handle::{PoolHandle, spawn_detached};
