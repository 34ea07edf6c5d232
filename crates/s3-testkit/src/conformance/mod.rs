//! Conformance suite of [`Store`](s3_core::Store): one case per rule, for every backend and wrapper.
//!
//! A backend passes if each case passes or is skipped because the backend lacks a capability. Known failures of a
//! third-party server are listed in its harness, see [`Harness::failing`]. A new rule of the contract starts as a case here.
//!
//! # Running it
//!
//! [`conformance_suite!`](crate::conformance_suite) writes a module with one `#[tokio::test]` per case; the
//! crate that calls it depends on `tokio` with the features `macros` and `rt`. The expression is evaluated for
//! every case and returns a [`Harness`]: a store and a bucket that no other case uses.
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
//! After each case, [`run`] checks that no multipart upload is left. A program other than a test runs [`cases`] itself,
//! as `cargo xtask conformance` does against any server.
//!
//! # Writing a case
//!
//! A case is a `pub async fn(&Harness) -> Verdict` whose name is a sentence about S3. It panics if the sentence is false,
//! and lists the optional capabilities that it needs with `require!`. Its name must be in the list in `suite.rs`; a
//! test checks that.

mod assertions;
mod harness;
#[cfg(test)]
mod mutation_check;
mod pages;
mod suite;
mod verdict;

pub mod attributes;
pub mod buckets;
pub mod checksums;
pub mod conditional;
pub mod copy_delete;
pub mod get;
pub mod keys;
pub mod list;
pub mod missing;
pub mod multipart;
pub mod object_attributes;
pub mod parts;
pub mod put;
pub mod restore;
pub mod rollup;
pub mod tags;
pub mod versions;

pub use harness::Harness;
pub use suite::{Case, cases, run};
pub use verdict::Verdict;
