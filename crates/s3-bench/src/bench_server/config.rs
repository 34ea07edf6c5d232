//! Settings of an origin: latency, bandwidth, sizes.

use std::time::Duration;

/// Settings of an [`BenchServer`](super::BenchServer).
#[derive(Clone, Debug)]
pub struct BenchServerConfig {
    /// How long each request waits, after its body has arrived, before its response. None by default. Resolution:
    /// one millisecond.
    pub latency: Duration,
    /// How many bytes per second a body moves, in either direction, on one connection. No limit by default.
    ///
    /// Each body has 128 KiB free, so that small ones are not slowed down.
    pub connection_rate: Option<u64>,
    /// The size of the pool that objects are windows into, in bytes; 256 MiB by default, so that reading through it
    /// misses the processor's caches as reading from elsewhere would.
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
