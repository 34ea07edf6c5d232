//! Shared setup of the engine tests: a store with faults and counters, and an engine with small parts.

use std::time::Duration;

use s3_core::{MemoryStore, S3Url, StoreExt};
use s3_testkit::{FaultPlan, FaultStore, ramp};
use s3_transfer::{Concurrency, Transfer, TransferConfig};

/// Parts of 1,000 bytes, so that small objects have many.
pub(crate) const PART: u64 = 1000;

pub(crate) struct Setup {
    pub(crate) memory: MemoryStore,
    pub(crate) faults: s3_testkit::Faults,
    pub(crate) transfer: Transfer,
}

pub(crate) fn config() -> TransferConfig {
    let mut config = TransferConfig::default();
    config.part_size = PART;
    config.single_put_up_to = 2 * PART;
    config.concurrency = Concurrency::Fixed(4);
    config.seed = Some(1);
    config
}

pub(crate) fn setup(plan: impl Into<FaultPlan>) -> Setup {
    with_config(plan, config())
}

pub(crate) fn with_config(plan: impl Into<FaultPlan>, config: TransferConfig) -> Setup {
    let memory = memory();
    let store = FaultStore::new(memory.clone(), plan.into());
    let faults = store.faults().clone();
    Setup {
        memory,
        faults,
        transfer: Transfer::new(store, config),
    }
}

/// A store that takes parts of any size.
pub(crate) fn memory() -> MemoryStore {
    let mut limits = s3_core::Limits::default();
    limits.min_part_size = 1;
    MemoryStore::with_buckets(["b"]).with_limits(limits)
}

pub(crate) fn url(key: &str) -> S3Url {
    S3Url::from_parts("b", key).unwrap()
}

impl Setup {
    /// Stores `len` bytes of ramp data, past the faults.
    pub(crate) async fn seed(&self, key: &str, len: usize) -> S3Url {
        self.memory.put_bytes(url(key), ramp(0, len)).await.unwrap();
        url(key)
    }
}

/// Lets background tasks run to their end.
pub(crate) async fn settle() {
    tokio::time::sleep(Duration::from_secs(1)).await;
}
