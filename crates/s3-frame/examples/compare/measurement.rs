//! [`Measurement`]: one client's turn at one row, in a process of its own.

use std::env;
use std::process::{Command, Stdio};
use std::time::Duration;

use clap::Args;

use crate::client::Client;
use crate::cost::Cost;
use crate::row::Row;
use crate::{Result, calls, queries};

/// One client's turn at one row.
#[derive(Clone, Debug, Args)]
pub(crate) struct Measurement {
    #[arg(long, value_enum)]
    pub(crate) client: Client,
    #[arg(long, value_enum)]
    pub(crate) row: Row,
    #[arg(long)]
    pub(crate) endpoint: String,
    #[arg(long)]
    pub(crate) count: u32,
    #[arg(long)]
    pub(crate) partitions: Option<usize>,
}

impl Measurement {
    /// Measures in this process, and prints the cost and the result. The measured work runs on a worker of a default
    /// runtime, as partitions of queries do.
    pub(crate) fn run(self) -> Result {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        let measured = runtime.block_on(runtime.spawn(async move {
            let endpoint = &self.endpoint;
            match self.row.is_query() {
                true => queries::run(self.row, self.client, endpoint, self.partitions).await,
                false => calls::run(self.row, self.client, endpoint, self.count).await,
            }
        }));
        let (cost, result) = measured??;
        let (wall, cpu) = (cost.wall.as_micros(), cost.cpu.as_micros());
        println!("{wall} {cpu} {}\n{result}", cost.peak_mib);
        Ok(())
    }

    /// Measures in a new process on a core. Returns the cost and the result.
    pub(crate) fn run_in_child(&self, core: usize) -> Result<(Cost, String)> {
        let mut command = Command::new("taskset");
        command
            .args(["-c", &core.to_string()])
            .arg(env::current_exe()?)
            .args(["measure", "--client", &self.client.to_string()])
            .args(["--row", &self.row.to_string()])
            .args(["--endpoint", &self.endpoint])
            .args(["--count", &self.count.to_string()])
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .stderr(Stdio::inherit());
        if let Some(partitions) = self.partitions {
            command.args(["--partitions", &partitions.to_string()]);
        }
        let output = command.output()?;
        if !output.status.success() {
            let (client, row) = (self.client, self.row);
            return Err(format!("{client} failed in {row}: {}", output.status).into());
        }
        let said = String::from_utf8(output.stdout)?;
        let parsed = parse(&said).ok_or_else(|| format!("a measurement said {said:?}"))?;
        Ok(parsed)
    }
}

fn parse(said: &str) -> Option<(Cost, String)> {
    let (cost, result) = said.split_once('\n')?;
    let numbers: Result<Vec<u64>, _> = cost.split(' ').map(str::parse).collect();
    let [wall, cpu, peak_mib] = numbers.ok()?[..] else {
        return None;
    };
    let cost = Cost {
        wall: Duration::from_micros(wall),
        cpu: Duration::from_micros(cpu),
        peak_mib,
    };
    Some((cost, result.to_owned()))
}
