//! A server over TCP, as raw requests see it.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod bodies;
mod copying;
mod harness;
mod locking;
mod periods;
