//! `s3-bench origin`: serves the benchmark server on 127.0.0.1 until the process is killed.

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use crate::bench_server::{BenchServerConfig, serve};
use clap::Args;
use rustix::process::{Signal, set_parent_process_death_signal};

use crate::core_pin;
use crate::failure::Outcome;

/// Options of the benchmark server.
#[derive(Clone, Debug, Args)]
pub(crate) struct Arguments {
    /// Port on 127.0.0.1; 0 picks a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Delay of each response, in milliseconds
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// Bandwidth limit of a body on one connection, in millions of bytes per second
    #[arg(long)]
    connection_mbps: Option<u64>,
    /// Size of the pool that all object bodies are slices of, in MiB
    #[arg(long, default_value_t = 256)]
    pool_mib: u64,
    /// Pin the process to this core
    #[arg(long)]
    core: Option<usize>,
    /// Exit when the parent process exits
    #[arg(long)]
    with_parent: bool,
}

/// Prints the URL and serves until the process is killed.
pub(crate) fn run(arguments: &Arguments) -> Outcome {
    if let Some(core) = arguments.core {
        core_pin::stay_on(core)?;
    }
    if arguments.with_parent {
        set_parent_process_death_signal(Some(Signal::KILL))?;
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, arguments.port))?;
    let config = BenchServerConfig {
        latency: Duration::from_millis(arguments.latency_ms),
        connection_rate: arguments.connection_mbps.map(|rate| rate * 1_000_000),
        pool_bytes: arguments.pool_mib << 20,
    };
    let mut out = std::io::stdout();
    writeln!(out, "http://{}", listener.local_addr()?)?;
    out.flush()?;
    Ok(serve(listener, config)?)
}
