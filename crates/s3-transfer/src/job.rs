//! The unit that is retried, limited and timed.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use futures_util::future::BoxFuture;
use s3_core::{ByteCounter, Operation, Payload, Result, SharedStore};

use crate::Progress;

/// One retryable unit: a request and the draining of its body.
///
/// The retry layer keeps a clone while an attempt runs, so a job's clones share whatever an attempt achieves
/// (bytes received, a buffer, a file), and the next attempt goes on from there.
pub trait Job: Clone + Send + 'static {
    /// What the job is for.
    type Output: Send + 'static;

    /// Returns the operation, for errors and logs.
    fn operation(&self) -> Operation;

    /// Returns the place, for errors and logs.
    fn resource(&self) -> &str;

    /// Makes one attempt.
    fn run(self, store: SharedStore) -> impl Future<Output = Result<Self::Output>> + Send;

    /// Makes one attempt, in a box. A job whose [`run`](Self::run) is a box already returns it as it is.
    fn boxed(self, store: SharedStore) -> BoxFuture<'static, Result<Self::Output>> {
        Box::pin(self.run(store))
    }

    /// Returns the count of bytes moved, if the job can tell.
    fn progress(&self) -> Option<&Progress> {
        None
    }

    /// Returns how many bytes an attempt sends whose movement cannot be seen: they count for the throughput when it has
    /// succeeded.
    fn sends(&self) -> u64 {
        0
    }

    /// Returns where the bytes are counted that attempts send, or receive of a page: as long as they move, so does an
    /// attempt.
    fn moved(&self) -> Option<&ByteCounter> {
        None
    }

    /// Returns how much longer than the stall limit an attempt may stand still before it answers, because bytes are on
    /// their way that have left this process already, or that nobody counts.
    fn allowance(&self) -> Duration {
        Duration::ZERO
    }
}

/// A job of one request that can be sent again as it is.
pub(crate) struct Simple<R, T> {
    operation: Operation,
    place: std::sync::Arc<str>,
    request: R,
    allowance: Duration,
    sends: u64,
    moved: Option<ByteCounter>,
    send: fn(SharedStore, R) -> BoxFuture<'static, Result<T>>,
}

impl<R, T> Simple<R, T> {
    pub(crate) fn new(
        operation: Operation,
        place: &str,
        request: R,
        send: fn(SharedStore, R) -> BoxFuture<'static, Result<T>>,
    ) -> Self {
        Self {
            operation,
            place: place.into(),
            request,
            allowance: Duration::ZERO,
            sends: 0,
            moved: None,
            send,
        }
    }

    /// Allows so much more time than the stall limit before the answer comes.
    pub(crate) fn allowing(mut self, time: Duration) -> Self {
        self.allowance = time;
        self
    }

    /// Moves as long as bytes are counted there.
    pub(crate) fn moving(mut self, moved: ByteCounter) -> Self {
        self.moved = Some(moved);
        self
    }

    /// Sends this payload: allows the time that it takes on a slow link, if the counter of what has left stands still.
    pub(crate) fn sending(mut self, bytes: u64, moved: Option<ByteCounter>) -> Self {
        (self.sends, self.moved) = (bytes, moved);
        self.allowing(Duration::from_secs(bytes / SLOWEST_UPLOAD))
    }
}

/// Makes the job that is one call of a method of [`Store`](s3_core::Store):
/// `simple!(Operation::Head, place, head(request))`.
macro_rules! simple {
    ($operation:expr, $place:expr, $method:ident()) => {
        $crate::job::Simple::new($operation, $place, (), |store, ()| {
            ::std::boxed::Box::pin(async move { ::s3_core::Store::$method(&store).await })
        })
    };
    ($operation:expr, $place:expr, $method:ident($request:expr)) => {
        $crate::job::Simple::new($operation, $place, $request, |store, request| {
            ::std::boxed::Box::pin(async move { ::s3_core::Store::$method(&store, request).await })
        })
    };
}
pub(crate) use simple;

/// 32 KiB/s, in bytes per second: what an upload may stand still for, until it has answered, is the stall limit and the
/// time that its bytes take at this speed. They may all be in buffers between here and the server.
const SLOWEST_UPLOAD: u64 = 32 << 10;

/// Has a payload counted that takes long enough for it to matter.
pub(crate) fn counted(payload: &mut Payload) -> Option<ByteCounter> {
    if payload.len() <= UNCOUNTED {
        return None;
    }
    let moved = ByteCounter::default();
    *payload = payload.clone().counted_by(moved.clone());
    Some(moved)
}

/// 64 KiB: what is smaller leaves in one write.
const UNCOUNTED: u64 = 64 << 10;

impl<R: Clone, T> Clone for Simple<R, T> {
    fn clone(&self) -> Self {
        Self {
            operation: self.operation,
            place: std::sync::Arc::clone(&self.place),
            request: self.request.clone(),
            allowance: self.allowance,
            sends: self.sends,
            moved: self.moved.clone(),
            send: self.send,
        }
    }
}

impl<R: fmt::Debug, T> fmt::Debug for Simple<R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Simple").field(&self.request).finish()
    }
}

impl<R, T> Job for Simple<R, T>
where
    R: Clone + Send + 'static,
    T: Send + 'static,
{
    type Output = T;

    fn operation(&self) -> Operation {
        self.operation
    }

    fn resource(&self) -> &str {
        &self.place
    }

    fn run(self, store: SharedStore) -> impl Future<Output = Result<T>> + Send {
        (self.send)(store, self.request)
    }

    fn boxed(self, store: SharedStore) -> BoxFuture<'static, Result<T>> {
        (self.send)(store, self.request)
    }

    fn sends(&self) -> u64 {
        self.sends
    }

    fn moved(&self) -> Option<&ByteCounter> {
        self.moved.as_ref()
    }

    fn allowance(&self) -> Duration {
        self.allowance
    }
}
