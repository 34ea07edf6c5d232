//! What a failing file means to the caller.

use std::io;
use std::path::Path;

use s3_core::{Error, ErrorKind, Operation};

/// Returns the error of a local file: `DiskFull` if the disk is full, else `LocalIo`.
pub(crate) fn local_failure(operation: Operation, path: &Path, cause: io::Error) -> Error {
    let full = matches!(
        cause.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    );
    let kind = if full {
        ErrorKind::DiskFull
    } else {
        ErrorKind::LocalIo
    };
    Error::new(kind, operation)
        .with_message(format!("{}: {cause}", path.display()))
        .with_source(cause)
}
