//! The `s3-bench` program: runs the benchmarks of the library `s3_bench`. Linux only.

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    s3_bench::run()
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    // The benchmarks run on Linux only.
    ExitCode::FAILURE
}
