//! Implements the traits of [object_store](https://docs.rs/object_store) with the transfer engine of this workspace.
//!
//! Each version of object_store is a feature and a module. [`v0_14::S3ObjectStore`] implements `ObjectStore`,
//! `MultipartStore` and `PaginatedListStore` for one bucket, and `Signer` with the feature `signer`; `v0_13` does the
//! same for 0.13. The files in `adapter` are compiled once for each.
//!
//! ```text
//! caller's runtime                     threads of the store
//! ObjectStore::get_opts ── spawn ──► Transfer::open ──► parts
//!        GetResult      ◄─ headers ──────┘                │
//!        stream         ◄────────── frames ───────────────┘
//! ```
//!
//! A call is one task on the threads of the store, and a frame crosses threads once. Reads that are known to fit into
//! one part return one buffer, without a copy.

#[macro_use]
mod version;

mod key_policy;
mod pins;
mod runtime;
#[cfg(feature = "v0_13")]
pub mod v0_13;
#[cfg(feature = "v0_14")]
pub mod v0_14;

pub use key_policy::UnlistableKeys;
pub use s3_core::Error;

#[cfg(all(doctest, feature = "v0_14"))]
#[doc = include_str!("../README.md")]
mod readme {}
