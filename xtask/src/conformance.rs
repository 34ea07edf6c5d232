//! `cargo xtask conformance --endpoint URL`: the conformance suite of the test kit against any server.
//!
//! The program is the binary `conformance` of the package `s3-tests`. `--known SERVER` reads what a server cannot do from
//! docs/SERVERS.md, so that the document and the run agree.

use std::fs;
use std::path::Path;
use std::process::Command;

use clap::Args;

use crate::command;
use crate::failure::{Failure, Outcome};

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
    /// An existing bucket, for servers that create none; without it, buckets are created and deleted
    #[arg(long)]
    bucket: Option<String>,
    /// Run only cases whose names contain this
    #[arg(long, default_value = "")]
    only: String,
    /// Do not count the failure of this case, which the server cannot pass; repeatable
    #[arg(long, value_name = "CASE")]
    allow: Vec<String>,
    /// Allow the failures that docs/SERVERS.md lists for this server, such as moto
    #[arg(long, value_name = "SERVER")]
    known: Option<String>,
}

/// Builds the program as the tests build it, and runs it.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Outcome {
    let mut allowed = arguments.allow.clone();
    if let Some(server) = &arguments.known {
        allowed.extend(known_failures(root, server)?);
    }
    let program = command::built_executable(root, "--bin", "conformance")?;
    let mut command = Command::new(program);
    command
        .args(["--endpoint", &arguments.endpoint])
        .args(["--access-key", &arguments.access_key])
        .args(["--secret-key", &arguments.secret_key])
        .args(["--only", &arguments.only]);
    if let Some(bucket) = &arguments.bucket {
        command.args(["--bucket", bucket]);
    }
    for case in allowed {
        command.args(["--allow", &case]);
    }
    command::run(&mut command)
}

/// Returns the cases in the table of a server: the first column below its heading.
fn known_failures(root: &Path, server: &str) -> Outcome<Vec<String>> {
    let path = root.join("docs/SERVERS.md");
    let text = fs::read_to_string(&path)
        .map_err(|error| Failure::new(format!("read {}: {error}", path.display())))?;
    let heading = format!("## {server}");
    let lines = text.lines().skip_while(|line| *line != heading).skip(1);
    let cases: Vec<String> = lines
        .take_while(|line| !line.starts_with("## "))
        .filter_map(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned()))
        .collect();
    match cases.is_empty() {
        true => Err(Failure::new(format!(
            "docs/SERVERS.md has no table below `{heading}`"
        ))),
        false => Ok(cases),
    }
}
