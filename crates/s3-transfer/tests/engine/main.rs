//! The engine over a store in memory, with deterministic faults and on paused time.

mod download;
mod list;
mod retry;
mod setup;
mod upload;
