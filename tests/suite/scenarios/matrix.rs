//! All combinations of operation, fault and client mode, run over TCP in virtual time on several threads.

use std::collections::BTreeSet;

use s3_client::{S3, TransferConfig};
use s3_testkit::{FaultMatch, FaultPlan};
use tokio::time::{Instant, timeout};

use super::client_mode::ClientMode;
use super::expectation::{ATTEMPTS, Times, bound, expected, is_blind, least_delivered, orphans};
use super::fault::{Fault, faults};
use super::operation::{Ground, Operation, PART, Target};
use super::runner::{Report, Runner, chosen, run_all};

/// The property: fewer scenarios than this prove nothing.
const FEWEST: usize = 2500;

/// The most connections that a client may have open: as many as it may have requests in flight at the start, and some
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
    mode: ClientMode,
}

impl Scenario {
    fn name(&self) -> String {
        let Self {
            operation,
            target,
            fault,
            times,
            skip,
            mode,
        } = self;
        let Fault { name, phase, .. } = fault;
        format!("{operation:?} {target:?} {phase:?} \"{name}\" {times:?} after {skip} {mode:?}")
    }
}

fn all() -> Vec<Scenario> {
    let mut all = Vec::new();
    for mode in ClientMode::ALL {
        for operation in Operation::ALL {
            if !mode.takes(operation) {
                continue;
            }
            for &target in operation.targets() {
                for fault in faults(operation, target, mode) {
                    all.extend(with_fault(operation, target, &fault, mode));
                }
            }
        }
    }
    all
}

fn with_fault(
    operation: Operation,
    target: Target,
    fault: &Fault,
    mode: ClientMode,
) -> Vec<Scenario> {
    let mut all = Vec::new();
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
            mode,
        }));
    }
    all
}

#[expect(clippy::print_stdout, reason = "the figures of the property")]
#[test]
fn every_scenario_has_the_outcome_that_the_rules_ask_for() {
    let scenarios = all();
    assert!(scenarios.len() >= FEWEST, "{} scenarios", scenarios.len());
    let scenarios = chosen(scenarios, Scenario::name);
    let names: BTreeSet<_> = scenarios.iter().map(Scenario::name).collect();
    assert_eq!(names.len(), scenarios.len(), "scenarios are distinct");
    let report = run_all(&scenarios, Scenario::name, run);
    println!(
        "scenarios: {}, faults delivered: {}, virtual time: {} h",
        report.run,
        report.delivered.values().sum::<u64>(),
        report.virtual_time.as_secs() / 3600
    );
    println!("faults delivered by kind: {:?}", report.delivered);
    report.check(scenarios.len());
}

/// Plays one scenario and returns its problems.
async fn run(
    scenario: &Scenario,
    number: usize,
    runner: &Runner,
    report: &mut Report,
) -> Vec<String> {
    let Scenario {
        operation,
        target,
        ref fault,
        times,
        skip,
        mode,
    } = *scenario;
    let server = &runner.server;
    let scratch = tempfile::tempdir().unwrap();
    let work = tempfile::tempdir().unwrap();
    let root = format!("s{number}");
    let s3 = S3::builder()
        // Each scenario has its own connections, so that faults of connections affect no other.
        .store(mode.client(server))
        .s3root(format!("s3://bkt/{root}"))
        .tmproot(scratch.path())
        .transfer(settings(number as u64))
        .build()
        .unwrap();
    let ground = Ground {
        s3,
        memory: &runner.memory,
        root,
        work: work.path().to_owned(),
        with_checksums: mode == ClientMode::Checksums,
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
    let least = least_delivered(target, fault, times);
    if delivered.total() < least {
        let times = delivered.total();
        problems.push(format!(
            "the fault was delivered {times} times, not {least}"
        ));
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
        let error = error.as_request();
        error.map_or(s3_core::ErrorKind::Other, s3_core::Error::kind)
    });
    if let Some(wrong) = expected(operation, target, fault, times, skip).judge(seen) {
        let text = outcome.as_ref().err().map(ToString::to_string);
        problems.push(format!("{wrong} ({})", text.unwrap_or_default()));
    }
    problems.extend(operation.check_server(&ground, succeeded).await);
    problems.extend(operation.check_files(&ground, succeeded));
    // The same client works as soon as the server does.
    if let Err(error) = ground.s3.list_paths().at(["nothing"]).await {
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
    let left = runner.left(others, allowed, scratch.path(), work.path());
    problems.extend(left.await);
    problems
}

pub(super) fn settings(seed: u64) -> TransferConfig {
    let mut config = TransferConfig::default();
    config.part_size = PART as u64;
    config.single_put_up_to = PART as u64;
    config.max_attempts = ATTEMPTS;
    config.seed = Some(seed);
    config
}
