//! `s3-bench`: see the library of the same name.

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    s3_bench::run()
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    // Nothing is measured, which is no success.
    ExitCode::FAILURE
}
