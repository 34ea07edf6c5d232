//! The binary `mfs3` against a server of the test kit, and against one of another project, over TCP.

mod changing;
mod copying;
mod foreign;
mod guide;
mod harness;
mod listing;
#[cfg(target_os = "linux")]
mod many_keys;
mod moving;
mod naming;
mod process;
mod restoring;
mod resuming;
mod selecting;
mod serving;
mod syncing;
mod terminal;
mod tool;
mod verifying;
