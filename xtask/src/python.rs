//! `cargo xtask python`: builds the native module of `mfs3` and runs the Python tests; builds and tests the wheel too.
//!
//! The package is assembled in `target/python/site` from the Python files and the library that cargo built. Its tests
//! run in a virtual environment with the packages of `tests/requirements.txt`. The tests of flows also run with older
//! versions of Metaflow, and those of the file system with the oldest fsspec. pandas and dask read files in the
//! repository, and a test of s3-frame checks that it writes the same files. The last step installs the sdist with pip
//! in an empty environment and tests the installed package (entry points, licences). `--wheel` does the same with the
//! distributed wheel, which needs an optimised build.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::Message;
use clap::Args;

use crate::command;
use crate::failure::{Failure, Outcome};
use crate::workspace::{metadata, with_python};

/// The tests to run.
#[derive(Debug, Default, Args)]
pub(crate) struct Arguments {
    /// Run Metaflow's own tests of its S3 client instead, from this checkout of Metaflow
    #[arg(long, value_name = "PATH")]
    upstream: Option<PathBuf>,
    /// Build the wheel and the sdist below target/python/dist instead, and test the wheel in an empty environment
    #[arg(long, conflicts_with = "upstream")]
    wheel: bool,
    /// Arguments for pytest
    #[arg(last = true)]
    pytest: Vec<String>,
}

/// Packages that Metaflow's tests need besides ours.
const UPSTREAM_NEEDS: [&str; 2] = ["numpy", "pytest-benchmark"];

/// Number of Metaflow's tests of its S3 client, without benchmarks.
const UPSTREAM_TESTS: &str = "436";

/// Older versions of Metaflow that the package supports: the oldest, and two others.
const METAFLOWS: [&str; 3] = ["2.9.0", "2.12.39", "2.15.21"];

/// The oldest version of fsspec that `pyproject.toml` accepts.
const OLDEST_FSSPEC: &str = "2024.2.0";

/// Packages that build the sdist, and a wheel from it for this machine.
const SDIST_NEEDS: [&str; 2] = ["build==1.6.1", "maturin==1.16.0"];

/// Additional packages for a wheel for old versions of glibc.
const WHEEL_NEEDS: [&str; 1] = ["ziglang==0.17.1"];

/// The oldest glibc that wheels support: that of Rust's standard library.
const GLIBC: &str = "manylinux_2_17";

/// The test of the wheel for old versions of glibc.
const OF_DISTRIBUTED: &str = "packaging/test_wheel.py::test_the_wheel_runs_with_an_old_glibc";

/// Packages that the tests of a wheel need.
const CLEAN_NEEDS: [&str; 5] = ["metaflow", "boto3", "fsspec", "pytest", "pytest-timeout"];

/// Builds, installs missing packages, and runs the tests.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Outcome {
    if let Some(checkout) = &arguments.upstream {
        return upstream(root, checkout, arguments);
    }
    if arguments.wheel {
        return wheel(root, arguments);
    }
    command::run(
        command::cargo(root)
            .arg("clippy")
            .args(with_python())
            .arg("--all-targets")
            .args(["--", "-D", "warnings"]),
    )?;
    let Built { library, server } = build(root)?;
    let site = assemble(root, &library)?;
    let python = environment(root)?;
    let metaflows = older_metaflows(root, &python)?;
    command::run(
        Command::new(&python)
            .current_dir(root)
            .env("MFS3_TEST_SERVER", &server)
            .env("PYTHONPATH", &site)
            .env("MFS3_TEST_METAFLOWS", join_paths(&metaflows)?)
            .args(["-m", "pytest", "-q", "crates/s3-python/tests"])
            .args(&arguments.pytest),
    )?;
    if !arguments.pytest.is_empty() {
        // The arguments may select no test of the file system.
        return Ok(());
    }
    let golden = root.join("crates/s3-frame/tests/golden");
    command::run(
        Command::new(&python)
            .arg(golden.join("record.py"))
            .arg("--check")
            .arg(golden.join("written")),
    )?;
    let fsspec = older(root, &python, "fsspec", OLDEST_FSSPEC)?;
    command::run(
        Command::new(&python)
            .current_dir(root)
            .env("MFS3_TEST_SERVER", &server)
            .env("PYTHONPATH", join_paths(&[fsspec, site])?)
            .args(["-m", "pytest", "-q"])
            .arg("crates/s3-python/tests/test_fsspec.py"),
    )?;
    installed(root, &server)
}

