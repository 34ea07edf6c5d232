//! The binary `mfs3` against a server of the test kit, over TCP.

mod copying;
mod harness;
mod listing;
mod process;
mod syncing;
