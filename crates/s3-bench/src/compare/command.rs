//! `s3-bench compare`: arguments, and the loop that runs each workload with each client.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::child::{self, Task};
use super::orphans;
use super::regime::Regime;
use super::row::{MEMORY, Row, USUAL};
use super::server_process::ServerProcess;
use super::sources::{self, Amounts};
use super::table::{self, Run};
use crate::cli::Client;
use crate::core_pin;
use crate::failure::Outcome;
use crate::workload::Workload;

const FULL: Amounts = Amounts {
    small: 10_000,
    mid: 1_000,
    ranges: 2_000,
    big_mib: 2_048,
    keys: 200_000,
};

/// Fewer bytes of large objects. The number of small objects is the same: with fewer, the start of the process and the
/// search for a concurrency level would dominate.
const QUICK: Amounts = Amounts {
    mid: 500,
    big_mib: 1_024,
    ..FULL
};

/// Options of `s3-bench compare`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Arguments {
    /// Workloads, such as W1m,W4; a t at the end, as in W1t, writes files in memory
    #[arg(short, long, value_delimiter = ',', default_values = USUAL)]
    workloads: Vec<Row>,
    /// Servers: i responds at once, ii takes 20 ms and 85 MB/s for each connection
    #[arg(short, long, value_delimiter = ',', value_enum, default_value = "i")]
    regimes: Vec<Regime>,
    /// How often each client does each workload
    #[arg(short = 'n', long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    times: u32,
    /// Half of the bytes of large objects, and as many small ones
    #[arg(long)]
    quick: bool,
    /// Only these clients; by default the floor, ours, and the peers that were built in
    #[arg(short, long, value_delimiter = ',', value_enum)]
    clients: Vec<Client>,
    /// The size of the big object, in MiB
    #[arg(long)]
    big_mib: Option<u64>,
    /// Append one JSON object for each run to this file
    #[arg(long)]
    json: Option<PathBuf>,
    /// A folder to keep the uploaded files in for the next time; without it they are made again and removed
    #[arg(long)]
    folder: Option<PathBuf>,
}

/// Measures all clients, prints each run when it ends, and prints a table at the end.
pub(crate) fn run(arguments: &Arguments) -> Outcome {
    orphans::remove(&[&std::env::temp_dir(), Path::new(MEMORY)])?;
    let (folder, is_ours) = match &arguments.folder {
        Some(folder) => (std::path::absolute(folder)?, false),
        None => (std::env::temp_dir().join(orphans::own_name()), true),
    };
    fs::create_dir_all(&folder)?;
    let outcome = Measurement::new(arguments, &folder).and_then(|measurement| measurement.run());
    fs::remove_dir_all(folder.join("parked")).or_else(fine_if_missing)?;
    if is_ours {
        fs::remove_dir_all(&folder)?;
    }
    outcome
}

struct Measurement<'a> {
    arguments: &'a Arguments,
    folder: &'a Path,
    source: PathBuf,
    amounts: Amounts,
    cores: Option<(usize, usize)>,
    clients: Vec<Client>,
}

impl<'a> Measurement<'a> {
    fn new(arguments: &'a Arguments, folder: &'a Path) -> Outcome<Self> {
        let mut amounts = if arguments.quick { QUICK } else { FULL };
        amounts.big_mib = arguments.big_mib.unwrap_or(amounts.big_mib);
        let mut clients = arguments.clients.clone();
        if clients.is_empty() {
            let usual = |client: &Client| *client != Client::OursAsync;
            clients = Client::value_variants()
                .iter()
                .copied()
                .filter(usual)
                .collect();
        }
        Ok(Self {
            arguments,
            folder,
            source: sources::prepare(folder, amounts)?,
            amounts,
            cores: core_pin::pair()?,
            clients,
        })
    }

