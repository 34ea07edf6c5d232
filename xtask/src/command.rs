//! Runs child processes such as cargo: prints the command line and fails with the child's exit status.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use cargo_metadata::Message;

use crate::failure::{Failure, Outcome};
use crate::workspace::{data_selection, selection};

/// Returns a command for the cargo that runs this chore, with the root of the workspace as working directory.
///
/// `cargo run` sets environment variables that describe the xtask package. Build scripts of dependencies, such as
/// ring's, watch those variables, so keeping them would rebuild half of the dependency graph whenever a chore follows a
/// cargo command typed by hand.
pub(crate) fn cargo(root: &Path) -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root);
    without_package(&mut command);
    command
}

/// Removes the variables that describe the xtask package from a command that starts another cargo.
pub(crate) fn without_package(command: &mut Command) -> &mut Command {
    for (name, _) in env::vars_os() {
        if describes_package(&name) {
            command.env_remove(name);
        }
    }
    command
}

/// Prints the command, runs it, and fails with its exit status.
pub(crate) fn run(command: &mut Command) -> Outcome {
    println!("$ {}", line(command));
    let status = command
        .status()
        .map_err(|error| not_started(command, &error))?;
    check(command, status)
}

/// Runs the command and returns its output; its standard error goes to the terminal.
pub(crate) fn output_of(command: &mut Command) -> Outcome<String> {
    command.stderr(Stdio::inherit());
    let output = command
        .output()
        .map_err(|error| not_started(command, &error))?;
    check(command, output.status)?;
    String::from_utf8(output.stdout)
        .map_err(|_| Failure::new(format!("read the output of `{}`: not UTF-8", line(command))))
}

/// Returns whether the command starts and succeeds; prints nothing.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Builds an executable with the same features as the other steps and returns its path.
///
/// `cargo run --package` would resolve the features of that package alone, and build the AWS SDK a second time beside
/// the one that the tests use.
pub(crate) fn built_executable(root: &Path, kind: &str, name: &str) -> Outcome<PathBuf> {
    let mut command = cargo(root);
    command.arg("build").args(selection()).args([kind, name]);
    built(command, name)
}

/// Builds an example of the data layer and returns its path.
pub(crate) fn data_example(root: &Path, name: &str) -> Outcome<PathBuf> {
    let mut command = cargo(root);
    command
        .arg("build")
        .args(data_selection())
        .args(["--example", name]);
    built(command, name)
}

/// Builds the executable of a package with the same name, with optimisation, and returns its path.
///
/// The package is resolved alone: no other step builds with optimisation, so there are no builds to share.
pub(crate) fn optimised_executable(
    root: &Path,
    package: &str,
    features: &[&str],
) -> Outcome<PathBuf> {
    let mut command = cargo(root);
    command.args(["build", "--release", "--package", package]);
    for feature in features {
        command.args(["--features", feature]);
    }
    built(command, package)
}

fn built(mut command: Command, name: &str) -> Outcome<PathBuf> {
    command.arg("--message-format=json-render-diagnostics");
    println!("$ {}", line(&command));
    let messages = output_of(&mut command)?;
    Message::parse_stream(messages.as_bytes())
        .filter_map(Result::ok)
        .filter_map(|message| match message {
            Message::CompilerArtifact(artifact) if artifact.target.name == name => {
                artifact.executable
            }
            _ => None,
        })
        .last()
        .map(|path| path.into_std_path_buf())
        .ok_or_else(|| Failure::new(format!("build {name}: cargo named no executable")))
}

fn describes_package(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
}

fn check(command: &Command, status: ExitStatus) -> Outcome {
    if status.success() {
        return Ok(());
    }
    let code = status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(1);
    Err(Failure::with_status(
        format!("`{}` ended with {status}", line(command)),
        code,
    ))
}

fn not_started(command: &Command, error: &std::io::Error) -> Failure {
    Failure::new(format!("start `{}`: {error}", line(command)))
}

/// Returns the command as typed in a shell, without the directory of the program.
fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(command.get_program());
    std::iter::once(name)
        .chain(command.get_args())
        .map(|word| quoted(&word.to_string_lossy()))
        .collect::<Vec<_>>()
        .join(" ")
}

fn quoted(word: &str) -> String {
    if word.is_empty() || word.contains(char::is_whitespace) {
        format!("'{word}'")
    } else {
        word.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_is_printed_as_it_is_typed() {
        let mut command = Command::new("/usr/bin/cargo");
        command.args(["clippy", "--", "-D", "warnings", "two words"]);
        assert_eq!(line(&command), "cargo clippy -- -D warnings 'two words'");
    }

    #[test]
    fn a_missing_program_is_named() {
        let failure = run(&mut Command::new("no-such-program-anywhere")).unwrap_err();
        assert_eq!(failure.status(), 1);
        assert!(
            failure
                .to_string()
                .starts_with("start `no-such-program-anywhere`: ")
        );
    }

    #[test]
    fn only_the_package_variables_are_dropped() {
        assert!(describes_package(OsStr::new("CARGO_PKG_NAME")));
        assert!(describes_package(OsStr::new("CARGO_MANIFEST_DIR")));
        assert!(!describes_package(OsStr::new("CARGO_HOME")));
        assert!(!describes_package(OsStr::new("CARGO_INCREMENTAL")));
    }
}
