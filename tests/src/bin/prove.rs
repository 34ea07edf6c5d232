//! Program that runs the property tests with their full number of cases, and prints one line for each.
//!
//! ```sh
//! cargo run -p s3-tests --bin prove -- [PROPERTY…] [--cases N] [--seed S] [--minutes N]
//! ```
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that reports"
)]

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use clap::Parser;
use peak_alloc::PeakAlloc;
use s3_tests::prove::{PROPERTIES, Plan, Property, run, soak};

/// Counts allocated memory, for `soak`.
#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// The property that runs for a time instead of a number of cases.
const SOAK: &str = "soak";

/// Checks properties of the client in many seeded cases.
#[derive(Debug, Parser)]
struct Arguments {
    /// The properties to run, by name, and `soak`; without any, all but that
    properties: Vec<String>,
    /// How many cases of each; without it, the property's full number
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    cases: Option<u64>,
    /// The seed of the first case
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How long `soak` runs
    #[arg(long, default_value_t = 60)]
    minutes: u64,
    /// How many threads work; without it, one for each processor
    #[arg(long)]
    threads: Option<NonZeroUsize>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (soaks, properties): (Vec<_>, Vec<_>) = arguments
        .properties
        .iter()
        .cloned()
        .partition(|name| name == SOAK);
    if !soaks.is_empty() && !report_soak(&arguments) {
        return ExitCode::FAILURE;
    }
    if !soaks.is_empty() && properties.is_empty() {
        return ExitCode::SUCCESS;
    }
    let properties = match chosen(&properties) {
        Ok(properties) => properties,
        Err(unknown) => {
            let names: Vec<_> = PROPERTIES.iter().map(|property| property.name).collect();
            eprintln!(
                "there is no property {unknown}; the properties are {}",
                names.join(", ")
            );
            return ExitCode::from(2);
        }
    };
    let threads = arguments.threads.or_else(|| available_parallelism().ok());
    let mut all_hold = true;
    for property in properties {
        let cases = arguments.cases.unwrap_or(property.full);
        let plan = Plan {
            seeds: arguments.seed..arguments.seed.saturating_add(cases),
            threads: threads.map_or(1, NonZeroUsize::get),
        };
        all_hold &= report(property, &plan);
    }
    if all_hold {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn report_soak(arguments: &Arguments) -> bool {
    let Arguments { minutes, seed, .. } = *arguments;
    let start = Instant::now();
    let time = Duration::from_secs(minutes.saturating_mul(60));
    match soak(time, seed, &ALLOCATED) {
        Ok(figures) => {
            let minutes = start.elapsed().as_secs_f64() / 60.0;
            println!("{SOAK} holds: {figures} in {minutes:.1} minutes");
            true
        }
        Err(problem) => {
            println!("{SOAK} FAILED: {problem}");
            println!("again: cargo xtask prove {SOAK} --seed {seed} --minutes {minutes}");
            false
        }
    }
}

fn report(property: &Property, plan: &Plan) -> bool {
    let start = Instant::now();
    match run(property, plan) {
        Ok(figures) => {
            let seconds = start.elapsed().as_secs_f64();
            println!("{} holds: {figures} in {seconds:.1} s", property.name);
            true
        }
        Err(failure) => {
            println!("{} FAILED: {}", property.name, property.about);
            println!("{failure}");
            false
        }
    }
}

fn chosen(names: &[String]) -> Result<Vec<&'static Property>, String> {
    if names.is_empty() {
        return Ok(PROPERTIES.iter().collect());
    }
    let named = |name: &String| Property::named(name).ok_or_else(|| name.clone());
    names.iter().map(named).collect()
}
