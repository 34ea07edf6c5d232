//! Reads S3 listings and CSV and Parquet objects as Arrow record batches, and writes record batches as objects.
//!
//! [`ListingBatches`] converts a listing to record batches. [`Frames::read_csv`] reads the CSV objects that match
//! patterns, and [`Frames::write_csv`] writes a set of them.
//!
//! ```text
//! patterns ──► listing ──► parts: key, size, ETag
//!                            │
//!              first part ──► header, types
//!                            │
//!              four parts open at once, If-Match ──► decoder ──► record batches, in order
//!
//! record batches ──► encoder ──► one upload per part, not completed
//!                                   │ all are uploaded
//!                                   ▼
//! SET.manifest.json, not complete ──► completions at once ──► SET.manifest.json ──► parts of the old set deleted
//! ```

pub mod blocking;
mod csv;
mod error;
mod frames;
mod listing;
#[cfg(feature = "parquet")]
mod parquet;
mod set;
#[cfg(feature = "datafusion")]
pub mod tables;
#[cfg(feature = "parquet")]
mod threads;

#[cfg(feature = "parquet")]
pub use self::parquet::{ParquetBatches, ReadParquet, WriteParquet};
pub use arrow_array::RecordBatch;
pub use csv::{CsvBatches, Index, ReadCsv, WriteCsv};
pub use error::{Error, Result};
pub use frames::Frames;
pub use listing::{ListingBatches, listing_schema};
pub use set::{Existing, Manifest, ManifestPart, Manifests, Split};

#[cfg(all(doctest, feature = "datafusion"))]
#[doc = include_str!("../README.md")]
mod readme {}
