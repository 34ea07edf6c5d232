//! `cargo xtask python`: builds the native module of `mfs3` and runs the Python tests.
//!
//! The package is put together below `target/python/site`: the Python files and the library that cargo built. Its tests
//! run in a virtual environment of their own, with what `tests/requirements.txt` names.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::Message;
use clap::Args;

use crate::command;
use crate::failure::{Failure, Outcome};
use crate::workspace::with_python;

/// Which tests run.
#[derive(Debug, Default, Args)]
pub(crate) struct Arguments {
    /// Run Metaflow's own tests of its S3 client instead, from this checkout of Metaflow
    #[arg(long, value_name = "PATH")]
    upstream: Option<PathBuf>,
    /// Arguments for pytest
    #[arg(last = true)]
    pytest: Vec<String>,
}

/// The packages that Metaflow's tests need besides ours.
const UPSTREAM_NEEDS: [&str; 2] = ["numpy", "pytest-benchmark"];

/// Builds, installs what is missing, and runs the tests.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Outcome {
    command::run(
        command::cargo(root)
            .arg("clippy")
            .args(with_python())
            .arg("--all-targets")
            .args(["--", "-D", "warnings"]),
    )?;
    // Metaflow's tests move 5 GB objects: without optimisation they take hours.
    let optimised = arguments.upstream.is_some();
    let Built { library, server } = build(root, optimised)?;
    let site = assemble(root, &library)?;
    let python = environment(root)?;
    let mut tests = Command::new(&python);
    tests.env("MFS3_TEST_SERVER", server);
    match &arguments.upstream {
        None => tests.current_dir(root).env("PYTHONPATH", &site).args([
            "-m",
            "pytest",
            "-q",
            "crates/s3-python/tests",
        ]),
        Some(checkout) => {
            let checkout = std::path::absolute(checkout)
                .map_err(|error| Failure::new(format!("resolve the checkout: {error}")))?;
            install(&python, &UPSTREAM_NEEDS)?;
            let runner = root.join("crates/s3-python/tests/upstream.py");
            tests
                .env("PYTHONPATH", join_paths(&[&site, &checkout])?)
                .current_dir(checkout.join("test/data"))
                .arg(runner)
                .args(["-q", "--benchmark-skip", "s3"])
        }
    };
    command::run(tests.args(&arguments.pytest))
}

/// Puts the package together and returns its folder.
fn assemble(root: &Path, library: &Path) -> Outcome<PathBuf> {
    let site = root.join("target/python/site");
    let failed = |error| Failure::new(format!("put {} together: {error}", site.display()));
    if site.exists() {
        fs::remove_dir_all(&site).map_err(failed)?;
    }
    copy(&root.join("crates/s3-python/python"), &site).map_err(failed)?;
    fs::copy(library, site.join("mfs3/_native.abi3.so")).map_err(failed)?;
    Ok(site)
}

/// What cargo built.
struct Built {
    library: PathBuf,
    server: PathBuf,
}

/// Builds the native module and the server of the tests, with the features of the whole workspace: nothing that
/// `cargo xtask test` built is built again.
fn build(root: &Path, optimised: bool) -> Outcome<Built> {
    let mut build = command::cargo(root);
    build.arg("build").args(with_python());
    build.args(["--lib", "--example", "serve"]);
    if optimised {
        build.arg("--release");
    }
    build.arg("--message-format=json-render-diagnostics");
    let (mut library, mut server) = (None, None);
    for message in Message::parse_stream(command::output_of(&mut build)?.as_bytes()) {
        let Ok(Message::CompilerArtifact(artifact)) = message else {
            continue;
        };
        match artifact.target.name.as_str() {
            "_native" => library = artifact.filenames.into_iter().next(),
            "serve" => server = artifact.executable,
            _ => {}
        }
    }
    match (library, server) {
        (Some(library), Some(server)) => Ok(Built {
            library: library.into_std_path_buf(),
            server: server.into_std_path_buf(),
        }),
        _ => Err(Failure::new(
            "build s3-python: cargo named no library, or no server",
        )),
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            if entry.file_name() != "__pycache__" {
                copy(&entry.path(), &target)?;
            }
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Makes the virtual environment if it is missing, installs what is missing, and returns its interpreter.
fn environment(root: &Path) -> Outcome<PathBuf> {
    let folder = root.join("target/python/venv");
    let python = folder.join("bin/python");
    if !python.exists() {
        let base = env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
        command::run(Command::new(base).args(["-m", "venv"]).arg(&folder))?;
    }
    let requirements = root.join("crates/s3-python/tests/requirements.txt");
    command::run(
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--requirement"])
            .arg(requirements),
    )?;
    Ok(python)
}

fn install(python: &Path, packages: &[&str]) -> Outcome {
    command::run(
        Command::new(python)
            .args(["-m", "pip", "install", "--quiet"])
            .args(packages),
    )
}

fn join_paths(paths: &[&Path]) -> Outcome<std::ffi::OsString> {
    env::join_paths(paths).map_err(|error| Failure::new(format!("set PYTHONPATH: {error}")))
}
