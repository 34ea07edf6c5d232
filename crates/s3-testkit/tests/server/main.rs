//! The server, its faults and its request log, seen by a client.

#![expect(
    clippy::unwrap_used,
    reason = "a test's own helpers may fail it, as the tests themselves"
)]

mod addressing;
mod checksums;
mod credentials;
mod everyday;
mod fault_store;
mod faults;
mod file_system;
mod listing;
mod operations;
mod raw_http;
mod rejections;
mod signing;
mod versions;
mod wrong_responses;
