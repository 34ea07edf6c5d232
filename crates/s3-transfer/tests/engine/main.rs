//! The engine over a store in memory, with deterministic faults and on paused time.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod abort;
mod attempts;
mod bounds;
mod brownout;
mod cancel;
mod checksum_once;
mod conditional;
mod copy;
mod download;
mod dropped_runtime;
mod fanout;
mod honesty;
mod hooked;
mod landing;
mod list;
mod observer;
mod open;
mod ranges;
mod resumed;
mod retry;
mod session;
mod setup;
mod upload;
