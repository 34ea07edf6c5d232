//! `cargo xtask deny`: runs cargo-deny, which checks licences, bans, sources and advisories of all dependencies,
//! including those of s3-ballista, which has its own lock file.
//!
//! The first three checks read `deny.toml` and `Cargo.lock` only. Advisories need the RustSec database from the
//! network: without network, the chore reports that they are skipped and still succeeds. A finding is a failure.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command;
use crate::failure::Outcome;
use crate::workspace::BALLISTA;

/// The workspaces with a lock file, as options of cargo-deny.
const WORKSPACES: [&[&str]; 2] = [&[], &BALLISTA];

/// deny.toml lists the licences of the main workspace; s3-ballista does not use all of them.
const BALLISTA_LINTS: [&str; 2] = ["--allow", "license-not-encountered"];

/// Installs cargo-deny if it is missing, then runs the checks.
pub(crate) fn run(root: &Path) -> Outcome {
    let tool = Tool::find_or_install(root)?;
    for workspace in WORKSPACES {
        let mut check = tool.command(root);
        check
            .args(workspace)
            .args(["check", "--hide-inclusion-graph"]);
        if !workspace.is_empty() {
            check.args(BALLISTA_LINTS);
        }
        command::run(check.args(["licenses", "bans", "sources"]))?;
    }
    advisories(&tool, root)
}

/// How to start cargo-deny.
#[derive(Debug)]
enum Tool {
    /// `cargo deny` works.
    Installed,
    /// Our copy in the target folder.
    Local(PathBuf),
}

impl Tool {
    fn find_or_install(root: &Path) -> Outcome<Self> {
        if command::succeeds(command::cargo(root).args(["deny", "--version"])) {
            return Ok(Self::Installed);
        }
        let tools = root.join("target/tools");
        let program = tools.join("bin/cargo-deny");
        if !command::succeeds(Command::new(&program).arg("--version")) {
            command::run(
                command::cargo(root)
                    .args(["install", "cargo-deny", "--locked", "--root"])
                    .arg(&tools),
            )?;
        }
        Ok(Self::Local(program))
    }

    fn command(&self, root: &Path) -> Command {
        let mut command = command::cargo(root);
        match self {
            Self::Installed => {
                command.arg("deny");
            }
            Self::Local(program) => {
                command = Command::new(program);
                command.current_dir(root);
            }
        }
        command
    }
}

/// Fetches the database, then checks. These are two commands, so that a missing network is not mistaken for a finding,
/// or a finding for a missing network.
fn advisories(tool: &Tool, root: &Path) -> Outcome {
    if command::run(tool.command(root).args(["fetch", "db"])).is_err() {
        println!();
        println!("WARNING: ADVISORIES WERE NOT CHECKED: the RustSec database cannot be fetched");
        println!("hint: run `cargo xtask deny` again where the network reaches it");
        return Ok(());
    }
    for workspace in WORKSPACES {
        let mut check = tool.command(root);
        check.args(workspace);
        command::run(check.args(["--offline", "check", "advisories"]))?;
    }
    Ok(())
}
