//! `cargo xtask test`: runs all checks and tests of a change, the fastest first.
//!
//! All steps that compile use the same profile and the features of the whole workspace, so each
//! dependency is checked once (clippy, docs) and built once (tests, doctests, vectors).
//! Only `features` and `schedules` build with other features or flags.
//!
//! `--data` checks and tests the data layer instead, which no other step builds, and `--ballista` the crate
//! s3-ballista, which is a workspace of its own.

use std::path::Path;
use std::time::Instant;

use clap::Args;

use crate::command;
use crate::failure::Outcome;
use crate::workspace::{BALLISTA, data_selection, selection};
use crate::{docs, examples, external_types, features, layers, schedules, tidy, vectors};

/// A heading and the function to run under it.
type Step = (&'static str, fn(&Path) -> Outcome);

/// Options of `cargo xtask test`.
#[derive(Debug, Default, Args)]
pub(crate) struct Arguments {
    /// Check and test the data layer, and only that
    #[arg(long)]
    pub(crate) data: bool,
    /// Check and test s3-ballista and run its example, and only that
    #[arg(long, conflicts_with = "data")]
    pub(crate) ballista: bool,
}

const STEPS: [Step; 12] = [
    ("fmt", fmt),
    ("layers", layers::run),
    ("tidy", tidy::run),
    ("external-types", external_types::run),
    ("clippy", clippy),
    ("tests", tests),
    ("doctests", doctests),
    ("examples", examples::run),
    ("vectors", vectors::run_recorded),
    ("schedules", schedules::run_quick),
    ("features", features::run),
    ("docs", docs::run),
];

const DATA_STEPS: [Step; 5] = [
    ("clippy", data_clippy),
    ("tests", data_tests),
    ("examples", examples::run_data),
    ("features", features::run_data),
    ("docs", docs::run_data),
];

const BALLISTA_STEPS: [Step; 3] = [
    ("clippy", ballista_clippy),
    ("tests", ballista_tests),
    ("example", ballista_example),
];

/// Runs all steps and stops at the first failure.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Outcome {
    let steps: &[Step] = match arguments {
        Arguments { data: true, .. } => &DATA_STEPS,
        Arguments { ballista: true, .. } => &BALLISTA_STEPS,
        _ => &STEPS,
    };
    let start = Instant::now();
    for (name, step) in steps {
        timed(name, *step, root)?;
    }
    println!(
        "\nall {} steps passed in {:.1} s",
        steps.len(),
        start.elapsed().as_secs_f64()
    );
    if !arguments.data && !arguments.ballista {
        println!(
            "NOT TESTED HERE: the data layer (`cargo xtask test --data`, `--ballista`), and the Python package (`cargo xtask python`)"
        );
    }
    Ok(())
}

fn timed(name: &str, step: fn(&Path) -> Outcome, root: &Path) -> Outcome {
    println!("\n== {name}");
    let start = Instant::now();
    let outcome = step(root);
    let verdict = if outcome.is_ok() { "passed" } else { "FAILED" };
    println!(
        "== {name} {verdict} after {:.1} s",
        start.elapsed().as_secs_f64()
    );
    outcome
}

fn fmt(root: &Path) -> Outcome {
    command::run(command::cargo(root).args(["fmt", "--all", "--check"]))
}

fn clippy(root: &Path) -> Outcome {
    command::run(
        command::cargo(root)
            .arg("clippy")
            .args(selection())
            .arg("--all-targets")
            .args(["--", "-D", "warnings"]),
    )
}

/// Does not use `--all-targets`, which would run benchmarks too.
fn tests(root: &Path) -> Outcome {
    command::run(command::cargo(root).arg("test").args(selection()).args([
        "--lib",
        "--bins",
        "--tests",
        "--examples",
    ]))
}

fn doctests(root: &Path) -> Outcome {
    command::run(
        command::cargo(root)
            .arg("test")
            .args(selection())
            .arg("--doc"),
    )
}

fn data_clippy(root: &Path) -> Outcome {
    command::run(
        command::cargo(root)
            .arg("clippy")
            .args(data_selection())
            .arg("--all-targets")
            .args(["--", "-D", "warnings"]),
    )
}

/// Runs unit tests, integration tests and doctests of the data layer.
fn data_tests(root: &Path) -> Outcome {
    command::run(command::cargo(root).arg("test").args(data_selection()))
}

fn ballista_clippy(root: &Path) -> Outcome {
    let mut clippy = command::cargo(root);
    clippy.args(["clippy", "--locked", "--all-targets"]);
    command::run(clippy.args(BALLISTA).args(["--", "-D", "warnings"]))
}

/// Runs the tests and the doctest of the README.
fn ballista_tests(root: &Path) -> Outcome {
    let mut tests = command::cargo(root);
    command::run(tests.args(["test", "--locked"]).args(BALLISTA))
}

fn ballista_example(root: &Path) -> Outcome {
    let mut example = command::cargo(root);
    example.args(["run", "--locked", "--example", "distributed"]);
    command::run(example.args(BALLISTA))
}
