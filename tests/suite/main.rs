//! What crosses crates, in one program: linking it costs more than running most of it.

#![expect(
    clippy::unwrap_used,
    reason = "a test's own helpers may fail it, as the tests themselves"
)]

mod atomic_targets;
mod bad_input;
mod blocking;
mod cleanup;
mod conformance;
mod credentials;
mod forks;
mod fuzz;
mod limits;
mod model;
mod outcomes;
mod promises;
mod prove;
mod repeated_keys;
mod request_log;
mod scenarios;
mod security;
mod sweep;
mod vectors;
