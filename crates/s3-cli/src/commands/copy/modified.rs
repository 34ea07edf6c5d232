//! Sets the modification time of a downloaded file.

use std::fs::File;
use std::path::Path;

use s3_client::kept_modification_time;
use s3_core::ObjectMeta;

use crate::failure::Failure;

/// Sets the modification time of a downloaded file to the one in the metadata, or else to the time of the object.
pub(super) fn set_modified(path: &Path, meta: &ObjectMeta) -> Result<(), Failure> {
    let Some(time) = kept_modification_time(meta).or(meta.last_modified) else {
        return Ok(());
    };
    let file = File::options().write(true).open(path);
    let set = file.and_then(|file| file.set_modified(time));
    set.map_err(|error| Failure::of_file("set the time of", path, &error))
}
