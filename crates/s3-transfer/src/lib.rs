//! S3 transfer engine: parallel downloads, uploads and listings with retries, over any [`Store`](s3_core::Store).
//!
//! A [`Transfer`] runs calls on objects as *jobs*: one request and the draining of its body. Every job runs through one
//! stack:
//!
//! ```text
//! Deadline ─► Retry (shared budget, full jitter) ─► Attempt (permit, stall timeout) ─► Store
//! ```
//!
//! An attempt holds a permit from the first byte of its request to the last byte of its response, and none during a
//! backoff. An interrupted body resumes after the bytes that have arrived.
//!
//! * [`Transfer::get`] learns the size from the first ranged read, reads the other parts in parallel, all pinned to one
//!   ETag, and stores the object in memory, or in a temporary file that is renamed.
//! * [`Transfer::put`] sends small payloads in one request and large ones, or readers of unknown length, in
//!   parts; a failed or dropped upload is aborted.
//! * [`Transfer::list`] streams the pages of a listing, requested in parallel.
//! * [`Transfer::fan_out`] runs any of these over many inputs, a bounded window at a time. The resulting [`FanOut`] is a
//!   stream of `(input index, result)`.
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
//! for fetched in many.all().await {
//!     let ObjectData::Memory(bytes) = fetched?.data else { unreachable!("asked for memory") };
//!     assert_eq!(bytes, "hello");
//! }
//! # Ok(()) }
//! ```
//!
//! # Threads
//!
//! The engine runs on the caller's runtime, and spreads a fan-out over its threads. On the threads of a [`WorkerPool`],
//! which run only transfers, a request costs less CPU time; work started there spreads over the pool.
//!
//! # Cancellation
//!
//! Dropping a future or a [`FanOut`] cancels its transfers: tasks stop, temporary files are unlinked, and an unfinished
//! upload is aborted in the background if the runtime is still there.

#[cfg(not(unix))]
compile_error!("s3-transfer builds on Unix only: it writes files with positioned writes");

mod attempt_recorder;
mod attempt_snapshot;
mod call;
mod cleanup;
mod config;
mod download;
mod etag_md5;
mod fanout;
mod io;
mod job;
mod join_error;
mod layer;
mod list;

mod observer;
mod operations;
mod parts;
mod progress;
mod rate_limit;
mod request_job;
mod stack;
mod sync;
mod worker_pool;

mod transfer;
mod upload;

pub use call::CallOptions;
pub use config::{Concurrency, TransferConfig};
pub use download::{
    Destination, Fetched, GetItem, KnownObject, LazyPath, MemoryBudget, MemoryShare, NotVerified,
    ObjectData, ObjectReader, Verified,
};
pub use etag_md5::{etag_of_parts, etag_that_is_md5, has_md5};
pub use fanout::{AfterFailure, FanOut, FanOutOptions};
pub use job::Job;
pub use list::{ListOptions, ListStream};
pub use observer::{Event, Observer, WaitReason};
pub use parts::growing_size;
pub use progress::Progress;
pub use s3_core::{Error, ErrorKind, Result};
pub use transfer::Transfer;
pub use upload::{
    COPY_PART, CreatedUpload, PutItem, PutOutcome, Source, UploadSession, WRITE_NAME,
};
pub use worker_pool::{OnCaller, WorkerPool};

/// For the `schedule` cases of `cargo xtask prove`, which explore the concurrency limit alone.
#[doc(hidden)]
pub mod schedule_cases {
    pub use crate::layer::limit::{Controller, Permit};
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
