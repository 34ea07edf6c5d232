//! The contract of [`Store`](s3_core::Store), one case per rule, for every backend and every decorator.
//!
//! A backend passes the suite when each case passes or is skipped for a capability that the backend says it
//! lacks. The faults of a foreign server are listed in its harness, see [`Harness::failing`]. A new rule of the contract starts as a case here.
//!
//! # Running it
//!
//! [`conformance_suite!`](crate::conformance_suite) writes a module with one `#[tokio::test]` per case; the
//! crate that calls it depends on `tokio` with the features `macros` and `rt`. The expression is evaluated for
//! every case and yields a [`Harness`]: a store and a bucket that nobody else uses meanwhile.
//!
//! ```
//! use s3_core::MemoryStore;
//! use s3_testkit::conformance::Harness;
//!
//! s3_testkit::conformance_suite!(memory, async {
//!     Harness::new(MemoryStore::with_buckets(["bucket"]), "bucket")
//! });
//! # fn main() {}
//! ```
//!
//! Behind each case [`run`] checks that no upload in parts was left unfinished.
//!
//! # Writing a case
//!
//! A case is a `pub async fn(&Harness) -> Verdict` whose name is a sentence about S3. It panics if the sentence
//! is not true, and asks `require!` for what the sentence needs beyond the common ground. Its name goes into the
//! list in `suite.rs`; a test fails if it does not.

mod demand;
mod harness;
mod pages;
mod suite;
#[cfg(test)]
mod teeth;
mod verdict;

pub mod attributes;
pub mod buckets;
pub mod conditional;
pub mod copy_delete;
pub mod get;
pub mod keys;
pub mod list;
pub mod missing;
pub mod multipart;
pub mod parts;
pub mod put;
pub mod rollup;

pub use harness::Harness;
pub use suite::run;
pub use verdict::Verdict;
