//! Opens the source of an upload (file, device, standard input), and detects a file that changes during its upload.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

use s3_core::Payload;
use s3_transfer::Source;

use super::task::LocalSource;
use crate::failure::Failure;

/// Opens a source. A device or a pipe is read as a stream, on a blocking thread. For a file, also returns its metadata,
/// to detect changes.
pub(super) fn body(from: &LocalSource) -> Result<(Source, Option<OpenedFile>), Failure> {
    let path = match from {
        LocalSource::File { path, .. } => path,
        LocalSource::Directory { .. } => return Ok((Source::Payload(Payload::from("")), None)),
        LocalSource::Stdin => return Ok((Source::Read(Box::new(io::stdin())), None)),
    };
    let failed = |error| Failure::of_file("read", path, &error);
    let metadata = fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        let late = OpenedLate::Path(path.clone());
        return Ok((Source::Read(Box::new(late)), None));
    }
    let file = Arc::new(File::open(path).map_err(failed)?);
    let before = file.metadata().map_err(failed)?;
    let payload = Payload::from_file(Arc::clone(&file), 0, before.len());
    let payload = payload.of_version(before.clone());
    let opened = OpenedFile {
        path: path.clone(),
        file,
        before,
    };
    Ok((Source::Payload(payload), Some(opened)))
}

/// An uploaded file, with its metadata before the upload.
pub(super) struct OpenedFile {
    path: PathBuf,
    file: Arc<File>,
    before: Metadata,
}

impl OpenedFile {
    /// Returns an error if the file was written during the upload: the object may contain parts of both versions.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let now = self.file.metadata();
        let now = now.map_err(|error| Failure::of_file("read", &self.path, &error))?;
        if version(&now) == version(&self.before) {
            return Ok(());
        }
        let message = format!("{} was changed while it was uploaded", self.path.display());
        Err(Failure::local(message).with_hint("run the command again"))
    }
}

/// Returns values that change when a file is written.
fn version(file: &Metadata) -> (u64, [i64; 4]) {
    let times = [
        file.mtime(),
        file.mtime_nsec(),
        file.ctime(),
        file.ctime_nsec(),
    ];
    (file.len(), times)
}

/// A pipe or device that is opened by the first read, because that may block.
enum OpenedLate {
    Path(PathBuf),
    Open(File),
}

impl Read for OpenedLate {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Self::Path(path) = self {
            *self = Self::Open(File::open(path)?);
        }
        match self {
            Self::Open(file) => file.read(buffer),
            Self::Path(_) => unreachable!("it was opened above"),
        }
    }
}
