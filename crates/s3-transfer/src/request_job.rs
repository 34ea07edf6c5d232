//! [`RequestJob`]: a job that sends one request, which can be sent again unchanged.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use s3_core::{ByteCounter, Operation, Payload, Result, SharedStore};

use crate::Job;

/// Minimum speed of an upload that is not a stall, in bytes per second: 32 KiB/s. An upload whose counter stands still
/// may wait for the stall timeout plus the time that its last bytes take at this speed, because they may be in socket
/// buffers.
const SLOWEST_UPLOAD: u64 = 32 << 10;

/// Maximum number of bytes of an upload that may be in socket buffers when its counter stands still: 16 MiB, more than
/// a system gives a connection by default.
const MAX_BUFFERED: u64 = 16 << 20;

/// Maximum size of a payload that is not counted: 64 KiB are sent in one write.
const MAX_UNCOUNTED: u64 = 64 << 10;

/// A job that is one request. Made by [`request_job!`].
pub(crate) struct RequestJob<R, T> {
    operation: Operation,
    resource: Arc<str>,
    request: R,
    extra_stall_time: Duration,
    upload_bytes: u64,
    byte_counter: Option<ByteCounter>,
    send: fn(SharedStore, R) -> BoxFuture<'static, Result<T>>,
}

impl<R, T> RequestJob<R, T> {
    pub(crate) fn new(
        operation: Operation,
        resource: &str,
        request: R,
        send: fn(SharedStore, R) -> BoxFuture<'static, Result<T>>,
    ) -> Self {
        Self {
            operation,
            resource: resource.into(),
            request,
            extra_stall_time: Duration::ZERO,
            upload_bytes: 0,
            byte_counter: None,
            send,
        }
    }

    /// Sets [`Job::extra_stall_time`].
    pub(crate) fn with_extra_stall_time(mut self, time: Duration) -> Self {
        self.extra_stall_time = time;
        self
    }

    /// Sets [`Job::byte_counter`].
    pub(crate) fn with_byte_counter(mut self, counter: ByteCounter) -> Self {
        self.byte_counter = Some(counter);
        self
    }

    /// Sets the number of bytes to upload and their counter, and adds the time that the last bytes take on a slow link
    /// to the stall timeout. While earlier bytes are sent, the counter moves.
    pub(crate) fn with_upload(mut self, bytes: u64, counter: Option<ByteCounter>) -> Self {
        (self.upload_bytes, self.byte_counter) = (bytes, counter);
        let buffered = bytes.min(MAX_BUFFERED);
        self.with_extra_stall_time(Duration::from_secs(buffered / SLOWEST_UPLOAD))
    }
}

/// Creates the [`RequestJob`] that calls one method of [`Store`](s3_core::Store):
/// `request_job!(Operation::Head, resource, head(request))`.
macro_rules! request_job {
    ($operation:expr, $resource:expr, $method:ident()) => {
        $crate::request_job::RequestJob::new($operation, $resource, (), |store, ()| {
            ::std::boxed::Box::pin(async move { ::s3_core::Store::$method(&store).await })
        })
    };
    ($operation:expr, $resource:expr, $method:ident($request:expr)) => {
        $crate::request_job::RequestJob::new($operation, $resource, $request, |store, request| {
            ::std::boxed::Box::pin(async move { ::s3_core::Store::$method(&store, request).await })
        })
    };
}
pub(crate) use request_job;

/// Attaches a byte counter to a payload of more than 64 KiB.
pub(crate) fn count_large_payload(payload: &mut Payload) -> Option<ByteCounter> {
    if payload.len() <= MAX_UNCOUNTED {
        return None;
    }
    let counter = ByteCounter::default();
    *payload = payload.clone().counted_by(counter.clone());
    Some(counter)
}

impl<R: Clone, T> Clone for RequestJob<R, T> {
    fn clone(&self) -> Self {
        Self {
            operation: self.operation,
            resource: Arc::clone(&self.resource),
            request: self.request.clone(),
            extra_stall_time: self.extra_stall_time,
            upload_bytes: self.upload_bytes,
            byte_counter: self.byte_counter.clone(),
            send: self.send,
        }
    }
}

impl<R: fmt::Debug, T> fmt::Debug for RequestJob<R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RequestJob").field(&self.request).finish()
    }
}

impl<R, T> Job for RequestJob<R, T>
where
    R: Clone + Send + 'static,
    T: Send + 'static,
{
    type Output = T;

    fn operation(&self) -> Operation {
        self.operation
    }

    fn resource(&self) -> &str {
        &self.resource
    }

    fn run(self, store: SharedStore) -> impl Future<Output = Result<T>> + Send {
        (self.send)(store, self.request)
    }

    fn boxed(self, store: SharedStore) -> BoxFuture<'static, Result<T>> {
        (self.send)(store, self.request)
    }

    fn upload_bytes(&self) -> u64 {
        self.upload_bytes
    }

    fn byte_counter(&self) -> Option<&ByteCounter> {
        self.byte_counter.as_ref()
    }

    fn extra_stall_time(&self) -> Duration {
        self.extra_stall_time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_may_wait_for_bytes_in_socket_buffers() {
        for (bytes, seconds) in [
            (0, 0),
            (8 << 20, 256),
            (16 << 20, 512),
            (512 << 20, 512),
            (u64::MAX, 512),
        ] {
            let job = request_job!(Operation::ListBuckets, "s3://", list_buckets());
            let job = job.with_upload(bytes, Some(ByteCounter::default()));
            assert_eq!(job.extra_stall_time(), Duration::from_secs(seconds));
            assert_eq!(job.upload_bytes(), bytes);
        }
    }
}
