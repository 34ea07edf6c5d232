//! `s3-bench series`: measures how CPU time and memory grow with the number of objects.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use clap::Args;

use crate::cli::Client;
use crate::compare::child::{self, Cost, Task};
use crate::compare::orphans;
use crate::compare::server_process::ServerProcess;
use crate::core_pin;
use crate::failure::Outcome;
use crate::workload::Workload;

/// Options of `s3-bench series`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Arguments {
    /// The client
    #[arg(long, value_enum, default_value_t = Client::Ours)]
    client: Client,
    /// The most objects, keys and prefixes are left out: a hundredth of the time
    #[arg(long)]
    quick: bool,
}

/// One point of a series.
struct Step {
    workload: Workload,
    /// Number of objects to get.
    objects: u64,
    /// Numbers of keys and prefixes to list.
    listed: (u64, u64),
}

impl Step {
    const fn objects(objects: u64) -> Self {
        Self {
            workload: Workload::SmallToMemory,
            objects,
            listed: (1, 1),
        }
    }

    const fn listed(keys: u64, prefixes: u64) -> Self {
        Self {
            workload: Workload::List,
            objects: 1,
            listed: (keys, prefixes),
        }
    }

    const fn items(&self) -> u64 {
        match self.workload {
            Workload::List => self.listed.0,
            _ => self.objects,
        }
    }

    fn label(&self) -> String {
        match (self.workload, self.listed) {
            (Workload::List, (keys, prefixes)) => format!("{keys} keys below {prefixes} prefixes"),
            _ => format!("{} objects of 4 KiB", self.objects),
        }
    }
}

/// Objects, then keys, then prefixes of 500 keys each, which is half a page; the last step of each is the largest.
const SERIES: [(&str, &[Step]); 3] = [
    (
        "objects",
        &[
            Step::objects(1_000),
            Step::objects(10_000),
            Step::objects(100_000),
        ],
    ),
    (
        "keys",
        &[
            Step::listed(1_000, 64),
            Step::listed(10_000, 64),
            Step::listed(100_000, 64),
            Step::listed(1_000_000, 64),
        ],
    ),
    (
        "prefixes",
        &[
            Step::listed(500, 1),
            Step::listed(5_000, 10),
            Step::listed(50_000, 100),
            Step::listed(500_000, 1_000),
        ],
    ),
];

/// Measures each series and prints a table of it.
pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let cores = core_pin::pair()?;
    let server = ServerProcess::start(&[], cores.map(|(_, server)| server))?;
    let folder = std::env::temp_dir().join(orphans::own_name());
    fs::create_dir_all(&folder)?;
    let outcome = all(arguments, &server, cores.map(|(client, _)| client), &folder);
    fs::remove_dir_all(folder)?;
    outcome
}

fn all(
    arguments: &Arguments,
    server: &ServerProcess,
    core: Option<usize>,
    folder: &Path,
) -> Outcome {
    let mut out = io::stdout();
    for (name, steps) in SERIES {
        let last = steps.len() - usize::from(arguments.quick);
        writeln!(out, "\n{} by {name}\n", arguments.client)?;
        writeln!(
            out,
            "| what | CPU s | CPU us per item | more us per item more | peak MiB |"
        )?;
        writeln!(out, "|---|---|---|---|---|")?;
        let mut before = None;
        for step in &steps[..last] {
            let list_bucket = format!("list-{}-{}", step.listed.0, step.listed.1);
            let cost = child::run(&Task {
                client: arguments.client,
                workload: step.workload,
                endpoint: server.endpoint(),
                regime: "i",
                core,
                count: step.objects,
                big_mib: 1,
                list_bucket: &list_bucket,
                source: folder,
                destination: folder,
                check: false,
            })?;
            if cost.items != step.items() {
                return Err(format!("{}: {} came", step.label(), cost.items).into());
            }
            writeln!(out, "{}", row(step, &cost, before))?;
            before = Some(cost);
        }
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn row(step: &Step, cost: &Cost, before: Option<Cost>) -> String {
    let each = cost.cpu * 1e6 / cost.items as f64;
    let more = before
        .filter(|before| before.items < cost.items)
        .map_or_else(
            || "-".to_owned(),
            |before| {
                let items = (cost.items - before.items) as f64;
                format!("{:.2}", (cost.cpu - before.cpu) * 1e6 / items)
            },
        );
    let (label, peak) = (step.label(), cost.peak_kib >> 10);
    format!(
        "| {label} | {:.3} | {each:.2} | {more} | {peak} |",
        cost.cpu
    )
}
