//! Stores to test: in memory, over HTTP, and over another server.

use std::future::Future;

use s3_core::{MemoryStore, SharedStore};
use s3_testkit::{FaultPlan, FaultStore, Faults, S3Server};
use s3_transfer::{Transfer, TransferConfig};
use s3s_fs::FileSystem;
use tempfile::TempDir;

/// The only bucket.
pub(crate) const BUCKET: &str = "bucket";

/// A function of object_store that cannot pass over s3s-fs 0.14.1.
#[derive(Debug)]
struct KnownFailure {
    function: &'static str,
    reason: &'static str,
    /// Texts of its panic.
    panic: &'static [&'static str],
}

const S3S_FS_FAILURES: &[KnownFailure] = &[
    KnownFailure {
        function: "get_opts",
        reason: "it ignores conditions of reads",
        panic: &["Ok(GetResult {", "range: 0..3"],
    },
    KnownFailure {
        function: "put_get_delete_list",
        reason: "it responds with 500 to a key that is a directory of others",
        panic: &[
            "get s3://bucket/test_dir: server failure",
            "500 InternalError",
        ],
    },
    KnownFailure {
        function: "put_opts",
        reason: "it ignores `If-Match` of writes",
        // As many updates as there are tasks, of which some are lost.
        panic: &["assertion `left == right` failed", " right: 50"],
    },
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
    failures: &'static [KnownFailure],
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
        let known = self.failures.iter().find(|known| known.function == name);
        let ended = tokio::spawn(run).await;
        let panic = match (known, ended) {
            (None, Ok(())) => return,
            (Some(known), Ok(())) => {
                panic!("{name} passes, but was known to fail: {}", known.reason)
            }
            (_, Err(failure)) => failure.into_panic(),
        };
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| Some((*panic.downcast_ref::<&str>()?).to_owned()));
        match (known, text) {
            (Some(known), Some(text)) => assert!(
                known.panic.iter().all(|part| text.contains(part)),
                "{name} is known to fail, since {}, but not with: {text}",
                known.reason
            ),
            _ => std::panic::resume_unwind(panic),
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
