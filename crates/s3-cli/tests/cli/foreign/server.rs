//! [`Foreign`]: a server of another project, a bucket, and the binary.

use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use s3_core::SdkStore;
use s3_testkit::{BlockingServer, S3Server};
use s3s_fs::FileSystem;

use super::known_failures;
use super::relay::Relay;
use crate::tool::{Account, Ran, Tool};

/// The server that is not asked for: it runs in this process.
pub(super) const S3S_FS: &str = "s3s-fs";

/// A server of another project, an empty bucket, and the binary, to which it dereferences.
pub(super) struct Foreign {
    tool: Tool,
    pub(super) bucket: String,
    /// The server and its files.
    _own: Option<(BlockingServer, tempfile::TempDir)>,
}

/// Runs a test, which has to fail if it is known that the server cannot pass it.
pub(super) fn check(run: impl FnOnce(&Foreign)) {
    let name = name_of(&run);
    let server = Foreign::start();
    let ended = catch_unwind(AssertUnwindSafe(|| run(&server)));
    let known = known_failures::of(&server_name());
    let reason = known.iter().find(|(failure, _)| *failure == name);
    match (reason, ended) {
        (None, Err(failure)) => resume_unwind(failure),
        (Some((_, reason)), Ok(())) => {
            panic!("{name} passes, but was known to fail: the server {reason}")
        }
        _ => {}
    }
}

/// Returns the name of the function that a closure is in.
fn name_of<F>(closure: &F) -> &'static str {
    let path = std::any::type_name_of_val(closure);
    let function = path.trim_end_matches("::{{closure}}");
    function.rsplit("::").next().unwrap_or(function)
}

/// Returns the name in the lists of known failures.
fn server_name() -> String {
    let named = || variable("MFS3_TEST_SERVER").unwrap_or_default();
    variable("MFS3_TEST_ENDPOINT").map_or_else(|| S3S_FS.to_owned(), |_| named())
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl Foreign {
    fn start() -> Self {
        let (account, own) = match variable("MFS3_TEST_ENDPOINT") {
            Some(endpoint) => (named_account(endpoint), None),
            None => {
                let root = tempfile::tempdir().expect("a temporary directory");
                let service = FileSystem::new(root.path()).expect("a directory");
                let server = BlockingServer::start(S3Server::builder_for(service));
                let server = server.expect("a free port");
                (Account::of(&server), Some((server, root)))
            }
        };
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let foreign = Self {
            tool: Tool::new(account),
            bucket: format!("mfs3-{}-{number}", std::process::id()),
            _own: own,
        };
        let made = foreign.run(&["mb", &foreign.url("")]);
        assert_eq!(
            made.lines(),
            [format!("make_bucket: {}", foreign.bucket)],
            "{made:?}"
        );
        foreign
    }

    /// Returns the address of a key.
    pub(super) fn url(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket)
    }

    /// Writes objects, each with its key as its content.
    pub(super) fn put(&self, keys: &[&str]) {
        for key in keys {
            let ran = self.feed(&["cp", "-", &self.url(key)], key);
            assert_eq!(ran.code, Some(0), "{ran:?}");
        }
    }

    /// Returns all keys of the bucket.
    pub(super) fn keys(&self) -> Vec<String> {
        let ran = self.run(&["find", &self.url(""), "--json"]);
        let lines = ran.json().into_iter();
        lines
            .map(|line| line["key"].as_str().expect("a key").to_owned())
            .collect()
    }

    /// Returns the content of an object.
    pub(super) fn cat(&self, key: &str) -> String {
        let ran = self.run(&["cat", &self.url(key)]);
        assert_eq!((ran.code, &*ran.err), (Some(0), ""), "{ran:?}");
        ran.out
    }

    /// Returns the record that `info` prints for an object.
    pub(super) fn info(&self, key: &str) -> serde_json::Value {
        let ran = self.run(&["info", &self.url(key), "--json"]);
        assert_eq!((ran.code, &*ran.err), (Some(0), ""), "{ran:?}");
        ran.json().remove(0)
    }

    /// Returns a relay in front of the server.
    pub(super) fn relay(&self) -> Relay {
        Relay::start(&self.account.endpoint)
    }

    /// Returns a command whose requests go through a relay.
    pub(super) fn through(&self, relay: &Relay, words: &[&str]) -> Command {
        let mut command = self.command(words);
        command
            .env("AWS_ENDPOINT_URL", &relay.endpoint)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs with an environment variable.
    pub(super) fn run_with(&self, (name, value): (&str, &str), words: &[&str]) -> Ran {
        let mut command = self.command(words);
        Ran::of(command.env(name, value).output().expect("the binary runs"))
    }

    /// Returns a store for operations that the binary has no command for.
    pub(super) fn store(&self) -> SdkStore {
        let account = &self.account;
        SdkStore::builder()
            .endpoint(&account.endpoint)
            .region(&account.region)
            .credentials(&account.access_key, &account.secret_key, None)
            .build()
    }
}

/// Returns the account on a server that the environment names.
fn named_account(endpoint: String) -> Account {
    let needed = |name: &str| variable(name).unwrap_or_else(|| panic!("{name} is not set"));
    Account {
        endpoint,
        region: variable("MFS3_TEST_REGION").unwrap_or_else(|| "us-east-1".to_owned()),
        access_key: needed("MFS3_TEST_ACCESS_KEY"),
        secret_key: needed("MFS3_TEST_SECRET_KEY"),
    }
}

impl Deref for Foreign {
    type Target = Tool;

    fn deref(&self) -> &Tool {
        &self.tool
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        if self._own.is_none() {
            // The test has failed if this does, or the server has versions left.
            _ = self.run(&["rb", "--force", "--yes", &self.url("")]);
        }
    }
}
