//! `cargo xtask bench`: measures CPU time and memory of transfers, against a floor and other clients.
//!
//! It builds the program `s3-bench` with optimisation, runs it and returns its exit status. xtask does not depend on
//! the program, so that xtask builds quickly.

use std::path::Path;
use std::process::Command;

use clap::Args;

use crate::command;
use crate::failure::Outcome;

const PACKAGE: &str = "s3-bench";
const PEERS: &str = "--peers";
const SERIES: &str = "--series";

/// Options of `cargo xtask bench`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Build other clients too and compare with them; the first build takes minutes
    #[arg(long)]
    peers: bool,
    /// Measure how cost grows with the number of objects, keys and prefixes instead of comparing clients
    #[arg(long)]
    series: bool,
    /// For the program, such as `--quick`, `-w W1m,W4`, `-r i,ii`, `-n 3`, `--json FILE`; `--help` after `--` shows all
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    program: Vec<String>,
}

/// Builds the program, then runs it in the caller's directory, because paths are relative to it.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Outcome {
    let (ours, program) = split(&arguments.program);
    let says = |flag: &str| ours.contains(&flag);
    let with_peers = arguments.peers || says(PEERS);
    let features: &[&str] = if with_peers { &["peers"] } else { &[] };
    let executable = command::optimised_executable(root, PACKAGE, features)?;
    let with_series = arguments.series || says(SERIES);
    let what = if with_series { "series" } else { "compare" };
    command::run(Command::new(executable).arg(what).args(program))
}

/// Splits the arguments into flags of this command, which may also follow those of the program, and flags of the
/// program.
fn split(words: &[String]) -> (Vec<&str>, Vec<&str>) {
    let words = words.iter().map(String::as_str);
    words.partition(|word| [PEERS, SERIES].contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_of_the_chore_may_follow_those_of_the_program() {
        let words = ["--quick", "-n", "3", "--peers"].map(str::to_owned);
        let program = vec!["--quick", "-n", "3"];
        assert_eq!(split(&words), (vec!["--peers"], program));
        assert_eq!(split(&[]), (vec![], vec![]));
    }
}
