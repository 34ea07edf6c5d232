//! [`TransferConfig`]: part size, retries, timeouts, concurrency and memory of a `Transfer`, with their defaults.

use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::Observer;

/// Settings of a [`Transfer`](crate::Transfer). The defaults should need no tuning.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TransferConfig {
    /// The size of a part in bytes, for downloads and uploads. 8 MiB: S3's guidance for ranged reads is 8 to 16 MiB.
    /// Uploads of more than 10,000 parts use larger ones.
    pub part_size: u64,
    /// Payloads up to this size are uploaded in one request. 16 MiB.
    pub single_put_up_to: u64,
    /// Maximum number of attempts of one job without progress, including the first. 21, as in Metaflow. During an
    /// outage, attempts are not counted; its duration is limited instead, to the longest total backoff of this many
    /// attempts.
    pub max_attempts: u32,
    /// Maximum wait before the first retry. It doubles with each retry. The actual wait is uniformly random between
    /// zero and this maximum ("full jitter"). 50 ms.
    pub backoff_base: Duration,
    /// Maximum wait between two attempts. 20 s, as in the AWS SDKs.
    pub backoff_cap: Duration,
    /// Time without a byte after which an attempt is aborted and retried. 20 s. An upload may also wait for the time
    /// that its last bytes take at 32 KiB/s: at most 16 MiB, which may be in socket buffers. A batch of deletes may
    /// also wait for 50 ms per key.
    pub stall_timeout: Duration,
    /// Number of attempts that may be in flight at once.
    pub concurrency: Concurrency,
    /// Number of inputs of a fan-out that may be in flight at once. When `None`, twice the current limit of attempts
    /// plus 32, for inputs that back off or wait for the disk, but at most the maximum of `concurrency`.
    pub window: Option<NonZeroUsize>,
    /// Maximum number of bytes that parts in flight may buffer, in addition to the caller's results. Downloads, uploads
    /// from readers and uploads of files each have this budget. 64 MiB.
    ///
    /// A downloaded part, and a part of an uploaded file, counts with its size but at most 512 KiB: the rest of it is in
    /// the caller's buffer or in the file. A part from a reader counts with `part_size` before it is read, and with its
    /// size after that: slow readers that hold the whole budget delay other uploads from readers.
    ///
    /// Address space is not memory: glibc reserves 64 MiB of it for each thread that allocates, up to eight threads per
    /// core, so that `VmPeak` may exceed 1 GB. `MALLOC_ARENA_MAX` bounds that; see `docs/TUNING.md`.
    pub memory: usize,
    /// Retries per success that the shared budget allows. 10: transfers complete at a constant fault rate of nine in
    /// ten, and a dead server is not overloaded.
    pub retry_ratio: f32,
    /// Retries per second that the budget allows without any success. 50.
    pub retry_floor: u32,
    /// Makes backoff reproducible in tests; seeded from the system when `None`.
    pub seed: Option<u64>,
    /// Maximum rate of object data in bytes per second, uploads and downloads together; `None` for no limit. With a
    /// limit, fewer attempts are in flight. A part waits before it is sent and while it is received, and moves at the
    /// speed of the network in between.
    pub max_rate: Option<NonZeroU64>,
    /// Receives the events of calls that have no observer of their own.
    pub observer: Option<Arc<dyn Observer>>,
}

/// Limit of the number of attempts in flight.
///
/// [`Transfer::new`](crate::Transfer::new) lowers it if the process may open fewer files: an attempt takes up to
/// two descriptors, and a quarter of the soft limit of `RLIMIT_NOFILE` is left to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Concurrency {
    /// Adapts to the server and the network: doubles from `start` while that increases the goodput (attempts and bytes
    /// per second), and tries a doubling again now and then. With high latency the first step is larger: an eighth of
    /// the requests that the cores can process in the time of one response. When the server throttles, the limit is
    /// halved, and reduced by three tenths for each further round of throttling; it grows by one per round of
    /// successes.
    Adaptive {
        /// The initial limit.
        start: usize,
        /// The maximum limit.
        max: usize,
    },
    /// A fixed number of concurrent attempts.
    Fixed(usize),
}

impl Concurrency {
    /// Returns the maximum number of attempts in flight.
    #[must_use]
    pub fn max(self) -> usize {
        match self {
            Self::Adaptive { max, .. } | Self::Fixed(max) => max.clamp(1, Semaphore::MAX_PERMITS),
        }
    }

    fn at_most(self, most: usize) -> Self {
        match self {
            Self::Adaptive { start, max } => Self::Adaptive {
                start: start.min(most),
                max: max.min(most),
            },
            Self::Fixed(limit) => Self::Fixed(limit.min(most)),
        }
    }

    pub(crate) fn start(self) -> usize {
        match self {
            Self::Adaptive { start, .. } => start.clamp(1, self.max()),
            Self::Fixed(_) => self.max(),
        }
    }
}

impl Default for TransferConfig {
    fn default() -> Self {
        Self {
            part_size: crate::parts::PART_SIZE,
            single_put_up_to: crate::parts::SINGLE_PUT_UP_TO,
            max_attempts: 21,
            backoff_base: Duration::from_millis(50),
            backoff_cap: Duration::from_secs(20),
            stall_timeout: Duration::from_secs(20),
            concurrency: Concurrency::Adaptive {
                start: 16,
                max: 256,
            },
            window: None,
            memory: 64 << 20,
            retry_ratio: 10.0,
            retry_floor: 50,
            seed: None,
            max_rate: None,
            observer: None,
        }
    }
}

impl TransferConfig {
    /// Allows at most this number of attempts and inputs in flight.
    pub(crate) fn limit_attempts(&mut self, most: usize) {
        self.concurrency = self.concurrency.at_most(most);
        let most = NonZeroUsize::new(most).unwrap_or(NonZeroUsize::MIN);
        self.window = self.window.map(|window| window.min(most));
    }

    /// Returns how many inputs may be in flight at a limit of `limit` attempts.
    pub(crate) fn window(&self, limit: usize) -> usize {
        match (self.window, self.concurrency) {
            (Some(window), _) => window.get(),
            (None, Concurrency::Fixed(_)) => self.concurrency.max(),
            (None, Concurrency::Adaptive { .. }) => {
                self.concurrency.max().min(limit.saturating_mul(2) + 32)
            }
        }
    }
}
