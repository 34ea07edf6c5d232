//! `Transfer`: the handle of the engine, with its store, limits and memory budgets.

use std::sync::Arc;

use s3_core::{Result, SharedStore, Store};

use crate::cleanup::Cleanup;
use crate::io::{Buffers, attempts_by_descriptors};
use crate::rate_limit::RateLimit;
use crate::stack::Stack;
use crate::sync::{OwnedSemaphorePermit, Semaphore};
use crate::{CallOptions, Job, TransferConfig};

/// Transfers objects to and from one store.
///
/// All transfers share one concurrency limit, one retry budget, and separate memory budgets for downloads, read-ahead,
/// uploads from readers and uploads of files. Clone is a reference count. Calls need a tokio runtime; the handle does
/// not.
#[derive(Clone, Debug)]
pub struct Transfer(Arc<Engine>);

#[derive(Debug)]
struct Engine {
    store: SharedStore,
    stack: Stack,
    reading: Arc<Semaphore>,
    collecting: Arc<Semaphore>,
    sending: Arc<Semaphore>,
    /// Tokio's own semaphore: no task waits for it, so it needs no model.
    read_ahead: Arc<tokio::sync::Semaphore>,
    buffers: Buffers,
    cleanup: Cleanup,
    rate_limit: Option<RateLimit>,
    config: TransferConfig,
}

/// Bytes of a memory budget; returned when dropped.
pub(crate) type Reservation = OwnedSemaphorePermit;

/// Returns all but `bytes` bytes to the budget.
pub(crate) fn give_back(reservation: &mut Reservation, bytes: usize) {
    let excess = reservation.num_permits().saturating_sub(bytes);
    drop(reservation.split(excess));
}

impl Transfer {
    /// Creates an engine over `store`.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use s3_core::MemoryStore;
    /// use s3_transfer::{Concurrency, Transfer, TransferConfig};
    ///
    /// let mut config = TransferConfig::default();
    /// config.concurrency = Concurrency::Fixed(8);
    /// let transfer = Transfer::new(MemoryStore::with_buckets(["b"]), config);
    /// assert_eq!(transfer.config().part_size, 8 << 20);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn new(store: impl Store, mut config: TransferConfig) -> Self {
        // Empty parts would never cover an object.
        config.part_size = config.part_size.max(1);
        config.limit_attempts(attempts_by_descriptors());
        if let Some(rate) = config.max_rate {
            config.limit_attempts(RateLimit::most_attempts(rate, config.part_size));
        }
        let store = SharedStore::new(store);
        let stack = Stack::new(store.clone(), &config);
        let memory = config.memory.clamp(1, Semaphore::MAX_PERMITS);
        Self(Arc::new(Engine {
            store,
            stack,
            reading: Arc::new(Semaphore::new(memory)),
            collecting: Arc::new(Semaphore::new(memory)),
            sending: Arc::new(Semaphore::new(memory)),
            read_ahead: Arc::new(tokio::sync::Semaphore::new(memory)),
            buffers: Buffers::default(),
            cleanup: Cleanup::default(),
            rate_limit: config.max_rate.map(RateLimit::new),
            config,
        }))
    }

    /// Returns the store, for single requests without retries.
    #[must_use]
    pub fn store(&self) -> &SharedStore {
        &self.0.store
    }

    /// Returns the settings.
    #[must_use]
    pub fn config(&self) -> &TransferConfig {
        &self.0.config
    }

    /// Returns the pool of buffers for file I/O.
    pub(crate) fn buffers(&self) -> &Buffers {
        &self.0.buffers
    }

    /// Returns the count of cleanup requests in flight.
    pub(crate) fn cleanup(&self) -> &Cleanup {
        &self.0.cleanup
    }

    /// Waits for the time that these bytes take at the rate limit.
    pub(crate) async fn wait_for_rate(&self, bytes: u64) {
        if let Some(limit) = &self.0.rate_limit {
            limit.take(bytes).await;
        }
    }

    /// Returns whether there is a rate limit.
    pub(crate) fn has_rate_limit(&self) -> bool {
        self.0.rate_limit.is_some()
    }

    /// Runs a job through the stack: deadline, retries, concurrency limit, stall timeout.
    ///
    /// # Errors
    ///
    /// The last error of the job, with the number of attempts; `Timeout` after the deadline.
    pub async fn run<J: Job>(&self, job: J, options: &CallOptions) -> Result<J::Output> {
        self.0.stack.run(job, options).await
    }

    /// Returns how many inputs of a fan-out may be in flight now.
    pub(crate) fn window(&self) -> usize {
        self.0.config.window(self.0.stack.limit())
    }

    /// Waits for memory for a download, while holding a permit for an attempt.
    ///
    /// Downloads hold a permit while they wait for memory, and uploads hold memory while they wait for a permit. With
    /// one budget for both they would deadlock.
    pub(crate) async fn reserve_to_read(&self, bytes: u64) -> Reservation {
        self.reserve(&self.0.reading, bytes).await
    }

    /// Waits for memory for a part that is read from a reader, before the permit for its attempt.
    pub(crate) async fn reserve_to_collect(&self, bytes: u64) -> Reservation {
        self.reserve(&self.0.collecting, bytes).await
    }

    /// Waits for memory for a part of an uploaded file, before the permit for its attempt.
    ///
    /// The budget is separate from that of readers: their memory is only free when their sources have delivered, and
    /// files must not wait for that.
    pub(crate) async fn reserve_to_send(&self, bytes: u64) -> Reservation {
        self.reserve(&self.0.sending, bytes).await
    }

    /// Takes memory for frames that wait for their reader, if enough is free.
    pub(crate) fn try_reserve_read_ahead(
        &self,
        bytes: u64,
    ) -> Option<tokio::sync::OwnedSemaphorePermit> {
        let budget = Arc::clone(&self.0.read_ahead);
        let reserved = budget.try_acquire_many_owned(u32::try_from(bytes).ok()?);
        reserved.ok()
    }

    /// Waits for memory of a budget. A request larger than the budget gets the whole budget.
    ///
    /// A caller that holds memory must not wait for more, because two such callers could deadlock.
    async fn reserve(&self, budget: &Arc<Semaphore>, bytes: u64) -> Reservation {
        let most = self.0.config.memory.clamp(1, Semaphore::MAX_PERMITS);
        let share = usize::try_from(bytes).map_or(most, |bytes| bytes.min(most));
        let share = u32::try_from(share).unwrap_or(u32::MAX);
        Arc::clone(budget)
            .acquire_many_owned(share)
            .await
            .expect("the semaphore is never closed")
    }
}

#[cfg(test)]
#[cfg(shuttle)]
mod model;
