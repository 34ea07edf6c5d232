//! Benchmarks: CPU time and memory of the same workloads through this client, other clients and a lower bound.
//!
//! Each runs in a process of its own against an origin, an in-memory server that costs next to nothing. The lower bound
//! is called the floor.
//!
//! The program `s3-bench` is all that there is; `cargo xtask bench` builds and runs it, and docs/TUNING.md says how
//! its figures are to be read. It measures on Linux only.
#![cfg(target_os = "linux")]

pub mod bench_server;
mod check;
mod cli;
mod compare;
mod contract;
mod core_pin;
mod failure;
mod floor;
mod ours;
#[cfg(feature = "peers")]
mod peers;
mod series;
mod serve_command;
mod tally;
mod usage;
mod workload;

pub use cli::run;