    fn run(&self) -> Outcome {
        let mut out = io::stdout();
        match self.cores {
            Some((client, server)) => {
                writeln!(out, "clients on core {client}, server on core {server}")?
            }
            None => writeln!(
                out,
                "one core for clients and server: times include the server's"
            )?,
        }
        let mut runs = Vec::new();
        for regime in &self.arguments.regimes {
            let core = self.cores.map(|(_, server)| server);
            let server = ServerProcess::start(regime.flags(), core)?;
            for time in 0..self.arguments.times as usize {
                for row in &self.arguments.workloads {
                    // Each client is first once.
                    let mut clients = self.clients.clone();
                    clients.rotate_left(time % self.clients.len());
                    for client in clients {
                        let run = self.one(client, *row, *regime, &server)?;
                        writeln!(out, "{}", table::line(&run))?;
                        runs.push(run);
                    }
                }
            }
        }
        write!(out, "\n{}", table::table(&runs))?;
        let failed = runs.iter().filter(|run| run.cost.is_err()).count();
        if failed > 0 {
            return Err(format!("{failed} of {} runs failed", runs.len()).into());
        }
        Ok(())
    }

    fn one(
        &self,
        client: Client,
        row: Row,
        regime: Regime,
        server: &ServerProcess,
    ) -> Outcome<Run> {
        let destination = row.destination(self.folder);
        fs::create_dir_all(&destination)?;
        server.take_counters()?;
        let before = server.cpu()?;
        let list_bucket = format!("list-{}-64", self.amounts.keys);
        let cost = child::run(&Task {
            client,
            workload: row.workload,
            endpoint: server.endpoint(),
            regime: regime.name(),
            core: self.cores.map(|(client, _)| client),
            count: self.count(row.workload),
            big_mib: self.amounts.big_mib,
            list_bucket: &list_bucket,
            source: &self.source,
            destination: &destination,
            check: true,
        });
        let run = Run {
            client,
            row: row.to_string(),
            regime: regime.name(),
            cost: cost.map_err(|error| error.to_string()),
            server_cpu: server.cpu()? - before,
        };
        self.note(&run, &server.take_counters()?)?;
        self.put_away(&destination)?;
        Ok(run)
    }

    const fn count(&self, workload: Workload) -> u64 {
        match workload {
            Workload::Ranges => self.amounts.ranges,
            _ if workload.is_mid() => self.amounts.mid,
            _ => self.amounts.small,
        }
    }

    fn note(&self, run: &Run, counters: &Value) -> Outcome {
        let Some(path) = &self.arguments.json else {
            return Ok(());
        };
        let cost = run.cost.as_ref();
        let line = json!({
            "client": run.client.to_string(),
            "workload": run.row,
            "regime": run.regime,
            "quick": self.arguments.quick,
            "wall_s": cost.ok().map(|cost| cost.wall),
            "cpu_s": cost.ok().map(|cost| cost.cpu),
            "peak_kib": cost.ok().map(|cost| cost.peak_kib),
            "items": cost.ok().map(|cost| cost.items),
            "bytes": cost.ok().map(|cost| cost.bytes),
            "foreign_cores": cost.ok().map(|cost| table::foreign(cost, run.server_cpu)),
            "failure": cost.err(),
            "origin_cpu_s": run.server_cpu,
            "origin": counters,
        });
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(writeln!(file, "{line}")?)
    }

    /// Keeps files on disk until the end: ext4 creates files slowly for some seconds after many were deleted, which
    /// would slow down the next run. Removes files in memory immediately.
    fn put_away(&self, destination: &Path) -> Outcome {
        let is_big = destination.join("big.bin").exists();
        if is_big || !destination.starts_with(self.folder) {
            return Ok(fs::remove_dir_all(destination)?);
        }
        let parked = self.folder.join("parked");
        fs::create_dir_all(&parked)?;
        let number = fs::read_dir(&parked)?.count();
        Ok(fs::rename(destination, parked.join(number.to_string()))?)
    }
}

fn fine_if_missing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound {
        return Ok(());
    }
    Err(error)
}
