//! The engine over a store in memory, with deterministic faults and on paused time.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod bounds;
mod download;
mod honesty;
mod hooked;
mod list;
mod retry;
mod setup;
mod upload;
