//! Synthetic S3 server for benchmarks: just enough of the API to measure clients, with minimal CPU.
//!
//! It validates nothing: no signatures, conditions, checksums or limits. Use `s3_testkit::S3Server` to test
//! correctness.
//!
//! One thread serves all connections. Generated objects are not stored: bodies are slices of one pseudo-random pool,
//! and keys, sizes and listings are computed from an index.
//!
//! | bucket | content |
//! |---|---|
//! | `bench` | `small/000000` … of 4 KiB, `mid/000000` … of 1 MiB, and `big/<N>m` of N MiB, for any N |
//! | `list` | 200,000 keys below 64 prefixes, to be listed |
//! | `list-K-P` | K keys below P prefixes |
//! | `flat-numbers`, `flat-uuids`, `flat-dates` | 200,000 keys without a directory |
//! | `keep` | uploaded objects, in memory |
//! | any other | discards uploads in the kernel, unread; the benchmarks use `sink` |
//!
//! `GET /_stats` returns counters as JSON. `GET /_reset` does the same, then sets them to zero and empties `keep`.
//!
//! Linux only: large bodies are sent with `sendfile` and discarded with `recv` and `MSG_TRUNC`.
//!
//! ```
//! use s3_bench::bench_server::{BenchServer, BenchServerConfig};
//! use s3_core::{S3Url, SdkStore, StoreExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = BenchServerConfig { pool_bytes: 1 << 20, ..BenchServerConfig::default() };
//! let server = BenchServer::start(config)?;
//! let store = SdkStore::builder()
//!     .endpoint(&server.endpoint())
//!     .region("us-east-1")
//!     .credentials("any-key-id", "any-secret", None)
//!     .build();
//! let object = store.get_bytes(S3Url::parse("s3://bench/small/000007")?).await?;
//! assert_eq!(object, server.content("small/000007", 0..4096).expect("there is such an object"));
//! # Ok(()) }
//! ```

mod bench_bucket;
mod config;
mod connection;
mod counters;
mod keys;
mod listing;
mod operations;
mod pace;
mod pool;
mod request;
mod response;
mod running;
mod state;

pub use config::BenchServerConfig;
pub use running::{BenchServer, serve};
