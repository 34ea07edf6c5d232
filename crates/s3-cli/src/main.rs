//! The program `mfs3`, whose code is in the library `s3_cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    s3_cli::main()
}
