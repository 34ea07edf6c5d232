//! `cargo xtask cases`: replays recorded configurations and server responses against the client and checks each
//! outcome.
//!
//! The program is the binary `cases` of the package `s3-tests`; tests/cases/README.md documents the case folders.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;

use crate::command;
use crate::failure::Outcome;

/// The cases to run.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// A directory of cases; tests/cases by default
    directory: Option<PathBuf>,
    /// Run only folders whose names contain this
    #[arg(long)]
    only: Option<String>,
}

/// Builds the program as the tests build it, and runs it.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Outcome {
    let program = command::built_executable(root, "--bin", "cases")?;
    let mut command = Command::new(program);
    command.args(&arguments.directory);
    if let Some(only) = &arguments.only {
        command.args(["--only", only]);
    }
    command::run(&mut command)
}
