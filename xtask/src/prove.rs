//! `cargo xtask prove`: the gates, with as many cases as their figures ask for; one line of figures each.
//!
//! The program is the binary `prove` of the package `s3-tests`, whose quick cases are part of `test`; its status is
//! passed on. Fuzzing needs a nightly compiler and cargo-fuzz, mutants need cargo-mutants: both are fetched once.

use std::path::Path;
use std::process::Command;

use clap::Args;

use crate::command;
use crate::failure::Outcome;

/// What is proven, and how much of it.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// For the program: gates, `--cases N`, `--seed S`, `--threads N`, `--minutes N`; `--help` after `--` shows all
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    program: Vec<String>,
}

/// Builds the program as the tests build it, and runs it.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Outcome {
    let program = command::built_executable(root, "--bin", "prove")?;
    command::run(Command::new(program).args(&arguments.program))
}
