//! Benchmark workloads with object_store, OpenDAL and the AWS SDK, written as experienced users would write them.
//!
//! Each request is a task. Up to 64 small objects, 32 objects of 1 MiB or 16 parts of a big object are in flight. Files
//! are read and written as the clients' documentation shows.
//!
//! Settings are those that the documentation recommends, without tuning by measurements.

mod concurrent;
mod object_store;
mod opendal;
mod run;
mod sdk;

pub(crate) use run::run;
