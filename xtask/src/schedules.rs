//! `cargo xtask schedules`: runs models of the state that threads share under thousands of thread schedules (shuttle).
//!
//! The models are unit tests of s3-transfer that only exist with `--cfg shuttle`. The flag rebuilds each dependency, so
//! the build goes to `target/shuttle`. Only the engine is built there, without the AWS SDK.

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use clap::Args;

use crate::command;
use crate::failure::Outcome;

/// The tests that are models; the others run without shuttle.
const MODELS: &str = "model::";

/// Options of `cargo xtask schedules`.
#[derive(Debug, Default, Args)]
pub(crate) struct Arguments {
    /// A model, such as `layer::circuit_breaker::model::recovery`; without it, all of them
    model: Option<String>,
    /// How many schedules of each model; without it, as many as in `test`
    #[arg(long)]
    each: Option<usize>,
    /// Seed of the random choices
    #[arg(long)]
    seed: Option<u64>,
    /// A schedule that a failure of this model has printed, in one line
    #[arg(long, requires = "model", conflicts_with_all = ["each", "seed"])]
    replay: Option<String>,
}

/// Runs the models that the arguments select.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Outcome {
    let mut models = shuttled(root, "test");
    models.arg("--");
    match &arguments.model {
        Some(model) => models.args(["--exact", model]),
        None => models.arg(MODELS),
    };
    models.arg("--nocapture");
    let settings = [
        ("SCHEDULES", arguments.each.map(|each| each.to_string())),
        ("SEED", arguments.seed.map(|seed| seed.to_string())),
        ("SCHEDULE", arguments.replay.clone()),
    ];
    for (name, value) in settings {
        if let Some(value) = value {
            models.env(name, value);
        }
    }
    command::run(&mut models)
}

/// Runs the step of `test`: lints of the models, and some thousand schedules.
pub(crate) fn run_quick(root: &Path) -> Outcome {
    let mut lints = shuttled(root, "clippy");
    lints.args(["--profile", "test", "--", "-D", "warnings"]);
    command::run(&mut lints)?;
    run(root, &Arguments::default())
}

/// Returns a cargo command that builds the engine with shuttle.
fn shuttled(root: &Path, subcommand: &str) -> Command {
    let mut command = command::cargo(root);
    command.args([subcommand, "--target-dir", "target/shuttle"]);
    command.args(["--package", "s3-transfer", "--lib"]);
    command.env("RUSTFLAGS", with_shuttle(env::var_os("RUSTFLAGS")));
    command
}

/// Adds `--cfg shuttle` to the compiler flags.
fn with_shuttle(flags: Option<OsString>) -> OsString {
    let mut flags = flags.unwrap_or_default();
    flags.push(" --cfg shuttle");
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn existing_flags_are_kept() {
        assert_eq!(with_shuttle(None), " --cfg shuttle");
        let set = Some("-C debuginfo=0".into());
        assert_eq!(with_shuttle(set), "-C debuginfo=0 --cfg shuttle");
    }
}
