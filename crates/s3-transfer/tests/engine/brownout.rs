//! Outages: 64 workers and a server that fails everything for a while.
//!
//! 64 workers share one client, as in `docs/TESTING.md`; time is virtual.

use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use s3_core::StoreExt;
use s3_testkit::{FaultAction, FaultMatch, FaultPlan, FaultStore};
use s3_transfer::{Transfer, TransferConfig};
use tokio::time::Instant;

use crate::setup::{memory, setup, url};

const WORKERS: usize = 64;
/// Duration of a request.
const LATENCY: Duration = Duration::from_millis(200);
/// How long after the end of an outage every worker has had a response.
const RECOVERY: Duration = Duration::from_secs(5);

/// Result of a run.
struct Run {
    /// Requests that reached the server, the failed ones included.
    sent: u64,
    /// When each worker has had a response, since the start.
    responses: Vec<Vec<Duration>>,
    gave_up: usize,
}

const fn seconds(range: Range<u64>) -> Range<Duration> {
    Duration::from_secs(range.start)..Duration::from_secs(range.end)
}

/// Lets each worker ask `each` times, one request after the other, while the server fails at the given times.
async fn run(outages: &[Range<Duration>], failure: &FaultAction, each: usize) -> Run {
    let memory = memory();
    memory.put_bytes(url("k"), "value").await.unwrap();
    let mut plan = FaultPlan::none();
    for outage in outages {
        plan = plan.with(FaultMatch::any().on(failure.clone()).during(outage.clone()));
    }
    plan = plan.with(FaultMatch::any().on(FaultAction::stall(LATENCY)));
    let store = FaultStore::new(memory, plan);
    let faults = store.faults().clone();
    let mut config = TransferConfig::default();
    config.seed = Some(7);
    let transfer = Transfer::new(store, config);
    let start = Instant::now();
    let gave_up = Arc::new(Mutex::new(0));
    let worker = || {
        let (transfer, gave_up) = (transfer.clone(), Arc::clone(&gave_up));
        tokio::spawn(async move {
            let mut responses = Vec::new();
            for _ in 0..each {
                match transfer.head(url("k"), &Default::default()).await {
                    Ok(_) => responses.push(start.elapsed()),
                    Err(_) => *gave_up.lock().unwrap() += 1,
                }
            }
            responses
        })
    };
    let workers: Vec<_> = (0..WORKERS).map(|_| worker()).collect();
    let mut responses = Vec::new();
    for worker in workers {
        responses.push(worker.await.unwrap());
    }
    let gave_up = *gave_up.lock().unwrap();
    Run {
        sent: faults.delivered().total(),
        responses,
        gave_up,
    }
}

impl Run {
    #[expect(clippy::print_stdout, reason = "the figures of a run")]
    fn check(&self, name: &str, outages: &[Range<Duration>], each: usize) {
        let least = (WORKERS * each) as u64;
        let extra = self.sent - least;
        let longest = outages.iter().map(|outage| self.recovery(outage)).max();
        println!(
            "brown-out {name}: {WORKERS} workers, {least} requests and {extra} more ({:.1} %), recovery within {:.2} s",
            100.0 * extra as f64 / least as f64,
            longest.unwrap_or_default().as_secs_f64(),
        );
        assert_eq!(self.gave_up, 0, "{name}");
        assert!(
            self.responses
                .iter()
                .all(|responses| responses.len() == each)
        );
        assert!(extra * 5 <= least, "{name}: {extra} of {least}");
        assert!(longest <= Some(RECOVERY), "{name}: {longest:?}");
        let is_wasted = outages.iter().any(|outage| {
            let last = self.responses.iter().flatten().max().copied();
            last.unwrap_or_default() > outage.end
        });
        assert!(is_wasted, "{name}: the outage came after the last request");
    }

    /// How long after an outage the last worker has had its first response; no time for those who were done before.
    fn recovery(&self, outage: &Range<Duration>) -> Duration {
        let of = |responses: &Vec<Duration>| {
            let first = responses.iter().find(|at| **at >= outage.end);
            first.map_or(Duration::ZERO, |at| *at - outage.end)
        };
        self.responses.iter().map(of).max().unwrap_or_default()
    }
}

