//! File descriptor limit: computes how many attempts it allows, and retries opening a file when it is reached.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustix::process::{Resource, getrlimit};
use s3_core::{Operation, Result, Retryability};

use super::local_failure;
use crate::request_job::RequestJob;
use crate::{CallOptions, Transfer};

/// Descriptors of an attempt: its connection, and in most cases a file.
const PER_ATTEMPT: usize = 2;

/// Returns how many attempts may be in flight in this process. They get three quarters of the descriptors that the
/// process may open (the soft limit of `RLIMIT_NOFILE`), minus those that are already open.
pub(crate) fn attempts_by_descriptors() -> usize {
    let Some(limit) = getrlimit(Resource::Nofile).current else {
        return usize::MAX;
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let open = fs::read_dir("/dev/fd").map_or(0, Iterator::count);
    attempts(limit, open)
}

fn attempts(limit: usize, open: usize) -> usize {
    ((limit - limit / 4).saturating_sub(open) / PER_ATTEMPT).max(1)
}

impl Transfer {
    /// Opens a local file to upload it. If the process may not open more files, retries as after a failed request, with
    /// fewer requests in flight, until other files have been closed.
    ///
    /// # Errors
    ///
    /// The inner error if the file cannot be opened; `LocalIo` if no descriptor was free in any attempt.
    pub async fn open_file(&self, path: &Path, options: &CallOptions) -> Result<io::Result<File>> {
        match File::open(path) {
            Err(error) if is_retryable(&error) => {}
            opened => return Ok(opened),
        }
        let path: Arc<Path> = path.into();
        let resource = path.to_string_lossy().into_owned();
        let job = RequestJob::new(Operation::Put, &resource, path, |_, path| {
            Box::pin(async move {
                match File::open(&path) {
                    Err(error) if is_retryable(&error) => {
                        Err(local_failure(Operation::Put, &path, error))
                    }
                    opened => Ok(opened),
                }
            })
        });
        self.run(job, options).await
    }
}

fn is_retryable(error: &io::Error) -> bool {
    Retryability::of_os_error(error).is_retryable()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_the_descriptors_is_for_the_caller_and_one_attempt_is_always_allowed() {
        assert_eq!(attempts(1024, 12), 378);
        assert_eq!(attempts(256, 12), 90);
        assert_eq!(attempts(64, 12), 18);
        assert_eq!(attempts(16, 12), 1);
    }
}
