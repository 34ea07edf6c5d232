//! All combinations that exist, run over TCP in virtual time on several threads.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use s3_client::{S3, TransferConfig};
use s3_core::{Limits, MemoryStore, SdkStore};
use s3_testkit::{FaultMatch, FaultPlan, S3Server};
use s3_tests::{none_left, paced};
use tokio::time::{Instant, sleep, timeout};

use super::fault::{Fault, faults};
use super::operation::{Ground, Operation, PAGE, PART, Target};
use super::rule::{ATTEMPTS, Times, bound, expected, is_blind, orphans};

/// The gate: fewer scenarios than this are no proof.
const FEWEST: usize = 1000;

/// More threads than cores: a part of the time passes in earnest, while the clock waits for the kernel.
const THREADS: usize = 8;

/// The most connections that a client may have open: as many as it may have requests under way at the start, and some
/// that are being given up.
const MOST_CONNECTIONS: usize = 20;

/// One combination.
#[derive(Clone, Debug)]
struct Scenario {
    operation: Operation,
    target: Target,
    fault: Fault,
    times: Times,
    /// How many requests of the target are left alone first.
    skip: u32,
}

impl Scenario {
    fn name(&self) -> String {
        let Self {
            operation,
            target,
            fault,
            times,
            skip,
        } = self;
        let Fault { name, phase, .. } = fault;
        format!("{operation:?} {target:?} {phase:?} \"{name}\" {times:?} after {skip}")
    }
}

fn all() -> Vec<Scenario> {
    let mut all = Vec::new();
    for operation in Operation::ALL {
        for &target in operation.targets() {
            for fault in faults(operation, target) {
                for &times in Times::that_matter(fault.effect) {
                    // Which of its requests has a token is up to the listing.
                    if operation == Operation::ListRecursive
                        && fault.name == "same token"
                        && times == Times::Once
                    {
                        continue;
                    }
                    let later = operation.requests(target) > 2 && times == Times::Once;
                    let skips: &[u32] = match () {
                        // The second page is the first that can contradict another one.
                        () if fault.contradicts() => &[1],
                        () if later => &[0, 1],
                        () => &[0],
                    };
                    all.extend(skips.iter().map(|&skip| Scenario {
                        operation,
                        target,
                        fault: fault.clone(),
                        times,
                        skip,
                    }));
                }
            }
        }
    }
    all
}

#[expect(clippy::print_stdout, reason = "the figures of the gate")]
#[test]
fn every_scenario_has_the_outcome_that_the_rules_ask_for() {
    let only = std::env::var("SCENARIO").unwrap_or_default();
    let scenarios: Vec<_> = all()
        .into_iter()
        .filter(|scenario| scenario.name().contains(&only))
        .collect();
    let names: BTreeSet<_> = scenarios.iter().map(Scenario::name).collect();
    assert_eq!(names.len(), scenarios.len(), "scenarios are distinct");
    assert!(scenarios.len() >= FEWEST || !only.is_empty());
    let next = AtomicUsize::new(0);
    let work = || run_some(&scenarios, &next);
    let reports = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, Report>| thread.join().unwrap();
        threads.into_iter().map(join).collect::<Vec<_>>()
    });
    let mut all = Report::default();
    for report in reports {
        all.join(report);
    }
    println!(
        "scenarios: {}, faults delivered: {}, virtual time: {} h",
        all.run,
        all.delivered.values().sum::<u64>(),
        all.virtual_time.as_secs() / 3600
    );
    println!("faults delivered by kind: {:?}", all.delivered);
    assert!(
        all.failures.is_empty(),
        "{} of {} scenarios failed:\n{}",
        all.failures.len(),
        all.run,
        all.failures.join("\n")
    );
    assert_eq!(all.run, scenarios.len());
}

#[derive(Default)]
struct Report {
    run: usize,
    delivered: BTreeMap<&'static str, u64>,
    virtual_time: Duration,
    failures: Vec<String>,
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
}

/// Takes scenarios until there are no more, on a runtime and a server of its own.
fn run_some(scenarios: &[Scenario], next: &AtomicUsize) -> Report {
    // Another thread's work on files would take real time, in which the clock goes on.
    s3_core::local_io::let_this_thread_wait();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut limits = Limits::default();
        limits.min_part_size = 1;
        limits.max_keys_per_page = PAGE;
        let memory = MemoryStore::with_buckets(["bkt"]).with_limits(limits);
        let server = S3Server::start(memory.clone()).await.unwrap();
        let mut report = Report::default();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(scenario) = scenarios.get(number) else {
                return report;
            };
            // Connections are the scenario's own, so that what happens to them is too.
            let client = server.sdk_store();
            let run = run(scenario, number, &server, &memory, client, &mut report);
            let problems = paced(&server, run).await;
            report.run += 1;
            let name = scenario.name();
            report.failures.extend(
                problems
                    .into_iter()
                    .map(|problem| format!("{name}: {problem}")),
            );
        }
    })
}

