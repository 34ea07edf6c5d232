//! Scenarios with refused connections: every operation while no server listens, from the start or halfway, for a while
//! or for ever.
//!
//! Only the kernel can count refused connections, so the tests check the time and the error: a call succeeds only after
//! the server came back, and one that fails has failed to connect.
//!
//! 1. A server that comes back is found by the attempt after the current wait, and the result is right.
//! 2. One that does not is given up after all attempts, or after the current wait when all waits of one input
//!    together, from 50 ms doubled to 20 s, would have been over.

use std::time::Duration;

use s3_client::{S3, TransferConfig};
use s3_core::{ErrorKind, Phase};
use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout};

use super::matrix::settings;
use super::operation::{Ground, Operation, Seen};
use super::runner::{Report, Runner, chosen, run_all};

/// Room for steps of the clock, and for other work of the call.
const SLACK: Duration = Duration::from_secs(15);

/// The default of the longest wait between attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// All waits between 21 attempts, by the defaults: 50 ms doubled nine times up to 20 s, and eleven of that.
const ALL_WAITS: Duration = Duration::from_millis(50 * ((1 << 9) - 1) + 11 * 20_000);

/// A server that is not there.
#[derive(Clone, Copy, Debug)]
struct Absence {
    operation: Operation,
    /// It goes when the first request has come; otherwise it is gone before.
    halfway: bool,
    /// In seconds; for ever if `None`.
    lasts: Option<u64>,
}

impl Absence {
    fn name(&self) -> String {
        format!("{self:?}")
    }
}

fn all() -> Vec<Absence> {
    let mut all = Vec::new();
    for operation in Operation::ALL {
        for halfway in [false, true] {
            // Requests that are all in flight at once have their responses before the server is gone.
            if halfway && !operation.goes_on() {
                continue;
            }
            all.extend([Some(1), Some(10), None].map(|lasts| Absence {
                operation,
                halfway,
                lasts,
            }));
        }
    }
    all
}

#[expect(clippy::print_stdout, reason = "the figures of the property")]
#[test]
fn a_server_that_refuses_connections_is_waited_for_or_given_up() {
    let scenarios = chosen(all(), Absence::name);
    let report = run_all(&scenarios, Absence::name, run);
    println!(
        "scenarios without a server: {}, virtual time: {} h",
        report.run,
        report.virtual_time.as_secs() / 3600
    );
    report.check(scenarios.len());
}

async fn run(
    absence: &Absence,
    number: usize,
    runner: &Runner,
    report: &mut Report,
) -> Vec<String> {
    let Absence {
        operation,
        halfway,
        lasts,
    } = *absence;
    let lasts = lasts.map(Duration::from_secs);
    let scratch = tempfile::tempdir().unwrap();
    let work = tempfile::tempdir().unwrap();
    let root = format!("a{number}");
    let mut config = settings(number as u64);
    config.max_attempts = TransferConfig::default().max_attempts;
    let s3 = S3::builder()
        .store(runner.server.sdk_store())
        .s3root(format!("s3://bkt/{root}"))
        .tmproot(scratch.path())
        .transfer(config)
        .build()
        .unwrap();
    let ground = Ground {
        s3,
        memory: &runner.memory,
        root,
        work: work.path().to_owned(),
        with_checksums: false,
    };
    operation.prepare(&ground).await;
    runner.server.request_log().clear();
    let limit = match lasts {
        Some(lasts) => lasts + LONGEST_WAIT + SLACK,
        None => ALL_WAITS + LONGEST_WAIT + SLACK,
    };
    let gone = Notify::new();
    let away = async {
        while halfway && runner.server.request_log().requests().is_empty() {
            yield_now().await;
        }
        runner.server.go_down().await.unwrap();
        gone.notify_one();
        let since = Instant::now();
        if let Some(lasts) = lasts {
            sleep(lasts).await;
            runner.server.come_back().await.unwrap();
        }
        since
    };
    let call = async {
        if !halfway {
            gone.notified().await;
        }
        let outcome = timeout(limit * 2, operation.perform(&ground)).await;
        (outcome, Instant::now())
    };
    let (since, (outcome, ended)) = tokio::join!(away, call);
    if lasts.is_none() {
        runner.server.come_back().await.unwrap();
    }
    let took = ended.saturating_duration_since(since);
    report.virtual_time += took;

    let mut problems = Vec::new();
    let Ok(outcome) = outcome else {
        problems.push("never came to an end".to_owned());
        return problems;
    };
    if took > limit {
        problems.push(format!("took {took:?}, and {limit:?} is the most"));
    }
    match (&outcome, lasts) {
        (Ok(Seen::Right), Some(lasts)) if took >= lasts => {}
        (Err(error), None) => {
            let error = error.as_request().unwrap();
            if error.kind() != ErrorKind::Network {
                problems.push(format!("{error}"));
            }
            let log = error.attempt_log().unwrap();
            let refused = log.iter().filter(|tried| tried.phase == Phase::Connect);
            let others = log.iter().count() - refused.count();
            // The one that was in flight when the server went.
            if others > usize::from(halfway) {
                problems.push(format!("was not refused: {error:#}"));
            }
        }
        _ => problems.push(format!("{outcome:?} after {took:?}")),
    }
    let succeeded = outcome.is_ok();
    problems.extend(operation.check_server(&ground, succeeded).await);
    problems.extend(operation.check_files(&ground, succeeded));
    if let Err(error) = ground.s3.list_paths().at(["nothing"]).await {
        problems.push(format!("afterwards: {error}"));
    }
    drop(ground);
    // An upload that the server began as it went has no name, and one that it kept cannot be aborted while it is away.
    let allowed = u64::from(halfway);
    let left = runner.left(0, allowed, scratch.path(), work.path());
    problems.extend(left.await);
    problems
}
