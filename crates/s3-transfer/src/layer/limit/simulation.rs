//! Tests of the concurrency controller with simulated servers, on paused time.
//!
//! Each test compares the controller with a perfect client.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use s3_core::Retryability;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::Controller;
use crate::Concurrency;

/// A server and its network. Times are whole milliseconds, the resolution of tokio's timers.
#[derive(Clone, Copy, Debug, Default)]
struct Server {
    /// The latency of a response.
    latency: Duration,
    /// Bytes per second over one connection, and over all of them. No limit if 0.
    per_connection: f64,
    in_all: f64,
    /// Maximum number of responses per second. No limit if 0.
    responses: f64,
    /// Maximum number of concurrent requests; more are rejected. No limit if 0.
    rejects_above: usize,
    /// Latency varies by this share up and down.
    noise: f64,
    bytes: u64,
}

struct Run {
    server: Server,
    controller: Controller,
    count: usize,
    left: AtomicUsize,
    in_flight: AtomicUsize,
    rejected: AtomicUsize,
    /// When the queue of the server is empty again.
    free: Mutex<Instant>,
    random: Mutex<fastrand::Rng>,
    levels: Mutex<Levels>,
}

/// Concurrency levels during a run.
struct Levels {
    highest: usize,
    /// When the highest level was first reached.
    at: Instant,
    /// Sum of the levels of the second half of the attempts.
    sum: usize,
    count: usize,
}

struct Outcome {
    took: Duration,
    /// The mean level of the second half of the attempts, in which short probes weigh little.
    level: usize,
    highest: usize,
    until_highest: Duration,
    rejected: usize,
}

impl Run {
    async fn serve(&self) -> Option<Retryability> {
        let server = self.server;
        let now_in_flight = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        if server.rejects_above > 0 && now_in_flight > server.rejects_above {
            sleep(Duration::from_millis(5)).await;
            self.in_flight.fetch_sub(1, Ordering::SeqCst);
            self.rejected.fetch_add(1, Ordering::SeqCst);
            return Some(Retryability::Throttled { after: None });
        }
        let share = self.random.lock().unwrap().f64() * 2.0 - 1.0;
        let mut latency = server.latency.mul_f64(1.0 + share * server.noise);
        if server.per_connection > 0.0 {
            latency += Duration::from_secs_f64(server.bytes as f64 / server.per_connection);
        }
        let mut alone = 0.0;
        if server.responses > 0.0 {
            alone += 1.0 / server.responses;
        }
        if server.in_all > 0.0 {
            alone += server.bytes as f64 / server.in_all;
        }
        let done = {
            let mut free = self.free.lock().unwrap();
            *free = (*free).max(Instant::now()) + Duration::from_secs_f64(alone);
            (*free).max(Instant::now() + latency)
        };
        sleep_until(done).await;
        self.in_flight.fetch_sub(1, Ordering::SeqCst);
        None
    }

    async fn work(self: Arc<Self>) {
        let take = |left: usize| left.checked_sub(1);
        while self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, take)
            .is_ok()
        {
            loop {
                let permit = self.controller.acquire().await;
                let failure = self.serve().await;
                permit.report(failure, self.server.bytes);
                self.look();
                if failure.is_none() {
                    break;
                }
                let wait = self.random.lock().unwrap().u64(0..50);
                sleep(Duration::from_millis(wait)).await;
            }
        }
    }

    fn look(&self) {
        let level = self.controller.limit();
        let mut levels = self.levels.lock().unwrap();
        if level > levels.highest {
            (levels.highest, levels.at) = (level, Instant::now());
        }
        if self.left.load(Ordering::SeqCst) < self.count / 2 {
            levels.sum += level;
            levels.count += 1;
        }
    }
}

/// Runs `count` attempts, as many at once as a fan-out would allow.
async fn run(server: Server, count: usize, seed: u64) -> Outcome {
    let adaptive = Concurrency::Adaptive {
        start: 16,
        max: 256,
    };
    run_with(&Controller::new(adaptive), server, count, seed).await
}

