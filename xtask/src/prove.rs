//! `cargo xtask prove`: runs the property tests with their full number of cases, and prints one line of counters each.
//!
//! The program is the binary `prove` of the package `s3-tests`; its exit status is passed on. `test` runs fewer cases
//! of the same properties.

use std::path::Path;
use std::process::Command;

use clap::Args;

use crate::command;
use crate::failure::Outcome;

/// Options of `cargo xtask prove`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// For the program: properties, `--cases N`, `--seed S`, `--threads N`, `--minutes N`; `--help` after `--` shows all
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    program: Vec<String>,
}

/// Builds the program as the tests build it, and runs it.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Outcome {
    let program = command::built_executable(root, "--bin", "prove")?;
    // One arena for all threads and large buffers from `mmap`, so that glibc keeps less freed memory.
    let mut command = Command::new(program);
    command
        .args(&arguments.program)
        .env("MALLOC_ARENA_MAX", "1")
        .env("MALLOC_MMAP_THRESHOLD_", "131072")
        .env("MALLOC_TRIM_THRESHOLD_", "131072");
    command::run(&mut command)
}