/// Installs the sdist in an empty environment and tests the features that only an installed package has: command line
/// tool, licences, entry points, Metaflow extension. Other steps test flows.
fn installed(root: &Path, server: &Path) -> Outcome {
    let wheel = wheel_of_sdist(root)?;
    let python = clean_environment(root, &wheel)?;
    command::run(
        Command::new(&python)
            .current_dir(root)
            .env("MFS3_TEST_SERVER", server)
            .env("MFS3_TEST_WHEEL", &wheel)
            .args(["-m", "pytest", "-q", "--deselect", OF_DISTRIBUTED])
            .args(["-k", "not test_a_flow and not test_the_example"])
            .args([
                "crates/s3-python/packaging",
                "crates/s3-python/tests/test_metaflow.py",
            ]),
    )
}

/// Builds a wheel from the sdist for this machine, as pip does, without optimisation.
fn wheel_of_sdist(root: &Path) -> Outcome<PathBuf> {
    let python = virtual_environment(&root.join("target/python/build"))?;
    install(&python, &SDIST_NEEDS)?;
    let path = path_with(&root.join("target/python/build/bin"))?;
    let folder = unpacked_sdist(root, &python, &path)?;
    // Third-party crates with equal features are built once for both workspaces.
    let shared = metadata(root)?;
    let shared = shared.build_directory.unwrap_or(shared.target_directory);
    let build_without_isolation = ["wheel", "--quiet", "--no-deps", "--no-build-isolation"];
    command::run(
        command::without_package(&mut Command::new(&python))
            .env("PATH", path)
            .env("CARGO_TARGET_DIR", root.join("target/python/sdist-target"))
            .env("CARGO_BUILD_BUILD_DIR", shared)
            .args(["-m", "pip"])
            .args(build_without_isolation)
            .args(["--config-settings", "build-args=--locked --profile dev"])
            .arg("--wheel-dir")
            .arg(folder.join("wheel"))
            .arg(&folder),
    )?;
    file_in(&folder.join("wheel"), "whl")
}

/// Builds the sdist and unpacks it in target/python/sdist.
///
/// The path is always the same, so that cargo reuses its builds, and the files have the current time, so that cargo
/// notices changes.
fn unpacked_sdist(root: &Path, python: &Path, path: &OsStr) -> Outcome<PathBuf> {
    let folder = root.join("target/python/sdist");
    remove(&folder)?;
    command::run(
        Command::new(python)
            .env("PATH", path)
            .args(["-m", "build", "--no-isolation", "--sdist", "--outdir"])
            .arg(&folder)
            .arg(root.join("crates/s3-python")),
    )?;
    let sdist = file_in(&folder, "gz")?;
    command::run(
        Command::new("tar")
            .args(["-x", "-m", "--strip-components=1", "-f"])
            .arg(&sdist)
            .arg("-C")
            .arg(&folder),
    )?;
    Ok(folder)
}

/// Returns the variable `PATH` with this folder first.
fn path_with(tools: &Path) -> Outcome<OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = [tools.to_path_buf()];
    let path = env::join_paths(folders.into_iter().chain(env::split_paths(&path)));
    path.map_err(|error| Failure::new(format!("set PATH: {error}")))
}

