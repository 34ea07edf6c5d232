//! `cargo xtask test`: all checks and tests of a change, the fastest first.
//!
//! All steps that compile use the same profile and the features of the whole workspace, so each
//! dependency is checked once (clippy, docs) and built once (tests, doctests, vectors).
//! The Python module is built and tested by `cargo xtask python`: this one needs no Python.
//! Only `features` and `schedules` build with other features or flags.

use std::path::Path;
use std::time::Instant;

use crate::command;
use crate::failure::Outcome;
use crate::workspace::SELECTION;
use crate::{docs, examples, external_types, features, layers, schedules, tidy, vectors};

/// A heading and what to run under it.
type Step = (&'static str, fn(&Path) -> Outcome);

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

/// Runs every step and stops at the first that fails.
pub(crate) fn run(root: &Path) -> Outcome {
    let start = Instant::now();
    for (name, step) in STEPS {
        timed(name, step, root)?;
    }
    println!(
        "\nall {} steps passed in {:.1} s",
        STEPS.len(),
        start.elapsed().as_secs_f64()
    );
    println!("NOT TESTED HERE: the Python package; `cargo xtask python` does it");
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
            .args(SELECTION)
            .arg("--all-targets")
            .args(["--", "-D", "warnings"]),
    )
}

/// Not `--all-targets`: that would run benchmarks too.
fn tests(root: &Path) -> Outcome {
    command::run(command::cargo(root).arg("test").args(SELECTION).args([
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
            .args(SELECTION)
            .arg("--doc"),
    )
}
