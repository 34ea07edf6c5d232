//! Local files. Nothing else below the facade touches the file system, and blocking calls stay in here.

mod failure;
mod temp_file;
mod write;

pub(crate) use failure::local_failure;
pub(crate) use temp_file::TempFile;
pub(crate) use write::{run_blocking, write_at};
