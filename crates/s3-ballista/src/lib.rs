//! Hooks that let the processes of a [Ballista] cluster read and write `s3://` URLs.
//!
//! Ballista runs a query of DataFusion on several machines. A client sends the plan to a scheduler, which splits it
//! into tasks, and executors run them. Each of these processes opens objects: the client to infer a schema, the scheduler
//! to list, the executors to read and write. [`session`], [`scheduler`] and [`executor`] give each of them the same
//! [`S3Registry`]: one engine per process, one store per bucket.
//!
//! ```text
//! client     session(registry)    ──► plan ──► scheduler
//! scheduler  scheduler(config, registry)   ──► tasks ──► executors
//! executor   executor(config, registry)    ──► S3: reads, writes
//! ```
//!
//! A plan holds URLs and no credentials: each process has its own client, with the configuration of its environment.
//!
//! [Ballista]: https://datafusion.apache.org/ballista/

mod hooks;

pub use hooks::{executor, scheduler, session};
pub use s3_frame::tables::S3Registry;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
