//! The engine's settings and their defaults.

use std::num::NonZeroUsize;
use std::time::Duration;

use tokio::sync::Semaphore;

/// Settings of a [`Transfer`](crate::Transfer). The defaults are meant to be right without tuning.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TransferConfig {
    /// The size of a part in bytes, for downloads and uploads. 8 MiB: S3's guidance for ranged reads is 8 to 16 MiB.
    /// Uploads of more than 10,000 parts use larger ones.
    pub part_size: u64,
    /// Payloads up to this size go up in one request. 16 MiB.
    pub single_put_up_to: u64,
    /// How often one job is tried without making progress, the first attempt included. 21, as in Metaflow.
    /// While nothing at all succeeds, attempts are not counted, but the time is: as long as the waits between so many
    /// attempts can be.
    pub max_attempts: u32,
    /// The longest wait before the first retry; it doubles from retry to retry. The actual wait is uniformly
    /// random between zero and that ("full jitter"). 50 ms.
    pub backoff_base: Duration,
    /// The longest wait between attempts. 20 s, as in the AWS SDKs.
    pub backoff_cap: Duration,
    /// An attempt that moves no byte for this long is given up and tried again; one that sends bytes may stand still
    /// for the time that they take at 32 KiB/s in addition, as they may be on their way. 20 s.
    pub stall_timeout: Duration,
    /// How many attempts may be under way at once.
    pub concurrency: Concurrency,
    /// How many inputs of a batch may be under way at once. When `None`, enough to keep the engine busy: twice as many
    /// as attempts at the moment, and 32 that back off or wait for the disk, but no more than `concurrency` ever allows.
    pub window: Option<NonZeroUsize>,
    /// The most bytes that parts in flight may buffer, on top of what the caller's own results hold: so many for
    /// reads, so many for uploads from readers, and so many for files that are sent. 64 MiB.
    ///
    /// A part that is read counts with its size, but at most 512 KiB: the rest of it is in the caller's buffer or in the
    /// file already; so does a part of a file that is sent. A part from a reader counts with `part_size` from before it
    /// is read, and then with its size: readers whose sources are slow let no others begin, if they hold it all.
    pub memory: usize,
    /// Retries per success that the shared budget allows. 10: a constant fault rate of nine in ten still gets
    /// through, and a dead server is not hammered.
    pub retry_ratio: f32,
    /// Retries per second that the budget allows without any success. 50.
    pub retry_floor: u32,
    /// Makes backoff reproducible in tests; seeded from the system when `None`.
    pub seed: Option<u64>,
}

/// How many attempts may be under way at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Concurrency {
    /// Finds the level by itself: doubles from `start` as long as that pays in goodput, which is attempts and bytes per
    /// second, and tries again now and then. Over a long line the first step is larger: to an eighth of what the cores
    /// could work on in the time of one answer. Once the server throttles, halves, cuts by three tenths for each further
    /// round of throttling and grows by one for each round of successes.
    Adaptive {
        /// Where to begin.
        start: usize,
        /// Never more than this.
        max: usize,
    },
    /// Exactly so many.
    Fixed(usize),
}

impl Concurrency {
    /// Returns the most attempts that can ever be under way.
    #[must_use]
    pub fn max(self) -> usize {
        match self {
            Self::Adaptive { max, .. } | Self::Fixed(max) => max.clamp(1, Semaphore::MAX_PERMITS),
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
        }
    }
}

impl TransferConfig {
    /// Returns how many inputs may be under way while `limit` attempts may be.
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
