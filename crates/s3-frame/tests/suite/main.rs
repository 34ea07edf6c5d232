//! Listings and CSV objects in memory as record batches.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[cfg(feature = "datafusion")]
mod amazon_s3;
mod atomic;
mod blocking;
#[cfg(feature = "datafusion")]
mod busy_threads;
#[cfg(feature = "datafusion")]
mod copy;
mod csv;
#[cfg(feature = "datafusion")]
mod faults;
mod listing;
#[cfg(feature = "datafusion")]
mod own_tables;
mod pandas;
#[cfg(feature = "parquet")]
mod parquet;
#[cfg(feature = "datafusion")]
mod replaced;
mod setup;
#[cfg(feature = "datafusion")]
mod tables;
mod write;
