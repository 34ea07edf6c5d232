//! Local files. Nothing else below the facade touches the file system, and blocking calls stay in here.

mod buffers;
mod failure;
#[cfg(test)]
#[cfg(shuttle)]
mod model;
mod results;
mod run;
mod temp_file;

pub(crate) use buffers::{BUFFER, Buffers};
pub(crate) use failure::local_failure;
pub(crate) use run::{on_disk, run_blocking};
pub(crate) use temp_file::{Target, TempFile, write_at};
