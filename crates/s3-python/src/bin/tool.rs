//! The command-line tool `mfs3`, for wheels.

use std::process::ExitCode;

fn main() -> ExitCode {
    s3_cli::main()
}
