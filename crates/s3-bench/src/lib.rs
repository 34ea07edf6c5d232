//! What transfers cost: the same workloads through this client, through a floor that nothing real can go below, and
//! through other clients, each in a process of its own, against an origin that costs next to nothing.
//!
//! The program `s3-bench` is all that there is; `cargo xtask bench` builds and runs it, and docs/TUNING.md says how
//! its figures are to be read. It measures on Linux only.
#![cfg(target_os = "linux")]

mod check;
mod cli;
mod compare;
mod contract;
mod core_pin;
mod failure;
mod floor;
pub mod origin;
mod ours;
#[cfg(feature = "peers")]
mod peers;
mod series;
mod serve_origin;
mod tally;
mod usage;
mod workload;

pub use cli::run;
