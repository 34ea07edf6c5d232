//! `cargo xtask serve`: runs the S3 server of the test kit, for manual tests.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;

use crate::command;
use crate::failure::{Failure, Outcome};

/// Options of `cargo xtask serve`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Port on 127.0.0.1; without it the server picks a free one and prints it
    #[arg(long)]
    port: Option<u16>,
    /// Folder to serve; without it objects live in memory and end with the server
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Milliseconds to wait before each response
    #[arg(long, value_name = "MS")]
    latency: Option<u64>,
    /// Megabytes per second per body
    #[arg(long, value_name = "MBPS")]
    rate: Option<u64>,
}

/// Runs the server until it is stopped.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Outcome {
    let mut server = Command::new(command::built_executable(root, "--example", "serve")?);
    let numbers = [
        ("--port", arguments.port.map(u64::from)),
        ("--latency", arguments.latency),
        ("--rate", arguments.rate),
    ];
    for (name, number) in numbers {
        if let Some(number) = number {
            server.args([name, &number.to_string()]);
        }
    }
    if let Some(dir) = &arguments.dir {
        server.arg("--dir").arg(absolute(dir)?);
    }
    command::run(&mut server)
}

fn absolute(dir: &Path) -> Outcome<PathBuf> {
    std::path::absolute(dir)
        .map_err(|error| Failure::new(format!("resolve {}: {error}", dir.display())))
}
