//! Program that runs the conformance suite against any S3 server, with the default settings of the client.
//!
//! ```sh
//! cargo xtask conformance --endpoint http://127.0.0.1:9000
//! ```
//!
//! A case that fails shows where the server differs from S3, or a bug of the client. Only `--allow` or `--known` excuse
//! a failure; an allowed case that passes is a failure too, so that the list stays correct.
#![expect(clippy::print_stdout, reason = "a program that reports")]
#![expect(clippy::future_not_send, reason = "the cases of a run share a thread")]

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Parser;
use s3_client::{S3, SdkStore};
use s3_core::{AbortUpload, BucketRequest, ListUploads, SharedStore, Store};
use s3_testkit::conformance::{Case, Harness, Verdict, cases};
use tokio::time::timeout;

/// Time limit of a case.
const LIMIT: Duration = Duration::from_secs(120);

/// Runs the conformance suite against a server.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask conformance")]
struct Arguments {
    /// URL of the server, such as http://127.0.0.1:9000
    #[arg(long)]
    endpoint: String,
    #[arg(long, default_value = "test")]
    access_key: String,
    #[arg(long, default_value = "test")]
    secret_key: String,
    /// An existing bucket, for servers that create none; without it, buckets are created and deleted
    #[arg(long)]
    bucket: Option<String>,
    /// Run only cases whose names contain this
    #[arg(long, default_value = "")]
    only: String,
    /// Do not count the failure of this case, which the server cannot pass; repeatable
    #[arg(long, value_name = "CASE")]
    allow: Vec<String>,
    /// Allow the failures that docs/SERVERS.md lists for this server, such as moto
    #[arg(long, value_name = "SERVER")]
    known: Option<String>,
}

/// The document that lists the missing features of each server, so that it and the run agree.
const SERVERS: &str = include_str!("../../../docs/SERVERS.md");

fn main() -> ExitCode {
    // One line for each failure; the default panic hook prints two more.
    std::panic::set_hook(Box::new(|_| {}));
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("the system has threads and timers");
    match runtime.block_on(Run::new(&arguments).all()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(reason) => {
            println!("{reason}");
            ExitCode::from(2)
        }
    }
}

/// A run of the suite, and the buckets that it has created.
struct Run<'a> {
    arguments: &'a Arguments,
    store: SharedStore,
    /// Prefix of the names of all buckets of this run.
    name: String,
    created: u32,
}

