//! `cargo xtask examples`: runs every example of s3-client; an example that ends with another status than 0 fails.
//!
//! The examples need no arguments and no network beyond 127.0.0.1.

use std::path::Path;
use std::process::Command;

use cargo_metadata::{Metadata, Package};

use crate::failure::{Failure, Outcome};
use crate::{command, workspace};

const PACKAGE: &str = "s3-client";

/// Builds and runs them, one after the other.
pub(crate) fn run(root: &Path) -> Outcome {
    let names = names(&workspace::metadata(root)?);
    if names.is_empty() {
        return Err(Failure::new(format!("{PACKAGE} has no examples")));
    }
    for name in names {
        let program = command::built_executable(root, "--example", &name)?;
        command::run(Command::new(program).current_dir(root))?;
    }
    Ok(())
}

fn names(metadata: &Metadata) -> Vec<String> {
    let of_package = |package: &&Package| package.name.as_str() == PACKAGE;
    let targets = metadata
        .packages
        .iter()
        .filter(of_package)
        .flat_map(|package| &package.targets);
    let examples = targets.filter(|target| target.is_example());
    examples.map(|target| target.name.clone()).collect()
}