/// Returns the file in a folder that has this extension.
fn file_in(folder: &Path, extension: &str) -> Outcome<PathBuf> {
    fs::read_dir(folder)
        .map_err(|error| Failure::new(format!("read {}: {error}", folder.display())))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .find(|path| path.extension().is_some_and(|end| end == extension))
        .ok_or_else(|| Failure::new(format!("{} has no .{extension} file", folder.display())))
}

/// Assembles the package and returns its folder.
fn assemble(root: &Path, library: &Path) -> Outcome<PathBuf> {
    let site = root.join("target/python/site");
    let failed = |error| Failure::new(format!("put {} together: {error}", site.display()));
    remove(&site)?;
    copy(&root.join("crates/s3-python/python"), &site).map_err(failed)?;
    fs::copy(library, site.join("mfs3/_native.abi3.so")).map_err(failed)?;
    Ok(site)
}

/// The files that cargo built.
struct Built {
    library: PathBuf,
    server: PathBuf,
}

/// Builds the native module and the test server with the features of the whole workspace, so that builds of `cargo
/// xtask test` are reused.
fn build(root: &Path) -> Outcome<Built> {
    let mut build = command::cargo(root);
    build.arg("build").args(with_python());
    build.args(["--lib", "--example", "serve"]);
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

/// Creates the virtual environment if it is missing, installs missing packages, and returns its interpreter.
fn environment(root: &Path) -> Outcome<PathBuf> {
    let python = virtual_environment(&root.join("target/python/venv"))?;
    let requirements = root.join("crates/s3-python/tests/requirements.txt");
    command::run(
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--requirement"])
            .arg(requirements),
    )?;
    Ok(python)
}

fn virtual_environment(folder: &Path) -> Outcome<PathBuf> {
    let python = folder.join("bin/python");
    if !python.exists() {
        let base = env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
        command::run(Command::new(base).args(["-m", "venv"]).arg(folder))?;
    }
    Ok(python)
}

/// Installs older versions of Metaflow, each in its own folder.
fn older_metaflows(root: &Path, python: &Path) -> Outcome<Vec<PathBuf>> {
    METAFLOWS
        .iter()
        .map(|version| older(root, python, "metaflow", version))
        .collect()
}

/// Installs an older version of a package, if it is missing, in a folder named after it.
fn older(root: &Path, python: &Path, package: &str, version: &str) -> Outcome<PathBuf> {
    let folder = root.join("target/python").join(package).join(version);
    complete(&folder, |target| {
        command::run(
            Command::new(python)
                .args(["-m", "pip", "install", "--quiet", "--no-deps"])
                .arg(format!("{package}=={version}"))
                .arg("--target")
                .arg(target),
        )
    })?;
    Ok(folder)
}

/// Creates a folder if it is missing, atomically: `make` fills another folder, which is then renamed.
fn complete(folder: &Path, make: impl FnOnce(&Path) -> Outcome) -> Outcome {
    if folder.exists() {
        return Ok(());
    }
    let mut partial = folder.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    remove(&partial)?;
    make(&partial)?;
    fs::rename(&partial, folder)
        .map_err(|error| Failure::new(format!("rename {}: {error}", partial.display())))
}

/// Builds the wheel, and runs the tests of flows and of the wheel in an environment without other packages.
fn wheel(root: &Path, arguments: &Arguments) -> Outcome {
    let wheel = build_wheel(root)?;
    let python = clean_environment(root, &wheel)?;
    let metaflows = older_metaflows(root, &python)?;
    let Built { server, .. } = build(root)?;
    command::run(
        Command::new(&python)
            .current_dir(root)
            .env("MFS3_TEST_SERVER", server)
            .env("MFS3_TEST_WHEEL", &wheel)
            .env("MFS3_TEST_METAFLOWS", join_paths(&metaflows)?)
            .args(["-m", "pytest", "-q"])
            .args([
                "crates/s3-python/packaging",
                "crates/s3-python/tests/test_metaflow.py",
            ])
            .args(&arguments.pytest),
    )
}

/// Runs Metaflow's own tests of its S3 client with the wheel. They transfer objects of 5 GB, so they need optimised
/// builds: the module of the wheel, and the server of its command line tool, which stores objects as files.
fn upstream(root: &Path, checkout: &Path, arguments: &Arguments) -> Outcome {
    let checkout = std::path::absolute(checkout)
        .map_err(|error| Failure::new(format!("resolve the checkout: {error}")))?;
    let wheel = build_wheel(root)?;
    let python = clean_environment(root, &wheel)?;
    install(&python, &UPSTREAM_NEEDS)?;
    // Arguments may select only some of the tests.
    let passed = arguments.pytest.is_empty().then_some(UPSTREAM_TESTS);
    command::run(
        Command::new(&python)
            .env("PYTHONPATH", &checkout)
            .env("MFS3_UPSTREAM_PASSED", passed.unwrap_or("0"))
            .current_dir(checkout.join("test/data"))
            .arg(root.join("crates/s3-python/tests/upstream.py"))
            .args(["-q", "--benchmark-skip", "s3"])
            .args(&arguments.pytest),
    )
}

/// Builds the sdist and the wheel in target/python/dist, and returns the wheel.
fn build_wheel(root: &Path) -> Outcome<PathBuf> {
    let python = virtual_environment(&root.join("target/python/build"))?;
    install(&python, &SDIST_NEEDS)?;
    install(&python, &WHEEL_NEEDS)?;
    let dist = root.join("target/python/dist");
    remove(&dist)?;
    // Without isolation, so that maturin finds zig; it then looks up tools on the path.
    let path = path_with(&root.join("target/python/build/bin"))?;
    command::run(
        Command::new(&python)
            .env("PATH", path)
            .args(["-m", "build", "--no-isolation", "--sdist", "--wheel"])
            .arg(format!(
                "-Cbuild-args=--locked --zig --compatibility {GLIBC}"
            ))
            .arg("--outdir")
            .arg(&dist)
            .arg(root.join("crates/s3-python")),
    )?;
    file_in(&dist, "whl")
}

/// Creates an empty virtual environment with the wheel and the packages of its tests, and returns its interpreter.
fn clean_environment(root: &Path, wheel: &Path) -> Outcome<PathBuf> {
    let clean = root.join("target/python/clean");
    remove(&clean)?;
    let python = virtual_environment(&clean)?;
    install(&python, &CLEAN_NEEDS)?;
    command::run(
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet"])
            .arg(wheel),
    )?;
    Ok(python)
}

fn remove(folder: &Path) -> Outcome {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Failure::new(format!(
            "remove {}: {error}",
            folder.display()
        ))),
        _ => Ok(()),
    }
}

fn install(python: &Path, packages: &[&str]) -> Outcome {
    command::run(
        Command::new(python)
            .args(["-m", "pip", "install", "--quiet"])
            .args(packages),
    )
}

fn join_paths(paths: &[PathBuf]) -> Outcome<OsString> {
    env::join_paths(paths).map_err(|error| Failure::new(format!("set PYTHONPATH: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_appears_when_it_is_complete() {
        let parent = env::temp_dir().join(format!("mfs3-complete-{}", std::process::id()));
        let folder = parent.join("1.0.0");
        let fill = |target: &Path| {
            fs::create_dir_all(target).expect("the parent is writable");
            fs::write(target.join("file"), "").expect("the folder is there");
        };
        let interrupted = complete(&folder, |target| {
            fill(target);
            Err(Failure::new("interrupted"))
        });
        assert!(interrupted.is_err());
        assert!(!folder.exists());
        complete(&folder, |target| {
            assert!(!target.exists(), "nothing is left of the first");
            fill(target);
            Ok(())
        })
        .expect("the second is complete");
        complete(&folder, |_| panic!("it is there")).expect("it is there");
        assert!(folder.join("file").exists());
        fs::remove_dir_all(&parent).expect("it is there");
    }
}
