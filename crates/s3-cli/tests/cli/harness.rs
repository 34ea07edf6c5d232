//! A server, a directory, and the binary.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use s3_core::{MemoryStore, Payload, S3Url, Store};
use s3_testkit::{BlockingServer, FaultAction, FaultMatch, FaultPlan, S3Server, S3ServerBuilder};
use serde_json::Value;

/// A server with the bucket `bkt`, and an empty directory.
pub(crate) struct Harness {
    pub(crate) server: BlockingServer,
    pub(crate) store: MemoryStore,
    directory: tempfile::TempDir,
}

/// What the binary printed and returned.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Harness {
    pub(crate) fn new() -> Self {
        Self::with_server(|server| server)
    }

    /// Returns a server with other settings.
    pub(crate) fn with_server(set: impl FnOnce(S3ServerBuilder) -> S3ServerBuilder) -> Self {
        let store = MemoryStore::with_buckets(["bkt"]);
        let server = set(S3Server::builder(store.clone()));
        Self {
            server: BlockingServer::start(server).expect("a free port"),
            store,
            directory: tempfile::tempdir().expect("a temporary directory"),
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

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file below the directory.
    pub(crate) fn write(&self, name: &str, content: &str) -> String {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("it is below the directory"))
            .expect("a directory");
        std::fs::write(&path, content).expect("a file");
        text(&path)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("a file")
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mfs3"));
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env_clear()
            .env("HOME", self.directory.path())
            .env("TMPDIR", self.directory.path())
            .env("TZ", "UTC")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ENDPOINT_URL", self.server.endpoint())
            .env("AWS_REGION", self.server.region())
            .env("AWS_ACCESS_KEY_ID", self.server.access_key())
            .env("AWS_SECRET_ACCESS_KEY", self.server.secret_key())
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(arguments).output().expect("the binary runs"))
    }

    /// Runs with text on standard input.
    pub(crate) fn feed(&self, arguments: &[&str], input: &str) -> Ran {
        let mut command = self.command(arguments);
        let piped = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = piped.spawn().expect("the binary runs");
        let mut stdin = child.stdin.take().expect("it is piped");
        stdin.write_all(input.as_bytes()).expect("it is read");
        drop(stdin);
        Ran::of(child.wait_with_output().expect("it ends"))
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

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    /// Asserts success and returns the lines of standard output, sorted.
    pub(crate) fn lines(&self) -> Vec<&str> {
        assert_eq!((self.code, &*self.err), (Some(0), ""), "{self:?}");
        let mut lines: Vec<_> = self.out.lines().collect();
        lines.sort_unstable();
        lines
    }

    pub(crate) fn json(&self) -> Vec<Value> {
        let lines = self.out.lines();
        lines
            .map(|line| serde_json::from_str(line).expect("a JSON line"))
            .collect()
    }
}

pub(crate) fn text(path: &Path) -> String {
    path.to_str().expect("UTF-8").to_owned()
}

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(future)
}
