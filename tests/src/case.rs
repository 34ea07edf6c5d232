//! [`Case`]: server, client and directories for a test over HTTP; checks for orphans after the test.

use std::path::Path;

use s3_client::{S3, TransferConfig};
use s3_core::{BucketRequest, MemoryStore, Store};
use s3_testkit::{FaultPlan, S3Server};
use tempfile::TempDir;

use crate::orphans::no_orphans;

/// A server with the bucket `bkt`, and a directory for temporary files.
#[derive(Debug)]
pub struct Case {
    /// The server, in front of [`memory`](Self::memory).
    pub server: S3Server,
    /// The store behind the server, to inspect objects without HTTP.
    pub memory: MemoryStore,
    scratch: TempDir,
    work: TempDir,
}

impl Case {
    /// Runs `test` with a new server, then checks that the server has no unfinished upload and that the directory for
    /// temporary files is empty.
    ///
    /// # Panics
    ///
    /// If an upload or file is left, or the server cannot be started.
    pub async fn run(faults: impl Into<FaultPlan>, test: impl AsyncFnOnce(&Self)) {
        let memory = MemoryStore::new();
        memory
            .create_bucket(BucketRequest::new("bkt"))
            .await
            .expect("a fresh store has no buckets");
        let server = S3Server::builder(memory.clone())
            .faults(faults)
            .start()
            .await;
        let case = Self {
            server: server.expect("a port on loopback is free"),
            memory,
            scratch: tempfile::tempdir().expect("a temporary directory"),
            work: tempfile::tempdir().expect("a temporary directory"),
        };
        test(&case).await;
        case.check_nothing_is_left().await;
    }

    async fn check_nothing_is_left(&self) {
        let unfinished = self
            .server
            .unfinished_uploads()
            .await
            .expect("the store responds");
        let left = no_orphans(unfinished, &[self.scratch.path(), self.work.path()]);
        assert_eq!(left, Ok(()));
    }

    /// Returns a client with the root `s3://bkt/root`, over HTTP.
    ///
    /// # Panics
    ///
    /// If the client cannot be built.
    #[must_use]
    pub fn s3(&self) -> S3 {
        self.s3_with(TransferConfig::default())
    }

    /// Returns a client as [`s3`](Self::s3), with other engine settings.
    ///
    /// # Panics
    ///
    /// If the client cannot be built.
    #[must_use]
    pub fn s3_with(&self, transfer: TransferConfig) -> S3 {
        S3::builder()
            .store(self.server.sdk_store())
            .s3root("s3://bkt/root")
            .tmproot(self.scratch.path())
            .transfer(transfer)
            .build()
            .expect("the settings are right")
    }

    /// Returns the directory for the temporary files of the clients of this case.
    #[must_use]
    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// Returns a directory for the test's own files.
    #[must_use]
    pub fn work(&self) -> &Path {
        self.work.path()
    }
}
