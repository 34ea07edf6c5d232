//! Bounded parallel transfers over any [`Store`](s3_core::Store): ranges, retries, fan-out.
//!
//! A [`Transfer`] turns calls on objects into *jobs*: one request and the draining of its body. Every job goes
//! through one tower stack,
//!
//! ```text
//! Deadline ─► Retry (shared budget, full jitter) ─► AdaptiveLimit ─► StallTimeout ─► Execute ─► Store
//! ```
//!
//! so that an attempt holds a permit from its first byte out to its last byte in, gives it back while it backs
//! off, and goes on after the bytes that have arrived when its body breaks.
//!
//! * [`Transfer::get`] finds out the size with the first ranged read, reads the other parts in parallel, pins them
//!   all to one ETag, and lands in memory or in a file by positioned writes, a temporary name and a rename.
//! * [`Transfer::put`] sends small payloads in one request and large ones, or readers of unknown length, in
//!   parts; a failed or dropped upload is aborted.
//! * [`Transfer::list`] pages lazily.
//! * [`Transfer::fan_out`] runs any of these over many inputs, a bounded window at a time, and yields
//!   `(input index, result)` as they complete.
//!
//! ```
//! use s3_core::{MemoryStore, Payload, S3Url};
//! use s3_transfer::{Destination, GetItem, ObjectData, FanOutOptions, PutItem, Source, Transfer, TransferConfig};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let transfer = Transfer::new(MemoryStore::with_buckets(["b"]), TransferConfig::default());
//! let options = Default::default();
//! let url = S3Url::parse("s3://b/greeting")?;
//! transfer.put(PutItem::new(url.clone(), Source::Payload(Payload::from("hello"))), &options).await?;
//!
//! let urls = vec![url.clone(), url];
//! let many = transfer.fan_out(urls, FanOutOptions::default(), |transfer, url| async move {
//!     transfer.get(GetItem::new(url), Destination::Memory, &Default::default()).await
//! });
//! for fetched in many.first_failure().await? {
//!     let ObjectData::Memory(bytes) = fetched.data else { unreachable!("asked for memory") };
//!     assert_eq!(bytes, "hello");
//! }
//! # Ok(()) }
//! ```
//!
//! # Threads
//!
//! The engine runs on the runtime of its caller, and spreads a batch over that runtime's threads. On the threads of a
//! [`WorkerPool`], which run nothing but transfers, a request costs less; what is begun there spreads over the worker pool.
//!
//! # Cancellation
//!
//! Dropping a future or a [`FanOut`] cancels what it started: tasks stop, temporary files are unlinked, and an
//! unfinished upload is aborted in the background if the runtime is still there.

#[cfg(not(unix))]
compile_error!("s3-transfer builds on Unix only: it writes files with positioned writes");

mod attempt_recorder;
mod attempt_snapshot;
mod call;
mod cleanup;
mod config;
mod download;
mod fanout;
mod io;
mod job;
mod join_error;
pub mod layer;
mod list;

mod observer;
mod operations;
mod parts;
mod progress;
mod request_job;
mod stack;
mod sync;
mod worker_pool;

mod transfer;
mod upload;

pub use call::CallOptions;
pub use config::{Concurrency, TransferConfig};
pub use download::{
    Destination, Fetched, GetItem, KnownObject, MemoryBudget, MemoryShare, NotVerified, ObjectData,
    ObjectReader, Verified,
};
pub use fanout::{AfterFailure, FanOut, FanOutError, FanOutOptions};
pub use job::Job;
pub use list::{ListOptions, ListStream};
pub use observer::{Event, Observer, WaitReason};
pub use progress::Progress;
pub use s3_core::{Error, ErrorKind, Result};
pub use transfer::Transfer;
pub use upload::{PutItem, PutOutcome, Source};
pub use worker_pool::WorkerPool;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
