//! Stores to test: in memory, over HTTP, and over another server.

use std::future::Future;

use s3_core::{MemoryStore, SharedStore};
use s3_testkit::{FaultPlan, FaultStore, Faults, S3Server};
use s3_transfer::{Transfer, TransferConfig};
use s3s_fs::FileSystem;
use tempfile::TempDir;

/// The only bucket.
pub(crate) const BUCKET: &str = "bucket";

/// Functions of object_store that cannot pass over s3s-fs 0.14.1, and why.
const S3S_FS_FAILURES: &[(&str, &str)] = &[
    ("copy_if_not_exists", "it ignores `If-None-Match`"),
    ("get_opts", "it ignores conditions of reads"),
    (
        "put_get_delete_list",
        "it responds with 500 to a key that is a directory of others",
    ),
    ("put_opts", "it ignores `If-Match` of writes"),
];

/// The stores of a test.
pub(crate) struct Setup {
    pub(crate) memory: MemoryStore,
    pub(crate) faults: Option<Faults>,
    store: SharedStore,
    /// Runs as long as the test.
    pub(crate) server: Option<S3Server>,
    /// The files of s3s-fs.
    _root: Option<TempDir>,
    failures: &'static [(&'static str, &'static str)],
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
            server: None,
            _root: None,
            failures: &[],
        }
    }

    pub(crate) async fn over_http() -> Self {
        let memory = MemoryStore::with_buckets([BUCKET]);
        let server = S3Server::start(memory.clone()).await.unwrap();
        Self {
            memory,
            faults: None,
            store: SharedStore::new(server.sdk_store()),
            server: Some(server),
            _root: None,
            failures: &[],
        }
    }

    /// Over a server of another project. `memory` is not behind it.
    pub(crate) async fn over_s3s_fs() -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join(BUCKET)).unwrap();
        let service = FileSystem::new(root.path()).unwrap();
        let server = S3Server::builder_for(service).start().await.unwrap();
        Self {
            memory: MemoryStore::new(),
            faults: None,
            store: SharedStore::new(server.sdk_store()),
            server: Some(server),
            _root: Some(root),
            failures: S3S_FS_FAILURES,
        }
    }

    /// Runs a function of object_store, which has to fail if the server cannot pass it.
    pub(crate) async fn check(&self, name: &str, run: impl Future<Output = ()> + Send + 'static) {
        let known = self.failures.iter().find(|(failure, _)| *failure == name);
        let ended = tokio::spawn(run).await;
        match (known, ended) {
            (None, Err(failure)) => std::panic::resume_unwind(failure.into_panic()),
            (Some((_, reason)), Ok(())) => panic!("{name} passes, but was known to fail: {reason}"),
            _ => {}
        }
    }

    pub(crate) fn transfer(&self) -> Transfer {
        self.transfer_with(TransferConfig::default())
    }

    pub(crate) fn transfer_with(&self, mut config: TransferConfig) -> Transfer {
        config.seed = Some(1);
        if !self.failures.is_empty() {
            // A response that never changes would be requested for minutes.
            config.max_attempts = 5;
        }
        Transfer::new(self.store.clone(), config)
    }
}
