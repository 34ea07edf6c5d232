//! The server, its faults and its request_log, as clients see them.

#![expect(
    clippy::unwrap_used,
    reason = "a test's own helpers may fail it, as the tests themselves"
)]

mod checksums;
mod credentials;
mod fault_store;
mod faults;
mod foreign;
mod lies;
mod listing;
mod operations;
mod places;
mod raw;
mod signing;
