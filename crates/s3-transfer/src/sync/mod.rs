//! Synchronization primitives of this crate: locks, atomics, semaphores, notifications, timers and tasks.
//!
//! They are those of std and tokio. With `--cfg shuttle` they are models, and shuttle chooses after each step which
//! thread runs next. The tests that use the models are in files called `model.rs` beside the code under test;
//! docs/TESTING.md says how to run them. Code with such a test imports its synchronization primitives from here.

#[cfg(shuttle)]
mod modelled;
#[cfg(not(shuttle))]
mod runtime;

#[cfg(not(shuttle))]
pub(crate) use {
    futures_util::task::AtomicWaker,
    runtime::{RuntimeId, runtime_id, try_spawn, workers},
    std::sync::{Mutex, MutexGuard, atomic},
    tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore},
    tokio::task::{JoinError, JoinHandle, JoinSet, spawn},
    tokio::time::{Instant, sleep, sleep_until},
};

#[cfg(test)]
#[cfg(shuttle)]
pub(crate) use modelled::{advance, chance, draw, explore, set_workers};
#[cfg(shuttle)]
pub(crate) use {
    modelled::{
        AtomicWaker, Instant, JoinError, JoinHandle, JoinSet, Notify, OwnedSemaphorePermit,
        RuntimeId, Semaphore, runtime_id, sleep, sleep_until, spawn, try_spawn, workers,
    },
    shuttle::sync::{Mutex, MutexGuard, atomic},
};
