//! Benchmarks: CPU time and memory of the same workloads through this client, other clients and a lower bound.
//!
//! Each client runs in its own process against [`bench_server`], an in-memory server that uses little CPU. The lower
//! bound is called the floor.
//!
//! `cargo xtask bench` builds and runs the program `s3-bench`; docs/TUNING.md explains its figures. Linux only.
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
