//! Synchronization primitives of this crate: locks, atomics, semaphores, notifications, timers and tasks.
//!
//! They are those of std and tokio, and with `--cfg shuttle` they are models of them, under which shuttle chooses after
//! each step which thread goes on. The models stand beside what they explore, in files called `model.rs`;
//! docs/TESTING.md says how to run them. Code that has a model takes what it shares between threads from here.

#[cfg(shuttle)]
mod modelled;
#[cfg(not(shuttle))]
mod runtime;

#[cfg(not(shuttle))]
pub(crate) use {
    futures_util::task::AtomicWaker,
    runtime::{try_spawn, workers},
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
        Semaphore, sleep, sleep_until, spawn, try_spawn, workers,
    },
    shuttle::sync::{Mutex, MutexGuard, atomic},
};
