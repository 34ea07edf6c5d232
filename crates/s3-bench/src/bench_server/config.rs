//! Settings of a benchmark server: latency, bandwidth, pool size.

use std::time::Duration;

/// Settings of a [`BenchServer`](super::BenchServer).
#[derive(Clone, Debug)]
pub struct BenchServerConfig {
    /// Delay of each response, from the end of the request's body. None by default. Resolution: one millisecond.
    pub latency: Duration,
    /// Bytes per second of a body, in either direction, on one connection. No limit by default.
    ///
    /// The first 128 KiB of each body are not limited, so that small bodies are not slowed down.
    pub connection_rate: Option<u64>,
    /// Size of the pool that object bodies are slices of, in bytes. 256 MiB by default: larger than the CPU
    /// caches, like a real data set.
    pub pool_bytes: u64,
}

impl Default for BenchServerConfig {
    fn default() -> Self {
        Self {
            latency: Duration::ZERO,
            connection_rate: None,
            pool_bytes: 256 << 20,
        }
    }
}
