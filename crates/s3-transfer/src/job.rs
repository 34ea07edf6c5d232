//! [`Job`]: the trait of a retryable unit of work, such as a GetObject request with its body.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use s3_core::{ByteCounter, Operation, Result, SharedStore};

use crate::Progress;

/// One retryable unit of work: a request and the draining of its body.
///
/// The retry layer keeps a clone while an attempt runs. A job's clones share the progress of an attempt, such as bytes
/// received, a buffer or a file, so the next attempt resumes from there.
pub trait Job: Clone + Send + 'static {
    /// The result of the job.
    type Output: Send + 'static;

    /// Returns the operation, for errors and logs.
    fn operation(&self) -> Operation;

    /// Returns the resource, for errors and logs.
    fn resource(&self) -> &str;

    /// Makes one attempt.
    fn run(self, store: SharedStore) -> impl Future<Output = Result<Self::Output>> + Send;

    /// Makes one attempt, as a boxed future. Override it if [`run`](Self::run) returns a box already.
    fn boxed(
        self,
        store: SharedStore,
    ) -> Pin<Box<dyn Future<Output = Result<Self::Output>> + Send>> {
        Box::pin(self.run(store))
    }

    /// Returns the job's progress, if it keeps one.
    fn progress(&self) -> Option<&Progress> {
        None
    }

    /// Returns how many bytes an attempt uploads. They count towards the throughput when the attempt has succeeded.
    fn upload_bytes(&self) -> u64 {
        0
    }

    /// Returns the counter of the bytes that an attempt uploads, or receives of a listing page. An attempt whose
    /// counter changes has not stalled.
    fn byte_counter(&self) -> Option<&ByteCounter> {
        None
    }

    /// Returns how long an attempt may wait for its response in addition to the stall timeout: for bytes that are in
    /// socket buffers, or that no counter counts.
    fn extra_stall_time(&self) -> Duration {
        Duration::ZERO
    }
}
