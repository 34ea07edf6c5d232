//! Listings and CSV objects in memory as record batches.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod blocking;
mod csv;
mod listing;
mod pandas;
mod setup;
mod write;
