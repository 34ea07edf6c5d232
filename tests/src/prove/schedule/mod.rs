//! Property `schedule`: tasks end under every interleaving of polls, and when cancelled at any await.
//!
//! The tasks use the concurrency limit, the engine and the client. They wait on tokio's semaphores, notifies and
//! timers, so a task is interrupted only at an await, and an order of polls is a schedule. The [`explorer`] polls one
//! of the woken tasks at random. It may drop a task after a random number of polls, which cancels it at some await.
//! Tasks that the engine spawns run on tokio's runtime between these polls; the store reorders them, because it yields
//! a random number of times. Memory orderings of atomics are not explored, because everything runs on one thread.
//!
//! * [`limit`]: the concurrency controller, with cancelled waiters, dropped permits, and throttling that removes
//!   permits. Ten cases in sixteen.
//! * [`engine`]: gets; puts in one request, in parts and from readers; batches that run to their end, stop at the first
//!   failure or are dropped halfway. The memory budget is small and permits are few. Five cases in sixteen.
//! * [`facade`]: batch calls of the client and `close()`. One case in sixteen.
//!
//! In each case all tasks end, and no more attempts are in flight than allowed. Afterwards all permits and the whole
//! memory budget are free, and no upload and no file is left.

mod case;
mod delayed_store;
mod engine;
mod explorer;
mod facade;
mod limit;

pub(super) use case::case;
