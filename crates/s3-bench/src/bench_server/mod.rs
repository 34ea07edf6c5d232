//! A server for benchmarks: as much of S3 as clients need to be timed, for as little CPU as possible.
//!
//! It is a measuring device. It checks nothing: no signature, no condition, no checksum, no limit of S3. Whether a
//! client is right is for `s3_testkit::S3Server` to say; this says what a client costs when the server costs next to
//! nothing.
//!
//! One thread serves all connections. Nothing is stored for what can be computed: objects are windows into one pool
//! of pseudo-random bytes, and their keys, sizes and listings are arithmetic on a number.
//!
//! | bucket | what is in it |
//! |---|---|
//! | `bench` | `small/000000` … of 4 KiB, `mid/000000` … of 1 MiB, and `big/64m`, `big/4096m`, … of so many MiB |
//! | `list` | 200,000 keys below 64 prefixes, to be listed |
//! | `list-K-P` | K keys below P prefixes |
//! | `keep` | what was put there, in memory |
//! | any other | takes uploads and forgets them in the kernel, unread; `sink` by custom |
//!
//! `GET /_stats` returns counters as JSON, and `/_reset` sets them to zero and empties `keep`.
//!
//! Linux only: bodies leave by `sendfile` and arrive by `recv` with `MSG_TRUNC`.
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
