//! Program that replays recorded behaviour of Metaflow's client through this client, in memory and over HTTP.
//!
//! ```sh
//! cargo run -p s3-tests --bin vectors -- [FILE…]
//! ```
//!
//! Each failure is printed with its vector, backend and path, and the expected and the actual value. The last line is
//! always `N passed, N failed, N skipped`. The exit status is 0 if nothing failed, 1 if a vector failed, and 2 if a
//! file cannot be read or contains no vectors.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that reports"
)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use futures_util::{StreamExt, pin_mut};
use s3_tests::vectors::{Deviations, Replayed, replay};

/// The recorded vectors of this checkout.
const RECORDED: [&str; 2] = ["vectors/metaflow.jsonl", "vectors/quirks.jsonl"];

/// Replays recorded behaviour of Metaflow through the client, in memory and over HTTP.
#[derive(Debug, Parser)]
struct Arguments {
    /// Files of vectors, one JSON object per line; without any, the recorded ones
    files: Vec<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let lines = match read(arguments.files) {
        Ok(lines) => lines,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::from(2);
        }
    };
    let deviations = match Deviations::declared() {
        Ok(deviations) => deviations,
        Err(malformed) => {
            eprintln!("{malformed}");
            return ExitCode::from(2);
        }
    };
    let failed = report(lines, &deviations).await;
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Prints the outcome of each line and returns the number of failures.
async fn report(lines: Vec<String>, deviations: &Deviations) -> usize {
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    let verdicts = replay(lines, deviations);
    pin_mut!(verdicts);
    while let Some(verdict) = verdicts.next().await {
        match verdict.result {
            Replayed::Passed => passed += 1,
            Replayed::Skipped(reason) => {
                skipped += 1;
                println!("{} skipped: {reason}", verdict.id);
            }
            Replayed::Failed(reasons) => {
                failed += 1;
                println!("{} failed:", verdict.id);
                for reason in reasons {
                    println!("    {reason}");
                }
            }
        }
    }
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    failed
}

fn read(files: Vec<PathBuf>) -> Result<Vec<String>, String> {
    let files = if files.is_empty() {
        RECORDED
            .map(|file| Path::new(env!("CARGO_MANIFEST_DIR")).join(file))
            .into()
    } else {
        files
    };
    let mut lines = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file)
            .map_err(|error| format!("read {}: {error}", file.display()))?;
        let before = lines.len();
        lines.extend(
            text.lines()
                .filter(|line| !line.trim().is_empty())
                .map(str::to_owned),
        );
        if lines.len() == before {
            return Err(format!("read {}: there is no vector in it", file.display()));
        }
    }
    Ok(lines)
}
