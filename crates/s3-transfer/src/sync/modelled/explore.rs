//! Runs a shuttle test under many thread schedules.
//!
//! Half of them are random, and half follow PCT: random priorities that change at few points, which finds bugs that need
//! one thread to be delayed for long. Environment variables: `SCHEDULES` (number per model), `SEED`, and `SCHEDULE`
//! (replays the schedule that a failure printed).

use std::env;
use std::str::FromStr;
use std::time::Instant;

use shuttle::rand::{Rng, thread_rng};
use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};
use shuttle::{Config, MaxSteps, Runner};

/// Number of schedules of each model that `cargo xtask test` runs.
const SCHEDULES: usize = 2_000;

/// Number of priority changes in a PCT schedule.
const DEPTH: usize = 3;

/// Step limit of one schedule; more means a livelock.
const STEPS: usize = 50_000;

/// Runs `model` under the requested number of schedules. Panics if it panics or deadlocks.
#[expect(clippy::print_stdout, reason = "the figures of a model")]
pub(crate) fn explore(name: &str, model: fn()) {
    if let Ok(schedule) = env::var("SCHEDULE") {
        run(ReplayScheduler::new_from_encoded(&schedule), model);
        return;
    }
    let begin = Instant::now();
    let (count, seed) = (setting("SCHEDULES", SCHEDULES), setting("SEED", 0));
    let done = run(
        RandomScheduler::new_from_seed(seed, count.div_ceil(2)),
        model,
    ) + run(PctScheduler::new_from_seed(seed, DEPTH, count / 2), model);
    let seconds = begin.elapsed().as_secs_f64();
    println!("shuttle, {name}: {done} schedules in {seconds:.1} s");
}

fn run(scheduler: impl Scheduler + 'static, model: fn()) -> usize {
    let mut config = Config::new();
    config.stack_size = 1 << 18;
    config.max_steps = MaxSteps::FailAfter(STEPS);
    config.silence_warnings = true;
    Runner::new(scheduler, config).run(move || {
        super::clock::reset();
        model();
    })
}

fn setting<T: FromStr>(name: &str, otherwise: T) -> T {
    match env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {text}")),
        Err(_) => otherwise,
    }
}

/// Draws a number below `count`, as part of the schedule.
pub(crate) fn draw(count: usize) -> usize {
    thread_rng().gen_range(0..count)
}

/// Returns `true` once in `of` times on average.
pub(crate) fn chance(of: usize) -> bool {
    draw(of) == 0
}
