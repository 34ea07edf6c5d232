//! `cargo xtask CHORE`: runs the checks, tests and tools of this workspace.
//!
//! | chore | effect |
//! |---|---|
//! | `test` | everything that a change has to pass, in order of how soon it can fail; `--data` for the data layer |
//! | `deny` | licences, bans and sources of the dependencies, then known advisories |
//! | `ci` | `test`, `test --data`, `python`, then `deny` |
//! | `layers`, `tidy`, `external-types`, `examples`, `features`, `docs`, `vectors` | one step of `test` on its own |
//! | `schedules` | models of the state that threads share, under shuttle; the quick run is a step of `test` |
//! | `prove` | long property and stress runs; see docs/TESTING.md |
//! | `cases` | recorded configurations and responses, each with its right outcome; see tests/cases/README.md |
//! | `conformance` | the conformance suite of the test kit against any server: `--endpoint URL` |
//! | `bench` | CPU time and memory of transfers, against a floor and other clients; see docs/TUNING.md |
//! | `chart` | draws docs/benchmarks.svg from the recorded figures; `tidy` fails when it is out of date |
//! | `python` | the Python package `mfs3`: builds it and runs its tests; needs Python 3.11 and PyPI |
//! | `foreign` | the test suite of another project against the embedded server: `s3-tests PATH` |
//! | `serve` | an S3 server in this process, for trying things by hand |
//!
//! A chore needs only the Rust toolchain; `deny` and `docs --book` install a tool once, and `python` needs Python. The
//! dependencies of xtask are few and small, so that the first `cargo xtask` builds within seconds. Heavy work is a
//! binary of another package that a chore runs.
//!
//! A chore that fails prints the reason and exits with the status of the failed command, or with 1 for its own finding.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a chore talks to the person who started it"
)]

mod bench;
mod book;
mod cases;
mod chart;
mod ci;
mod command;
mod conformance;
mod deny;
mod docs;
mod examples;
mod external_types;
mod failure;
mod features;
mod foreign;
mod layers;
mod prove;
mod python;
mod schedules;
mod serve;
mod test;
mod tidy;
mod vectors;
mod workspace;

use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Outcome;

/// The chores of this workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Xtask {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Run all checks and tests, stopping at the first failure
    Test(test::Arguments),
    /// Run `test`, `test --data`, `python`, then `deny`
    Ci,
    /// Check that crates depend only on the layers below them
    Layers,
    /// Check the house rules that the compiler does not know
    Tidy,
    /// Check the third-party types in the public APIs
    ExternalTypes,
    /// Run the examples of s3-client
    Examples,
    /// Check each feature alone, and what the small builds contain
    Features,
    /// Build the documentation, warnings denied, or with --book the guide
    Docs(docs::Arguments),
    /// Draw docs/benchmarks.svg from docs/benchmarks.csv
    Chart,
    /// Measure CPU time and memory of transfers, in an optimised build
    Bench(bench::Arguments),
    /// Run recorded configurations and responses against the client
    Cases(cases::Arguments),
    /// Run the conformance suite against any server
    Conformance(conformance::Arguments),
    /// Run the long property and stress runs
    Prove(prove::Arguments),
    /// Build the Python package and run its tests, or Metaflow's own
    Python(python::Arguments),
    /// Run the models of shared state under many thread schedules
    Schedules(schedules::Arguments),
    /// Start an S3 server for trying things by hand
    Serve(serve::Arguments),
    /// Run the test suite of another project against our server: `foreign s3-tests PATH`
    Foreign(foreign::Arguments),
    /// Replay recorded behaviour of Metaflow against the client
    Vectors(vectors::Arguments),
    /// Check licences, bans, sources and advisories of the dependencies
    Deny,
}

fn main() -> ExitCode {
    match run(&Xtask::parse().chore, &workspace::root()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::from(failure.status())
        }
    }
}

fn run(chore: &Chore, root: &Path) -> Outcome {
    match chore {
        Chore::Test(arguments) => test::run(root, arguments),
        Chore::Ci => ci::run(root),
        Chore::Layers => layers::run(root),
        Chore::Tidy => tidy::run(root),
        Chore::Examples => examples::run(root),
        Chore::ExternalTypes => external_types::run(root),
        Chore::Features => features::run(root),
        Chore::Docs(arguments) => docs::run_chore(root, arguments),
        Chore::Chart => chart::run(root),
        Chore::Bench(arguments) => bench::run(root, arguments),
        Chore::Cases(arguments) => cases::run(root, arguments),
        Chore::Conformance(arguments) => conformance::run(root, arguments),
        Chore::Prove(arguments) => prove::run(root, arguments),
        Chore::Python(arguments) => python::run(root, arguments),
        Chore::Schedules(arguments) => schedules::run(root, arguments),
        Chore::Foreign(arguments) => foreign::run(root, arguments),
        Chore::Serve(arguments) => serve::run(root, arguments),
        Chore::Vectors(arguments) => vectors::run(root, arguments),
        Chore::Deny => deny::run(root),
    }
}
