//! The command-line tool `mfs3` as a binary of the Python wheel: calls `main` of `s3_cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    s3_cli::main()
}
