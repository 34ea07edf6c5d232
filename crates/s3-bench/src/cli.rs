//! Command line of `s3-bench`: parses the arguments and runs one workload or a subcommand.

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, Subcommand, ValueEnum};

use crate::contract::Contract;
use crate::failure::Outcome;
use crate::tally::Tally;
use crate::usage::Usage;
use crate::workload::Workload;
use crate::{check, compare, core_pin, floor, ours, series, serve_command};

/// Runs one workload and prints what it has cost, or measures many.
#[derive(Debug, Parser)]
#[command(
    name = "s3-bench",
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
struct Program {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    once: Once,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve objects from memory until ended
    Origin(serve_command::Arguments),
    /// Measure clients against each other and against the floor
    Compare(compare::Arguments),
    /// Measure how the cost grows with the number of objects, keys and prefixes
    Series(series::Arguments),
}

/// One workload. Environment variables name the server, the files and the number of objects.
#[derive(Debug, clap::Args)]
struct Once {
    /// The workload to run
    #[arg(required = true)]
    workload: Option<Workload>,
    /// The client to run it with
    #[arg(long, value_enum, default_value_t = Client::Ours)]
    client: Client,
    /// The asynchronous client on the default runtime instead of the blocking one: short for `--client ours-async`
    #[arg(long = "async")]
    is_async: bool,
    /// Pin the process to this core
    #[arg(long)]
    core: Option<usize>,
    /// Check the files afterwards, which takes additional time
    #[arg(long)]
    check: bool,
}

/// The client that runs a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum Client {
    /// The blocking client of this workspace, default settings
    Ours,
    /// The asynchronous client of this workspace, default settings
    OursAsync,
    /// No client: prepared unsigned requests on one thread, as a limit
    Floor,
    /// object_store
    #[cfg(feature = "peers")]
    ObjectStore,
    /// OpenDAL
    #[cfg(feature = "peers")]
    Opendal,
    /// aws-sdk-s3
    #[cfg(feature = "peers")]
    Sdk,
}

impl Client {
    /// Returns whether it is a client other than ours and the floor.
    pub(crate) const fn is_peer(self) -> bool {
        !matches!(self, Self::Ours | Self::OursAsync | Self::Floor)
    }

    fn run(self, workload: Workload, contract: &Contract) -> Outcome<Tally> {
        match self {
            Self::Ours => ours::blocking::run(workload, contract),
            Self::OursAsync => ours::asynchronous::run(workload, contract),
            Self::Floor => floor::run(workload, contract),
            #[cfg(feature = "peers")]
            peer => crate::peers::run(peer, workload, contract),
        }
    }
}

/// Formats the name as on the command line.
impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value();
        f.write_str(value.as_ref().map_or("", |value| value.get_name()))
    }
}

/// Runs the command of the command line.
#[must_use]
pub fn run() -> ExitCode {
    let Program { command, once } = Program::parse();
    let outcome = match &command {
        Some(Command::Origin(arguments)) => serve_command::run(arguments),
        Some(Command::Compare(arguments)) => compare::run(arguments),
        Some(Command::Series(arguments)) => series::run(arguments),
        None => once.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "s3-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

impl Once {
    fn run(&self) -> Outcome {
        let begin = Instant::now();
        let workload = self.workload.ok_or("no workload is named")?;
        if let Some(core) = self.core {
            core_pin::stay_on(core)?;
        }
        let contract = Contract::from_env()?;
        let client = if self.is_async {
            Client::OursAsync
        } else {
            self.client
        };
        let tally = client.run(workload, &contract)?;
        let (took, usage) = (begin.elapsed(), Usage::so_far()?);
        if self.check {
            check::arrived(workload, &contract, tally)?;
        }
        writeln!(
            io::stdout(),
            "count={} bytes={} inner={:.4} cpu={:.4} peak_kib={}",
            tally.items,
            tally.bytes,
            took.as_secs_f64(),
            usage.cpu.as_secs_f64(),
            usage.peak_kib,
        )?;
        Ok(())
    }
}
