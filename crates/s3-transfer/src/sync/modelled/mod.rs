//! Models of tokio's `Semaphore`, `Notify`, timers, tasks and `JoinSet` for shuttle tests.
//!
//! Only the types and methods that this crate uses exist. Each step that other threads can see is behind a lock or a
//! semaphore of shuttle's, which is a point where another thread may run. Memory orderings are not modelled: every
//! atomic is sequentially consistent.

mod clock;
#[cfg(test)]
mod explore;
mod notify;
mod semaphore;
mod tasks;
mod waker;

#[cfg(test)]
pub(crate) use clock::advance;
pub(crate) use clock::{Instant, sleep, sleep_until};
#[cfg(test)]
pub(crate) use explore::{chance, draw, explore};
pub(crate) use notify::Notify;
pub(crate) use semaphore::{OwnedSemaphorePermit, Semaphore};
#[cfg(test)]
pub(crate) use tasks::set_workers;
pub(crate) use tasks::{
    JoinError, JoinHandle, JoinSet, RuntimeId, runtime_id, spawn, try_spawn, workers,
};
pub(crate) use waker::AtomicWaker;