async fn run_with(controller: &Controller, server: Server, count: usize, seed: u64) -> Outcome {
    let start = Instant::now();
    let run = Arc::new(Run {
        server,
        controller: controller.clone(),
        count,
        left: AtomicUsize::new(count),
        in_flight: AtomicUsize::new(0),
        rejected: AtomicUsize::new(0),
        free: Mutex::new(start),
        random: Mutex::new(fastrand::Rng::with_seed(seed)),
        levels: Mutex::new(Levels {
            highest: controller.limit(),
            at: start,
            sum: 0,
            count: 0,
        }),
    });
    let mut workers = JoinSet::new();
    for _ in 0..300 {
        workers.spawn(Arc::clone(&run).work());
    }
    while workers.join_next().await.is_some() {}
    let levels = run.levels.lock().unwrap();
    Outcome {
        took: start.elapsed(),
        level: levels.sum / levels.count.max(1),
        highest: levels.highest,
        until_highest: levels.at - start,
        rejected: run.rejected.load(Ordering::SeqCst),
    }
}

fn assert_within(outcome: &Outcome, ideal: f64, factor: f64, what: &str) {
    let took = outcome.took.as_secs_f64();
    assert!(
        took <= ideal * factor,
        "{what}: {took:.3} s instead of {ideal:.3} s, level {} (highest {})",
        outcome.level,
        outcome.highest
    );
}

fn high_latency() -> Server {
    Server {
        latency: Duration::from_millis(20),
        ..Server::default()
    }
}

#[tokio::test(start_paused = true)]
async fn small_objects_with_high_latency_reach_the_maximum_quickly() {
    let outcome = run(high_latency(), 10_000, 1).await;
    assert_eq!(outcome.highest, 256);
    assert!(
        outcome.until_highest < Duration::from_millis(50),
        "{:?}",
        outcome.until_highest
    );
    assert_within(&outcome, 10_000.0 / 256.0 * 0.020, 1.07, "20 ms");
}

#[tokio::test(start_paused = true)]
async fn noise_of_a_fifth_does_not_stop_the_climb() {
    for seed in 0..8 {
        let server = Server {
            noise: 0.2,
            ..high_latency()
        };
        let outcome = run(server, 10_000, seed).await;
        assert_eq!(outcome.highest, 256, "seed {seed}");
        assert_within(&outcome, 10_000.0 / 256.0 * 0.020, 1.3, "20 ms, noise");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cpu_bound_client_keeps_the_level_low() {
    // The rate of one core without any latency.
    let server = Server {
        responses: 10_000.0,
        ..Server::default()
    };
    let outcome = run(server, 40_000, 1).await;
    assert!(outcome.level <= 32, "{}", outcome.level);
    assert!(outcome.highest <= 64, "{}", outcome.highest);
    assert_within(&outcome, 4.0, 1.15, "10,000 responses a second");
}

#[tokio::test(start_paused = true)]
async fn the_knee_of_a_queue_is_found() {
    for (responses, levels) in [(1500.0, 30..=60), (3000.0, 60..=120), (6000.0, 120..=256)] {
        for seed in 0..4 {
            let server = Server {
                responses,
                noise: 0.2,
                ..high_latency()
            };
            let outcome = run(server, 20_000, seed).await;
            assert!(
                levels.contains(&outcome.level),
                "seed {seed}: level {} for {responses} responses a second",
                outcome.level
            );
            assert_within(&outcome, 20_000.0 / responses, 1.15, "a queue");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn large_parts_get_enough_connections_for_the_bandwidth() {
    let server = Server {
        latency: Duration::from_millis(20),
        per_connection: 85e6,
        in_all: 3e9,
        bytes: 8 << 20,
        ..Server::default()
    };
    let parts = 2000;
    let outcome = run(server, parts, 1).await;
    // Forty-three fill it.
    assert!((43..=86).contains(&outcome.level), "{}", outcome.level);
    let ideal = parts as f64 * server.bytes as f64 / server.in_all;
    assert_within(&outcome, ideal, 1.15, "large parts");
}

#[tokio::test(start_paused = true)]
async fn a_throttling_server_gets_its_capacity() {
    for (most, count) in [(8, 4000), (40, 8000), (120, 20_000)] {
        let server = Server {
            rejects_above: most,
            ..high_latency()
        };
        let outcome = run(server, count, 1).await;
        let ideal = count as f64 / most as f64 * 0.020;
        assert_within(&outcome, ideal, 1.3, "rejections");
        assert!(
            outcome.rejected * 20 < count,
            "{} rejections for {count} objects",
            outcome.rejected
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_increase_of_latency_is_noticed() {
    let near = Server {
        responses: 10_000.0,
        ..Server::default()
    };
    let controller = Controller::new(Concurrency::Adaptive {
        start: 16,
        max: 256,
    });
    run_with(&controller, near, 10_000, 1).await;
    assert!(controller.limit() <= 64, "{}", controller.limit());
    run_with(&controller, high_latency(), 60_000, 1).await;
    assert_eq!(controller.limit(), 256);
}
