//! `cargo xtask vectors`: replays recorded behaviour of Metaflow's S3 client against this client.
//!
//! The program is the binary `vectors` of the package `s3-tests`; its exit status is passed on.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;

use crate::command;
use crate::failure::{Failure, Outcome};

/// The files that `test` replays, relative to the root of the workspace.
const RECORDED: [&str; 2] = ["tests/vectors/metaflow.jsonl", "tests/vectors/quirks.jsonl"];

/// The files to replay.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Files of vectors, one JSON object per line; without any, the recorded ones
    files: Vec<PathBuf>,
}

/// Replays the given files, or the recorded ones.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Outcome {
    if arguments.files.is_empty() {
        return run_recorded(root);
    }
    // Paths are relative to the caller's folder, whatever the runner's working directory is.
    let files: Result<Vec<_>, _> = arguments.files.iter().map(std::path::absolute).collect();
    let files = files.map_err(|error| Failure::new(format!("resolve a file's path: {error}")))?;
    replay(root, &files)
}

/// Replays the recorded files.
pub(crate) fn run_recorded(root: &Path) -> Outcome {
    replay(root, &RECORDED.map(|file| root.join(file)))
}

fn replay(root: &Path, files: &[PathBuf]) -> Outcome {
    let runner = command::built_executable(root, "--bin", "vectors")?;
    command::run(Command::new(runner).args(files).current_dir(root))
}
