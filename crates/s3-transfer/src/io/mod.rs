//! Local files: buffers, temporary files and blocking calls. Nothing else in the engine uses the file system.

mod buffers;
mod descriptors;
mod failure;
#[cfg(test)]
#[cfg(shuttle)]
mod model;
mod results;
mod run;
mod temp_file;

pub(crate) use buffers::{BUFFER, Buffers};
pub(crate) use descriptors::attempts_by_descriptors;
pub(crate) use failure::local_failure;
pub(crate) use run::{on_disk, run_blocking};
pub(crate) use temp_file::{Target, TempFile, write_at};
