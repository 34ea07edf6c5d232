//! `cargo xtask conformance --endpoint URL`: the conformance suite of the test kit against any server.

use std::path::Path;

use clap::Args;

use crate::command;
use crate::failure::Outcome;

/// Which server.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// URL of the server, such as http://127.0.0.1:9000
    #[arg(long)]
    endpoint: String,
    #[arg(long, default_value = "test")]
    access_key: String,
    #[arg(long, default_value = "test")]
    secret_key: String,
    /// Bucket that is created if it does not exist
    #[arg(long, default_value = "conformance")]
    bucket: String,
    /// Run only cases whose names contain this
    #[arg(long, default_value = "")]
    only: String,
}

/// Runs all cases, one after the other, and fails if one does.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Outcome {
    let mut command = command::cargo(root);
    command
        .args([
            "test",
            "--workspace",
            "--test",
            "endpoint",
            "--no-fail-fast",
            "--",
        ])
        .args(["--test-threads", "1", &arguments.only])
        .env("CONFORMANCE_ENDPOINT", &arguments.endpoint)
        .env("CONFORMANCE_ACCESS_KEY", &arguments.access_key)
        .env("CONFORMANCE_SECRET_KEY", &arguments.secret_key)
        .env("CONFORMANCE_BUCKET", &arguments.bucket)
        .env("RUST_BACKTRACE", "0");
    command::run(&mut command)
}
