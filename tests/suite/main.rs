//! Tests across crates, in one program: linking takes longer than most of the tests.

#![expect(
    clippy::unwrap_used,
    reason = "a test's own helpers may fail it, as the tests themselves"
)]

mod access;
mod atomic_targets;
mod bad_input;
mod blocking;
mod cases;
mod cleanup;
mod conformance;
mod credentials;
mod forks;
mod fuzz;
mod limits;
mod model;
mod orphans;
mod outcomes;
mod promises;
mod prove;
mod repeated_keys;
mod request_log;
mod resuming;
mod scenarios;
mod security;
mod vectors;
