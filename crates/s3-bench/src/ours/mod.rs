//! Benchmark workloads with s3-client, async and blocking, with default settings.

pub(crate) mod asynchronous;
pub(crate) mod blocking;
