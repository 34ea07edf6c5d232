//! Property `schedule`: tasks of limit, engine and client end in every order of polls, and if cancelled at any await.
//!
//! What is explored waits on tokio's own semaphores, notices and timers, so a task can lose its turn only where it
//! awaits, and an order of polls is a schedule. The [`explorer`] keeps the tasks of a case and polls, of those that are
//! woken, one at random; a task may have a number of polls after which it is dropped, which cancels it at any await.
//! What the engine spawns by itself runs on tokio's runtime between these polls, and is moved about by a store that
//! gives up its turn a random number of times. Memory orders of atomics are not explored: one thread runs all.
//!
//! * [`limit`]: the controller of attempts, with waiters that give up, permits that are dropped and throttling that
//!   takes permits out of circulation. Ten cases in sixteen.
//! * [`engine`]: gets, puts in one request, in parts and from readers, batches to their end, to the first failure and
//!   dropped halfway, over a small budget of memory and few permits. Five cases in sixteen.
//! * [`facade`]: batches of the client, with `close()` in between. One case in sixteen.
//!
//! In each case all tasks come to an end, no more attempts are in flight than allowed, and afterwards everything is
//! back: every permit, the whole budget, no upload, no file.

mod case;
mod delayed_store;
mod engine;
mod explorer;
mod facade;
mod limit;

pub(super) use case::case;
