//! Converts `io::Error`s of local files into errors with kind, path and hint.

use std::io;
use std::path::Path;

use s3_core::{Error, ErrorKind, Operation, Retryability};

/// Converts an I/O error of a local file: `DiskFull` if the disk is full, otherwise `LocalIo`. It is retryable only if
/// too many files are open.
pub(crate) fn local_failure(operation: Operation, path: &Path, cause: io::Error) -> Error {
    let kind = ErrorKind::of_local(cause.kind());
    let retryability = Retryability::of_os_error(&cause);
    let error = Error::new(kind, operation)
        .with_message(format!("{}: {cause}", path.display()))
        .with_retryability(retryability);
    let hint = match cause.kind() {
        _ if retryability.is_retryable() => {
            Some("raise the process's limit of open files (ulimit -n), or lower the concurrency")
        }
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            Some("check that the file's directory is writable")
        }
        io::ErrorKind::FileTooLarge => Some("files of this size are not allowed here (ulimit -f)"),
        _ if kind == ErrorKind::DiskFull => {
            Some("make room there, or choose a directory on another disk")
        }
        _ => None,
    };
    match hint {
        Some(hint) => error.with_hint(hint).with_source(cause),
        None => error.with_source(cause),
    }
}
