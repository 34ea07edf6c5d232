//! Stores to test: in memory, and over HTTP.

use s3_core::{MemoryStore, SharedStore};
use s3_testkit::{FaultPlan, FaultStore, Faults, S3Server};
use s3_transfer::{Transfer, TransferConfig};

/// The only bucket.
pub(crate) const BUCKET: &str = "bucket";

/// The stores of a test.
pub(crate) struct Setup {
    pub(crate) memory: MemoryStore,
    pub(crate) faults: Option<Faults>,
    store: SharedStore,
    /// Runs as long as the test.
    _server: Option<S3Server>,
}

impl Setup {
    #[expect(clippy::unused_async, reason = "as `over_http`")]
    pub(crate) async fn in_memory() -> Self {
        Self::with_faults(FaultPlan::none())
    }

    pub(crate) fn with_faults(plan: impl Into<FaultPlan>) -> Self {
        let memory = MemoryStore::with_buckets([BUCKET]);
        let store = FaultStore::new(memory.clone(), plan.into());
        Self {
            memory,
            faults: Some(store.faults().clone()),
            store: SharedStore::new(store),
            _server: None,
        }
    }

    pub(crate) async fn over_http() -> Self {
        let memory = MemoryStore::with_buckets([BUCKET]);
        let server = S3Server::start(memory.clone()).await.unwrap();
        Self {
            memory,
            faults: None,
            store: SharedStore::new(server.sdk_store()),
            _server: Some(server),
        }
    }

    pub(crate) fn transfer(&self) -> Transfer {
        self.transfer_with(TransferConfig::default())
    }

    pub(crate) fn transfer_with(&self, mut config: TransferConfig) -> Transfer {
        config.seed = Some(1);
        Transfer::new(self.store.clone(), config)
    }
}