/// Plays one scenario and returns what is wrong with it.
async fn run(
    scenario: &Scenario,
    number: usize,
    server: &S3Server,
    memory: &MemoryStore,
    client: SdkStore,
    report: &mut Report,
) -> Vec<String> {
    let Scenario {
        operation,
        target,
        ref fault,
        times,
        skip,
    } = *scenario;
    let scratch = tempfile::tempdir().unwrap();
    let work = tempfile::tempdir().unwrap();
    let root = format!("s{number}");
    let s3 = S3::builder()
        .store(client)
        .s3root(format!("s3://bkt/{root}"))
        .tmproot(scratch.path())
        .transfer(settings(number as u64))
        .build()
        .unwrap();
    let ground = Ground {
        s3,
        memory,
        root,
        work: work.path().to_owned(),
    };
    operation.prepare(&ground).await;
    let mut rule = FaultMatch::operation(target.name())
        .on(fault.action.clone())
        .skip(skip);
    rule.times = times.limit();
    server.faults().set(rule);

    let others = server.connections();
    let limit = bound(operation, target, fault, times);
    let start = Instant::now();
    // Twice the bound, so that a call without end is told from one that is late.
    let outcome = timeout(limit * 2, operation.perform(&ground)).await;
    let took = start.elapsed();
    report.virtual_time += took;
    let delivered = server.faults().delivered();
    for (&name, &count) in &delivered.actions {
        *report.delivered.entry(name).or_default() += count;
    }
    server.faults().set(FaultPlan::none());

    let mut problems = Vec::new();
    if delivered.total() == 0 {
        problems.push("the fault was never delivered".to_owned());
    }
    if took > limit {
        problems.push(format!("took {took:?}, and {limit:?} is the most"));
    }
    let Ok(outcome) = outcome else {
        problems.push("never came to an end".to_owned());
        return problems;
    };
    let succeeded = outcome.is_ok();
    let seen = outcome.as_ref().map_err(|error| {
        let error = error.as_object();
        error.map_or(s3_core::ErrorKind::Other, s3_core::Error::kind)
    });
    if let Some(wrong) = expected(operation, target, fault, times).judge(seen) {
        let text = outcome.as_ref().err().map(ToString::to_string);
        problems.push(format!("{wrong} ({})", text.unwrap_or_default()));
    }
    problems.extend(operation.check_server(&ground, succeeded).await);
    problems.extend(operation.check_files(&ground, succeeded));
    // The same client works as soon as the server does.
    if let Err(error) = ground.s3.list_paths(["nothing"]).await {
        problems.push(format!("afterwards: {error}"));
    }
    let connections = server.connections().saturating_sub(others);
    if connections > MOST_CONNECTIONS {
        problems.push(format!("{connections} connections are open"));
    }
    drop(ground);
    let allowed = orphans(target, fault, delivered.total());
    let others = match is_blind(target, fault) {
        true => usize::MAX,
        false => others,
    };
    problems.extend(left(server, others, allowed, scratch.path(), work.path()).await);
    problems
}

fn settings(seed: u64) -> TransferConfig {
    let mut config = TransferConfig::default();
    config.part_size = PART as u64;
    config.single_put_up_to = PART as u64;
    config.max_attempts = ATTEMPTS;
    config.seed = Some(seed);
    config
}

/// Says what is left behind after a while.
async fn left(
    server: &S3Server,
    others: usize,
    allowed: u64,
    scratch: &std::path::Path,
    work: &std::path::Path,
) -> Option<String> {
    let mut problem = None;
    for _ in 0..60 {
        let unfinished = server.unfinished_uploads().await.unwrap() as u64;
        let unfinished = usize::try_from(unfinished.saturating_sub(allowed)).unwrap();
        problem = none_left(unfinished, &[scratch, work]).err();
        let connections = server.connections().saturating_sub(others);
        if problem.is_none() && connections > 0 {
            problem = Some(format!("{connections} connections outlive their client"));
        }
        if problem.is_none() {
            break;
        }
        sleep(Duration::from_secs(1)).await;
    }
    abort_all(server).await;
    problem
}

/// Removes the uploads that were allowed to stay, so that the next scenario begins with none.
async fn abort_all(server: &S3Server) {
    use s3_core::{AbortUpload, ListUploads, S3Prefix, Store};
    let store = server.store();
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
