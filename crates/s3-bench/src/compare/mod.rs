//! `s3-bench compare`: runs the same workloads with several clients and with the lower-bound client (the floor), and
//! prints CPU time, wall time and memory.
//!
//! Each run is a process. The server is pinned to one core and the client to another, and the clients take turns, so
//! that other load on the machine affects all of them equally.

pub(crate) mod child;
mod command;
pub(crate) mod orphans;
mod regime;
mod row;
pub(crate) mod server_process;
mod sources;
mod table;

pub(crate) use command::{Arguments, run};