impl<'a> Run<'a> {
    fn new(arguments: &'a Arguments) -> Self {
        let (access, secret) = (&arguments.access_key, &arguments.secret_key);
        let store = SdkStore::builder()
            .endpoint(&arguments.endpoint)
            .credentials(access, secret, None)
            .build();
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            arguments,
            store: SharedStore::new(store),
            name: format!("conformance-{:x}", now.unwrap_or_default().as_millis()),
            created: 0,
        }
    }

    async fn all(mut self) -> Result<bool, String> {
        let all = cases();
        let mut allowed: BTreeSet<&str> = self.arguments.allow.iter().map(String::as_str).collect();
        if let Some(server) = &self.arguments.known {
            allowed.extend(known_failures(server)?);
        }
        if let Some(unknown) = allowed
            .iter()
            .find(|name| !all.iter().any(|case| case.name == **name))
        {
            return Err(format!(
                "{unknown} is allowed to fail, and there is no such case"
            ));
        }
        let chosen: Vec<&Case> = all
            .iter()
            .filter(|case| case.name.contains(&self.arguments.only))
            .collect();
        if chosen.is_empty() {
            return Err(format!("--only {}: no such case", self.arguments.only));
        }
        let (mut passed, mut failed, mut known) = (0, 0, 0);
        for case in chosen {
            let ready = self.harness(case).await?;
            match (outcome(case, &ready).await, allowed.contains(case.name)) {
                (Ok(()), false) => passed += 1,
                (Ok(()), true) => {
                    failed += 1;
                    println!("FAILED {}: it passes, and is allowed to fail", case.name);
                }
                (Err(reason), true) => {
                    known += 1;
                    println!("allowed {}: {reason}", case.name);
                }
                (Err(reason), false) => {
                    failed += 1;
                    println!("FAILED {}: {reason}", case.name);
                }
            }
            if self.arguments.bucket.is_none() {
                // Free the disk space that the case has used.
                is_emptied(&ready).await;
                self.delete_bucket(&ready.bucket).await;
            }
        }
        self.delete_buckets().await;
        let known = match known {
            0 => String::new(),
            known => format!(", {known} allowed to fail"),
        };
        println!("{passed} passed, {failed} failed{known}");
        Ok(failed == 0)
    }

    /// Returns a new bucket, or a new prefix in the given bucket, so that the objects of one case do not disturb the
    /// next.
    async fn harness(&mut self, case: &Case) -> Result<Harness, String> {
        if let Some(bucket) = &self.arguments.bucket {
            let prefix = format!("{}/{}/", self.name, case.name);
            return Ok(Harness::new(self.store.clone(), bucket).with_prefix(prefix));
        }
        self.created += 1;
        let bucket = format!("{}-{}", self.name, self.created);
        let request = BucketRequest::new(bucket.as_str());
        match self.store.create_bucket(request).await {
            Ok(()) => Ok(Harness::new(self.store.clone(), bucket)),
            Err(error) => Err(format!("failed to {error:#}")),
        }
    }

    /// Deletes the buckets of this run and those that cases have left, as far as the server allows.
    async fn delete_buckets(&self) {
        let listed = self.store.list_buckets().await.unwrap_or_default();
        for bucket in listed
            .iter()
            .filter(|bucket| bucket.name.starts_with(&self.name))
        {
            let harness = Harness::new(self.store.clone(), &*bucket.name);
            is_emptied(&harness).await;
            self.delete_bucket(&bucket.name).await;
        }
    }

    /// Deletes a bucket. Ignores errors.
    async fn delete_bucket(&self, bucket: &str) {
        let _ = self.store.delete_bucket(BucketRequest::new(bucket)).await;
    }
}

/// Returns the cases in the table of a server: the first column of the table after its heading.
fn known_failures(server: &str) -> Result<Vec<&'static str>, String> {
    let heading = format!("## {server}");
    let lines = SERVERS.lines().skip_while(|line| *line != heading).skip(1);
    let cases: Vec<&str> = lines
        .take_while(|line| !line.starts_with("## "))
        .filter_map(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0))
        .collect();
    match cases.is_empty() {
        true => Err(format!("docs/SERVERS.md has no table below `{heading}`")),
        false => Ok(cases),
    }
}

/// Runs a case and returns the reason of a failure as one line.
async fn outcome(case: &Case, harness: &Harness) -> Result<(), String> {
    match timeout(LIMIT, case.run(harness)).await {
        Ok(Ok(Verdict::Ran)) => Ok(()),
        Ok(Ok(Verdict::Skipped(capability))) => Err(format!("the backend lacks {capability}")),
        Ok(Err(reason)) => Err(reason.split_whitespace().collect::<Vec<_>>().join(" ")),
        Err(_) => Err(format!("it has not ended after {} s", LIMIT.as_secs())),
    }
}

/// Deletes the objects and uploads of a bucket, and returns whether it is empty. Retries, because some servers list
/// deleted objects for a while.
async fn is_emptied(harness: &Harness) -> bool {
    for _ in 0..6 {
        if empty(harness).await.is_some_and(|left| left == 0) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    false
}

/// Deletes the objects and uploads of a bucket, and returns the number of names that are left.
async fn empty(harness: &Harness) -> Option<usize> {
    let request = ListUploads::new(harness.prefix(""));
    let uploads = harness.store.list_uploads(request).await;
    for left in uploads.map(|page| page.uploads).unwrap_or_default() {
        let abort = AbortUpload::new(left.url, left.upload);
        harness.store.abort_upload(abort).await.ok()?;
    }
    let root = format!("s3://{}/", harness.bucket);
    let s3 = S3::builder().store(harness.store.clone()).build().ok()?;
    let deadline = Duration::from_secs(30);
    let all = s3
        .list_recursive()
        .at([&root])
        .deadline(deadline)
        .await
        .ok()?;
    s3.delete_many(&all).deadline(deadline).await.ok()?;
    let left = s3.list_paths().at([&root]).deadline(deadline).await.ok()?;
    Some(left.len())
}