fn failures() -> [(&'static str, FaultAction); 3] {
    [
        ("500", FaultAction::status(500, "InternalError")),
        ("503", FaultAction::status(503, "SlowDown")),
        ("lost connections", FaultAction::Drop),
    ]
}

#[tokio::test(start_paused = true)]
async fn half_a_minute_without_a_server() {
    for (name, failure) in failures() {
        let outages = [seconds(1..31)];
        let run = run(&outages, &failure, 20).await;
        run.check(&format!("30 s of {name}"), &outages, 20);
    }
}

#[tokio::test(start_paused = true)]
async fn two_minutes_without_a_server() {
    for (name, failure) in failures() {
        let outages = [seconds(1..121)];
        let run = run(&outages, &failure, 20).await;
        run.check(&format!("120 s of {name}"), &outages, 20);
    }
}

#[tokio::test(start_paused = true)]
async fn two_minutes_of_five_good_and_five_bad_seconds() {
    let outages: Vec<_> = (0..12).map(|n| seconds(10 * n + 5..10 * n + 10)).collect();
    for (name, failure) in failures() {
        let run = run(&outages, &failure, 250).await;
        run.check(&format!("5 s / 5 s of {name}"), &outages, 250);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stays_away_is_given_up_in_the_time_of_all_backoffs() {
    let for_ever = [seconds(0..1_000_000)];
    let failure = FaultAction::status(500, "InternalError");
    let start = Instant::now();
    let run = run(&for_ever, &failure, 1).await;
    assert_eq!(run.gave_up, WORKERS);
    // 50 ms to 12.8 s, and eleven times 20 s.
    let most = Duration::from_millis(245_550) + Duration::from_secs(30);
    assert!(start.elapsed() <= most, "{:?}", start.elapsed());
    assert!(run.sent <= 2 * 64 + 140, "{}", run.sent);
}

#[tokio::test(start_paused = true)]
async fn a_second_without_a_server_is_survived_by_any_number_of_jobs() {
    const JOBS: usize = 3000;
    let memory = memory();
    memory.put_bytes(url("k"), "value").await.unwrap();
    let outage = FaultMatch::any().on(FaultAction::Drop);
    let store = FaultStore::new(memory, FaultPlan::none().with(outage.during(seconds(0..1))));
    let transfer = Transfer::new(store, TransferConfig::default());
    let job = || {
        let transfer = transfer.clone();
        tokio::spawn(async move { transfer.head(url("k"), &Default::default()).await })
    };
    let jobs: Vec<_> = (0..JOBS).map(|_| job()).collect();
    for job in jobs {
        job.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_falls_silent_for_good_is_given_up_in_the_time_of_all_backoffs() {
    let silence = FaultAction::stall(Duration::from_secs(1 << 20));
    let start = Instant::now();
    let outages = [seconds(1..1 << 20)];
    let run = run(&outages, &silence, 6).await;
    assert_eq!(run.responses.iter().map(Vec::len).max(), Some(5));
    // 32 failures open the circuit breaker, it gives up after 4 minutes, and a stalled attempt ends after 25 seconds.
    let took = start.elapsed();
    assert!(took < Duration::from_secs(246 + 4 * 25), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn few_who_wait_for_a_silent_server_wait_no_longer_than_many() {
    let silence = FaultMatch::any().on(FaultAction::stall(Duration::from_secs(1 << 20)));
    let store = FaultStore::new(memory(), FaultPlan::none().with(silence));
    let transfer = Transfer::new(store, TransferConfig::default());
    let start = Instant::now();
    let job = || {
        let transfer = transfer.clone();
        tokio::spawn(async move { transfer.head(url("k"), &Default::default()).await })
    };
    // They open the circuit breaker only after eight attempts each.
    let jobs: Vec<_> = (0..4).map(|_| job()).collect();
    for job in jobs {
        job.await.unwrap().unwrap_err();
    }
    let took = start.elapsed();
    assert!(took < Duration::from_secs(246 + 2 * 25), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn attempts_while_nothing_works_are_not_counted() {
    let down = FaultAction::status(500, "InternalError");
    let seconds = Duration::from_secs;
    let setup = setup(FaultPlan::new([
        FaultMatch::any()
            .on(down.clone())
            .during(seconds(0)..seconds(200)),
        // The circuit breaker is closed again when this one fails once more.
        FaultMatch::any()
            .with_key("late")
            .on(down)
            .during(seconds(0)..seconds(203)),
    ]));
    setup.seed("early", 1).await;
    setup.seed("late", 1).await;
    let options = Default::default();
    let head = |key| setup.transfer.head(url(key), &options);
    let (early, late) = tokio::join!(head("early"), head("late"));
    assert!(early.is_ok() && late.is_ok(), "{early:?} {late:?}");
    // Enough that both would have been given up.
    assert!(setup.faults.delivered().total() > 2 * 21);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_for_a_pause_gets_it_from_those_who_probe_too() {
    let pause = FaultAction::Status {
        status: 503,
        code: "SlowDown".into(),
        retry_after: Some(Duration::from_secs(10)),
    };
    let setup = setup(FaultMatch::any().on(pause));
    let options = Default::default();
    let head = || setup.transfer.head(url("k"), &options);
    let start = Instant::now();
    let (one, other) = tokio::join!(head(), head());
    assert!(one.is_err() && other.is_err());
    let most = 2 * (start.elapsed().as_secs() / 10 + 1);
    let sent = setup.faults.delivered().total();
    assert!(sent <= most, "{sent} requests, {most} are the most");
}
