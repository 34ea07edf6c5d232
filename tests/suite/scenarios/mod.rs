//! Scenario matrix: every operation under every fault at every place, once, three times and always.
//!
//! Rules give the expected outcome and the time limit.
//!
//! * `operation.rs`: the calls of the facade, with the requests that they send, and whether the result is right.
//! * `fault.rs`: the faults: place, meaning and cost in time.
//! * `expectation.rs`: the expected outcome and time limit of both together.
//! * `client_mode.rs`: addressing and checksums.
//! * `matrix.rs`: all combinations that exist.
//! * `no_server.rs`: every operation while no server listens on the port.
//! * `runner.rs`: runs them over TCP in virtual time.

mod client_mode;
mod expectation;
mod fault;
mod matrix;
mod no_server;
mod operation;
mod runner;
