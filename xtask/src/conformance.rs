//! `cargo xtask conformance --endpoint URL`: runs the conformance suite of the test kit against any S3 server.
//!
//! The program is the binary `conformance` of the package `s3-tests`.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use clap::Args;

use crate::command;
use crate::failure::Outcome;

/// The options of the program.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    /// Passed on to the program; `--help` lists its options
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<OsString>,
}

/// Builds the program as the tests build it, and runs it.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Outcome {
    let program = command::built_executable(root, "--bin", "conformance")?;
    command::run(Command::new(program).args(&arguments.options))
}
