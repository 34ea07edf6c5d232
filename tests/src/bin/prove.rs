//! Runs gates with as many cases as their figures ask for, and prints one line for each.
//!
//! ```sh
//! cargo run -p s3-tests --bin prove -- [GATE…] [--cases N] [--seed S] [--minutes N]
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
use s3_tests::prove::{GATES, Gate, Plan, run, soak};

/// Counts what is allocated, for the soak.
#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// The gate that takes time instead of cases.
const SOAK: &str = "soak";

/// Runs the gates of the client: properties that hold in very many cases.
#[derive(Debug, Parser)]
struct Arguments {
    /// The gates to run, by name, and `soak`; without any, all but that
    gates: Vec<String>,
    /// How many cases of each; without it, what the gate's figure asks for
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
    let (soaks, gates): (Vec<_>, Vec<_>) = arguments
        .gates
        .iter()
        .cloned()
        .partition(|name| name == SOAK);
    if !soaks.is_empty() && !report_soak(&arguments) {
        return ExitCode::FAILURE;
    }
    if !soaks.is_empty() && gates.is_empty() {
        return ExitCode::SUCCESS;
    }
    let gates = match chosen(&gates) {
        Ok(gates) => gates,
        Err(unknown) => {
            let names: Vec<_> = GATES.iter().map(|gate| gate.name).collect();
            eprintln!(
                "there is no gate {unknown}; the gates are {}",
                names.join(", ")
            );
            return ExitCode::from(2);
        }
    };
    let threads = arguments.threads.or_else(|| available_parallelism().ok());
    let mut all_hold = true;
    for gate in gates {
        let cases = arguments.cases.unwrap_or(gate.full);
        let plan = Plan {
            seeds: arguments.seed..arguments.seed.saturating_add(cases),
            threads: threads.map_or(1, NonZeroUsize::get),
        };
        all_hold &= report(gate, &plan);
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

fn report(gate: &Gate, plan: &Plan) -> bool {
    let start = Instant::now();
    match run(gate, plan) {
        Ok(figures) => {
            let seconds = start.elapsed().as_secs_f64();
            println!("{} holds: {figures} in {seconds:.1} s", gate.name);
            true
        }
        Err(failure) => {
            println!("{} FAILED: {}", gate.name, gate.about);
            println!("{failure}");
            false
        }
    }
}

fn chosen(names: &[String]) -> Result<Vec<&'static Gate>, String> {
    if names.is_empty() {
        return Ok(GATES.iter().collect());
    }
    let named = |name: &String| Gate::named(name).ok_or_else(|| name.clone());
    names.iter().map(named).collect()
}
