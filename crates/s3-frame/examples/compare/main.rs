//! Measures the data layer against object_store's `AmazonS3`, both with default settings.
//!
//! Each measurement is a process of its own on one core; the server, `s3-bench origin`, is on another. Clients take turns,
//! in an order that alternates. A row is one call pattern, one call after the other, or one query of DataFusion. The clock
//! runs inside the process, around the calls or around making the table and the query: neither the start of the process
//! nor the data count, and calls have been made once before, so that there is a connection.
//!
//! ```text
//! cargo build --release -p s3-bench
//! cargo run --release -p s3-frame --features datafusion --example compare -- --origin target/release/s3-bench
//! ```

#![expect(clippy::print_stdout, reason = "it prints a table")]
#![expect(clippy::print_stderr, reason = "it prints why it failed")]

mod calls;
mod client;
mod cost;
mod data;
mod measurement;
mod origin;
mod queries;
mod rounds;
mod row;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::measurement::Measurement;
use crate::row::Row;

pub(crate) type Result<T = (), E = Box<dyn std::error::Error + Send + Sync>> =
    std::result::Result<T, E>;

#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Program {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    compare: Arguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// One client's turn at one row
    #[command(hide = true)]
    Measure(Measurement),
}

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The program `s3-bench`, whose server is used
    #[arg(long, default_value = "target/release/s3-bench")]
    origin: PathBuf,
    /// Only these rows
    #[arg(long, value_delimiter = ',', value_enum)]
    rows: Vec<Row>,
    /// How often each client does each row
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    times: u32,
    /// A tenth of the calls and of the files of a query, once: checks that all rows work
    #[arg(long)]
    quick: bool,
    /// Partitions of a query; by default as many as DataFusion takes, which is one per core
    #[arg(long)]
    partitions: Option<usize>,
    /// The core of the clients
    #[arg(long, default_value_t = 0)]
    client_core: usize,
    /// The core of the server
    #[arg(long, default_value_t = 1)]
    server_core: usize,
}

fn main() -> ExitCode {
    let Program { command, compare } = Program::parse();
    let outcome = match command {
        Some(Command::Measure(measurement)) => measurement.run(),
        None => rounds::run(&compare),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compare: {error}");
            ExitCode::FAILURE
        }
    }
}
