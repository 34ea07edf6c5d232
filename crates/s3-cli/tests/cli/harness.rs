//! A server, a directory, and the binary.

use std::ops::Deref;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use s3_core::{MemoryStore, Payload, S3Url, Store};
use s3_testkit::{BlockingServer, FaultAction, FaultMatch, FaultPlan, S3Server, S3ServerBuilder};

use crate::tool::{Account, Tool};
pub(crate) use crate::tool::{Ran, text};

/// A server with the bucket `bkt`, and an empty directory. It dereferences to the binary.
pub(crate) struct Harness {
    pub(crate) server: BlockingServer,
    pub(crate) store: MemoryStore,
    tool: Tool,
}

impl Deref for Harness {
    type Target = Tool;

    fn deref(&self) -> &Tool {
        &self.tool
    }
}

impl Harness {
    pub(crate) fn new() -> Self {
        Self::with_server(|server| server)
    }

    /// Returns a server with other settings.
    pub(crate) fn with_server(set: impl FnOnce(S3ServerBuilder) -> S3ServerBuilder) -> Self {
        let store = MemoryStore::with_buckets(["bkt"]);
        let server = set(S3Server::builder(store.clone()));
        let server = BlockingServer::start(server).expect("a free port");
        let tool = Tool::new(Account::of(&server));
        Self {
            server,
            store,
            tool,
        }
    }

    /// Returns a server that has these objects, each with its key as its content.
    pub(crate) fn with_keys(keys: &[&str]) -> Self {
        let harness = Self::new();
        keys.iter().for_each(|key| harness.put(key, key));
        harness
    }

    pub(crate) fn put(&self, key: &str, content: &str) {
        let url = S3Url::from_parts("bkt", key).expect("a key");
        let request = s3_core::PutRequest::new(url, Payload::from(content.to_owned()));
        block_on(self.store.put(request)).expect("the store takes it");
    }

    /// Returns all keys of the bucket.
    pub(crate) fn keys(&self) -> Vec<String> {
        let ran = self.run(&["find", "s3://bkt", "--json"]);
        let lines = ran.json().into_iter();
        lines
            .map(|line| line["key"].as_str().expect("a key").to_owned())
            .collect()
    }

    /// Returns a server that waits for a second before the requests of an operation take effect.
    pub(crate) fn slow_in(operation: &str) -> Self {
        let stall = FaultAction::stall(Duration::from_secs(1));
        let plan = FaultPlan::none().with(FaultMatch::operation(operation).on(stall));
        Self::with_server(|server| server.faults(plan))
    }

    /// Runs, and does something else when the server has received a request of an operation.
    pub(crate) fn run_during(
        &self,
        arguments: &[&str],
        operation: &str,
        other: impl FnOnce(),
    ) -> Ran {
        let log = self.server.request_log();
        let before = log.count_of(operation);
        let mut command = self.command(arguments);
        let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().expect("the binary runs");
        while log.count_of(operation) == before {
            let ended = child.try_wait().expect("it is ours");
            assert_eq!(ended, None, "it ended without {operation}");
            thread::sleep(Duration::from_millis(5));
        }
        other();
        Ran::of(child.wait_with_output().expect("it ends"))
    }
}

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(future)
}
