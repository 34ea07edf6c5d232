//! Program that replays recorded cases (folders of configurations and server responses) against the client.
//!
//! ```sh
//! cargo run -p s3-tests --bin cases -- [DIRECTORY] [--only TEXT]
//! ```
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that reports"
)]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use s3_tests::cases::{Case, perform, run};

/// Runs every folder of a directory as a case.
#[derive(Debug, Parser)]
struct Arguments {
    /// The directory; the repository's own cases by default
    directory: Option<PathBuf>,
    /// Run only folders whose names contain this
    #[arg(long)]
    only: Option<String>,
    #[command(subcommand)]
    step: Option<Step>,
}

#[derive(Debug, Subcommand)]
enum Step {
    /// For the runner itself: make one call and print its result
    #[command(hide = true)]
    Perform { call: String },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(Step::Perform { call }) = arguments.step {
        println!("{}", perform(&call));
        return ExitCode::SUCCESS;
    }
    let own = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/cases"));
    let directory = arguments.directory.unwrap_or(own);
    let entries = match std::fs::read_dir(&directory) {
        Ok(entries) => entries,
        Err(error) => {
            eprintln!("{}: {error}", directory.display());
            return ExitCode::FAILURE;
        }
    };
    let only = arguments.only.unwrap_or_default();
    let mut folders: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir() && path.to_string_lossy().contains(&only))
        .collect();
    folders.sort();
    let program = std::env::current_exe().expect("this program has a path");
    let (mut passed, mut failed, mut not_runnable) = (0, 0, 0);
    for folder in folders {
        let name = folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let case = match Case::read(&folder) {
            Ok(case) => case,
            Err(error) => {
                not_runnable += 1;
                println!("NOT RUNNABLE {name}: {error}");
                continue;
            }
        };
        match run(&case, &program) {
            Ok(()) => {
                passed += 1;
                println!("passed {name}");
            }
            Err(finding) => {
                failed += 1;
                println!("FAILED {name}: {finding}");
            }
        }
    }
    match not_runnable {
        0 => println!("{passed} passed, {failed} failed"),
        _ => println!("{passed} passed, {failed} failed, {not_runnable} not runnable"),
    }
    match (passed, failed, not_runnable) {
        (1.., 0, 0) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
