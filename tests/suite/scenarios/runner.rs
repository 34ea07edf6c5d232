//! Runs scenarios on several threads, each with a server and a virtual clock.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use s3_core::{
    AbortUpload, Limits, ListUploads, MemoryStore, S3Prefix, SetVersioning, Store, Versioning,
};
use s3_testkit::S3Server;
use s3_tests::{in_virtual_time, no_orphans};
use tokio::time::sleep;

use super::operation::{PAGE, VERSIONED};

/// More threads than cores: a part of the time passes in earnest, while the clock waits for the kernel.
const THREADS: usize = 8;

/// A server, and its objects.
pub(super) struct Runner {
    pub(super) server: S3Server,
    pub(super) memory: MemoryStore,
}

/// Findings of a run.
#[derive(Default)]
pub(super) struct Report {
    pub(super) run: usize,
    pub(super) delivered: BTreeMap<&'static str, u64>,
    pub(super) virtual_time: Duration,
    pub(super) failures: Vec<String>,
}

impl Report {
    fn join(&mut self, other: Self) {
        self.run += other.run;
        self.virtual_time += other.virtual_time;
        self.failures.extend(other.failures);
        for (name, count) in other.delivered {
            *self.delivered.entry(name).or_default() += count;
        }
    }

    /// Fails with everything that went wrong, if anything did.
    pub(super) fn check(&self, scenarios: usize) {
        assert!(
            self.failures.is_empty(),
            "{} of {} scenarios failed:\n{}",
            self.failures.len(),
            self.run,
            self.failures.join("\n")
        );
        assert_eq!(self.run, scenarios);
    }
}

/// The scenarios whose names contain the value of `SCENARIO`; all of them without it.
pub(super) fn chosen<S>(scenarios: Vec<S>, name: impl Fn(&S) -> String) -> Vec<S> {
    let only = std::env::var("SCENARIO").unwrap_or_default();
    let chosen = scenarios.into_iter();
    chosen.filter(|one| name(one).contains(&only)).collect()
}

/// Plays all scenarios. `play` gets a unique number, and returns the problems.
pub(super) fn run_all<S: Sync>(
    scenarios: &[S],
    name: impl Fn(&S) -> String + Sync,
    play: impl AsyncFn(&S, usize, &Runner, &mut Report) -> Vec<String> + Sync,
) -> Report {
    let next = AtomicUsize::new(0);
    let work = || {
        // Another thread's work on files would take real time, in which the clock advances.
        s3_core::blocking_io::allow_blocking_io();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let runner = Runner::new().await;
            let mut report = Report::default();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(scenario) = scenarios.get(number) else {
                    return report;
                };
                let run = play(scenario, number, &runner, &mut report);
                let problems = in_virtual_time(&runner.server, run).await;
                report.run += 1;
                let told = |problem| format!("{}: {problem}", name(scenario));
                report.failures.extend(problems.into_iter().map(told));
            }
        })
    };
    let reports = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, Report>| thread.join().unwrap();
        threads.into_iter().map(join).collect::<Vec<_>>()
    });
    let mut all = Report::default();
    for report in reports {
        all.join(report);
    }
    all
}

impl Runner {
    async fn new() -> Self {
        let mut limits = Limits::default();
        limits.min_part_size = 1;
        limits.max_keys_per_page = PAGE;
        let memory = MemoryStore::with_buckets(["bkt", VERSIONED]).with_limits(limits);
        let versioning = SetVersioning::new(VERSIONED, Versioning::Enabled);
        memory.set_versioning(versioning).await.unwrap();
        let server = S3Server::start(memory.clone()).await.unwrap();
        Self { server, memory }
    }

    /// Returns the problem if connections, uploads or files are left after a while, except the connections of others
    /// and the uploads that are allowed.
    pub(super) async fn left(
        &self,
        others: usize,
        allowed: u64,
        scratch: &Path,
        work: &Path,
    ) -> Option<String> {
        let mut problem = None;
        for _ in 0..60 {
            let unfinished = self.server.unfinished_uploads().await.unwrap() as u64;
            let unfinished = usize::try_from(unfinished.saturating_sub(allowed)).unwrap();
            problem = no_orphans(unfinished, &[scratch, work]).err();
            let connections = self.server.connections().saturating_sub(others);
            if problem.is_none() && connections > 0 {
                problem = Some(format!("{connections} connections outlive their client"));
            }
            if problem.is_none() {
                break;
            }
            sleep(Duration::from_secs(1)).await;
        }
        self.abort_all().await;
        problem
    }

    /// Removes the uploads that were allowed to stay, so that the next scenario begins with none.
    async fn abort_all(&self) {
        let store = self.server.store();
        let list = ListUploads::new(S3Prefix::from_parts("bkt", "").unwrap());
        loop {
            let page = store.list_uploads(list.clone()).await.unwrap();
            if page.uploads.is_empty() {
                return;
            }
            for upload in page.uploads {
                let abort = AbortUpload::new(upload.url, upload.upload);
                store.abort_upload(abort).await.unwrap();
            }
        }
    }
}
