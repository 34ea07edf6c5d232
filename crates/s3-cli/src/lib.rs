//! The command-line tool `mfs3`: copies, lists and removes objects in S3.
//!
//! The tool parses arguments, prints, and chooses exit codes; transfers are those of the libraries. Each command is a
//! file below `commands`. A command turns its arguments into inputs and runs them through the engine's fan-out, so that
//! memory is bounded by the window of inputs in flight. The report prints one line per input and
//! knows the exit code.

mod address;
mod cli;
mod commands;
mod exit_code;
mod failure;
mod filter;
mod global;
mod listing;
mod local_names;
mod printable;
mod process;
mod progress;
mod report;
mod retry_notice;
mod session;
mod size;
mod stop;
mod wildcard;

pub use process::main;
