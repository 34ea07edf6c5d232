//! The engine's handle.

use std::sync::Arc;

use s3_core::{Result, SharedStore, Store};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::stack::Stack;
use crate::{CallOptions, Job, TransferConfig};

/// Transfers over one store, with one limit, one retry budget and one memory budget for all of them.
///
/// Clone is a reference count. Calls need a tokio runtime; the handle does not.
#[derive(Clone, Debug)]
pub struct Transfer(Arc<Engine>);

#[derive(Debug)]
struct Engine {
    store: SharedStore,
    stack: Stack,
    memory: Arc<Semaphore>,
    config: TransferConfig,
}

/// Bytes of the memory budget; given back when dropped.
pub(crate) type Reservation = OwnedSemaphorePermit;

impl Transfer {
    /// Returns an engine over `store`.
    #[must_use]
    pub fn new(store: impl Store, config: TransferConfig) -> Self {
        let store = SharedStore::new(store);
        let stack = Stack::new(store.clone(), &config);
        let memory = Arc::new(Semaphore::new(
            config.memory.clamp(1, Semaphore::MAX_PERMITS),
        ));
        Self(Arc::new(Engine {
            store,
            stack,
            memory,
            config,
        }))
    }

    /// Returns the store, for single attempts without the engine.
    #[must_use]
    pub fn store(&self) -> &SharedStore {
        &self.0.store
    }

    /// Returns the settings.
    #[must_use]
    pub fn config(&self) -> &TransferConfig {
        &self.0.config
    }

    /// Runs a job of your own through the stack: deadline, retries, limit, stall limit.
    ///
    /// # Errors
    ///
    /// What the job says last, with the number of attempts; `Timeout` after the deadline.
    pub async fn run<J: Job>(&self, job: J, options: &CallOptions) -> Result<J::Output> {
        self.0.stack.run(job, options).await
    }

    /// Waits for a share of the memory budget. A demand larger than the budget gets the whole budget.
    ///
    /// A holder must not wait for more: partial holders would wait for each other.
    pub(crate) async fn reserve(&self, bytes: u64) -> Reservation {
        let most = self.0.config.memory.clamp(1, Semaphore::MAX_PERMITS);
        let share = usize::try_from(bytes).map_or(most, |bytes| bytes.min(most));
        let share = u32::try_from(share).unwrap_or(u32::MAX);
        Arc::clone(&self.0.memory)
            .acquire_many_owned(share)
            .await
            .expect("the semaphore is never closed")
    }
}
