//! Network profiles of a comparison: server `i` without latency, server `ii` with 20 ms latency and 85 MB/s per
//! connection.

use clap::ValueEnum;

/// A network profile of the benchmark server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Regime {
    /// Responds at once: shows what a client costs
    I,
    /// 20 ms to the first byte and 85 MB/s for each connection: shows how well a client runs in parallel
    Ii,
}

impl Regime {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::I => "i",
            Self::Ii => "ii",
        }
    }

    /// The flags of `s3-bench origin`.
    pub(crate) const fn flags(self) -> &'static [&'static str] {
        match self {
            Self::I => &[],
            Self::Ii => &["--latency-ms", "20", "--connection-mbps", "85"],
        }
    }
}
