//! Runs one workload in a child process and returns its wall time, CPU time and peak memory.

use std::env;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::cli::Client;
use crate::failure::Outcome;
use crate::workload::Workload;

/// Time limit of a run.
const TIMEOUT: Duration = Duration::from_secs(240);

/// A workload, its client and its settings.
#[derive(Clone, Debug)]
pub(crate) struct Task<'a> {
    pub(crate) client: Client,
    pub(crate) workload: Workload,
    pub(crate) endpoint: &'a str,
    pub(crate) regime: &'a str,
    pub(crate) core: Option<usize>,
    pub(crate) count: u64,
    pub(crate) big_mib: u64,
    pub(crate) list_bucket: &'a str,
    pub(crate) source: &'a Path,
    pub(crate) destination: &'a Path,
    /// Whether the child checks its files afterwards.
    pub(crate) check: bool,
}

/// Time and memory of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Cost {
    /// From the start of the process to its end, in seconds.
    pub(crate) wall: f64,
    /// User and system time before the process exits, in seconds.
    pub(crate) cpu: f64,
    pub(crate) peak_kib: u64,
    pub(crate) items: u64,
    pub(crate) bytes: u64,
    /// Number of cores kept busy by other processes, including the server.
    pub(crate) others: f64,
}

/// Runs a task in a child process. Fails if the child fails.
pub(crate) fn run(task: &Task<'_>) -> Outcome<Cost> {
    let mut command = command(task)?;
    let busy = busy()?;
    let begin = Instant::now();
    let mut child = command.spawn()?;
    let pid = Pid::from_raw(child.id().try_into()?).ok_or("the child has no process ID")?;
    let (done, watched) = mpsc::channel::<()>();
    let watcher = thread::spawn(move || {
        if watched.recv_timeout(TIMEOUT) == Err(RecvTimeoutError::Timeout) {
            // The child then ends with an error, which is reported below.
            let _ = kill_process(pid, Signal::KILL);
        }
    });
    let mut said = String::new();
    if let Some(mut out) = child.stdout.take() {
        out.read_to_string(&mut said)?;
    }
    let status = child.wait()?;
    let wall = begin.elapsed().as_secs_f64();
    drop(done);
    watcher.join().map_err(|_| "the watcher panicked")?;
    if !status.success() {
        return Err(format!(
            "{} {} ended with {status}",
            task.client,
            task.workload.name()
        )
        .into());
    }
    let mut cost =
        parse(&said).ok_or_else(|| format!("unexpected output of a client: {said:?}"))?;
    cost.wall = wall;
    cost.others = ((self::busy()? - busy - cost.cpu) / wall).max(0.0);
    Ok(cost)
}

fn command(task: &Task<'_>) -> Outcome<Command> {
    let mut command = Command::new(env::current_exe()?);
    command.args(["--client", &task.client.to_string(), &task.workload.name()]);
    if let Some(core) = task.core {
        command.args(["--core", &core.to_string()]);
    }
    if task.check {
        command.arg("--check");
    }
    for (name, _) in env::vars_os() {
        if name
            .to_string_lossy()
            .to_ascii_lowercase()
            .ends_with("_proxy")
        {
            command.env_remove(name);
        }
    }
    command
        .env("S3_ENDPOINT", task.endpoint)
        .env("BENCH_REGIME", task.regime)
        .env("BENCH_N", task.count.to_string())
        .env("BENCH_SRC", task.source)
        .env("BENCH_DST", task.destination)
        .env("BENCH_BIG_KEY", format!("big/{}m", task.big_mib))
        .env("BENCH_BIG_BYTES", (task.big_mib << 20).to_string())
        .env("BENCH_PUT_BUCKET", "sink")
        .env("BENCH_LIST_BUCKET", task.list_bucket)
        // Dummy credentials: the server does not check them.
        .env("AWS_ACCESS_KEY_ID", "AKIDBENCHBENCHBENCH0")
        .env("AWS_SECRET_ACCESS_KEY", "c2VjcmV0YmVuY2hiZW5jaA")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env_remove("AWS_SESSION_TOKEN")
        .env_remove("AWS_PROFILE")
        .current_dir(task.destination)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    Ok(command)
}

fn parse(said: &str) -> Option<Cost> {
    let field = |name: &str| {
        let words = said.split_whitespace();
        words
            .filter_map(|word| word.split_once('='))
            .find_map(|(given, value)| (given == name).then_some(value))
    };
    Some(Cost {
        cpu: field("cpu")?.parse().ok()?,
        peak_kib: field("peak_kib")?.parse().ok()?,
        items: field("count")?.parse().ok()?,
        bytes: field("bytes")?.parse().ok()?,
        ..Cost::default()
    })
}

/// Returns the busy time of all cores since boot, in seconds.
fn busy() -> Outcome<f64> {
    let stat = fs::read_to_string("/proc/stat")?;
    let fields: Vec<f64> = stat
        .split_whitespace()
        .skip(1)
        .take(8)
        .filter_map(|field| field.parse().ok())
        .collect();
    // user, nice, system, idle, iowait, irq, softirq, steal
    let idle: f64 = fields.iter().skip(3).take(2).sum();
    Ok((fields.iter().sum::<f64>() - idle) / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_of_a_client_is_parsed() {
        let cost = parse("count=3 bytes=12288 inner=0.5 cpu=0.25 peak_kib=9000\n").unwrap();
        assert_eq!((cost.items, cost.bytes, cost.peak_kib), (3, 12288, 9000));
        assert!((cost.cpu - 0.25).abs() < 1e-9);
        assert_eq!(parse("count=3 bytes=12288"), None);
        assert_eq!(parse(""), None);
    }
}
