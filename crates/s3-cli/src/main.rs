//! The program `mfs3`.

use std::process::ExitCode;

fn main() -> ExitCode {
    s3_cli::main()
}
