//! `cargo xtask examples`: runs every example of s3-client and fails if one exits with a status other than 0. The
//! examples of the data layer run with `cargo xtask test --data`.
//!
//! The examples need no arguments and no network except 127.0.0.1. Examples that only measure are not run.

use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{Metadata, Package};

use crate::failure::{Failure, Outcome};
use crate::{command, workspace};

/// Examples that need another program and a quiet machine.
const MEASUREMENTS: [&str; 1] = ["compare"];

/// Builds the examples and runs them one after another.
pub(crate) fn run(root: &Path) -> Outcome {
    run_of(root, "s3-client", |name| {
        command::built_executable(root, "--example", name)
    })
}

/// Does the same for s3-frame.
pub(crate) fn run_data(root: &Path) -> Outcome {
    run_of(root, "s3-frame", |name| command::data_example(root, name))
}

fn run_of(root: &Path, package: &str, build: impl Fn(&str) -> Outcome<PathBuf>) -> Outcome {
    let names = names(&workspace::metadata(root)?, package);
    if names.is_empty() {
        return Err(Failure::new(format!("{package} has no examples")));
    }
    for name in names {
        command::run(Command::new(build(&name)?).current_dir(root))?;
    }
    Ok(())
}

fn names(metadata: &Metadata, name: &str) -> Vec<String> {
    let of_package = |package: &&Package| package.name.as_str() == name;
    let targets = metadata
        .packages
        .iter()
        .filter(of_package)
        .flat_map(|package| &package.targets);
    let examples = targets.filter(|target| target.is_example());
    let names = examples.map(|target| target.name.clone());
    names
        .filter(|name| !MEASUREMENTS.contains(&name.as_str()))
        .collect()
}
