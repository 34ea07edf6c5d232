//! [`Request`]: a call with its options, sent by `.await` or `.send()`.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use s3_transfer::Observer;
use tracing::Instrument;

use crate::call::Call;
use crate::context::ClientContext;
use crate::error::Result;

/// A call that was not sent yet.
///
/// Optional arguments are methods on it. An [`S3`](crate::S3) sends it by `.await`, a
/// [`blocking::S3`](crate::blocking::S3) by `.send()`. Dropping the request sends nothing, and dropping the future cancels
/// the call.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> s3_client::Result<()> {
/// use std::time::Duration;
///
/// let s3 = s3_client::S3::in_memory()?;
/// s3.create_bucket("b").await?;
/// let object = s3.get("s3://b/k").return_missing().deadline(Duration::from_secs(30)).await?;
/// assert!(!object.exists());
/// # Ok(()) }
/// ```
#[must_use = "a request does nothing until it is awaited or sent"]
pub struct Request<O, M = Async> {
    pub(crate) client: Arc<ClientContext>,
    pub(crate) mode: M,
    pub(crate) op: O,
    pub(crate) deadline: Option<Duration>,
    pub(crate) observer: Option<Arc<dyn Observer>>,
}

/// How the calls of a client are sent: [`Async`] or [`Blocking`](crate::blocking::Blocking).
pub trait Mode: Clone + fmt::Debug + Send + Sync + 'static {
    /// Starts the runtime of the mode, if it has its own, with this number of threads.
    #[doc(hidden)]
    fn start(threads: Option<NonZeroUsize>) -> Result<Self>;
}

/// The mode of a client whose calls are futures. They need a tokio runtime with its timer enabled.
#[derive(Clone, Copy, Debug)]
pub struct Async;

impl Mode for Async {
    fn start(_: Option<NonZeroUsize>) -> Result<Self> {
        Ok(Self)
    }
}

/// An operation of a client; see [`ops`](crate::ops).
pub trait Op: fmt::Debug + Send + 'static {
    /// The result of the call.
    type Output: Send + 'static;

    /// The name of the call in errors and logs.
    const NAME: &'static str;

    /// Runs the operation.
    #[doc(hidden)]
    fn run(self, call: Call) -> impl Future<Output = Result<Self::Output>> + Send;
}

impl<O, M> Request<O, M> {
    /// Ends the call with a timeout error after this time, also while it waits for credentials, a connection, a body or a
    /// retry. Requests in flight are cancelled.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Reports the events of the call to `observer` instead of the client's: bytes planned and moved, objects finished,
    /// attempts retried.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicU64, Ordering};
    ///
    /// use s3_client::{Event, S3};
    ///
    /// let s3 = S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// let moved = Arc::new(AtomicU64::new(0));
    /// let counter = Arc::clone(&moved);
    /// let observer = Arc::new(move |event: &Event<'_>| {
    ///     if let Event::BytesMoved { bytes, .. } = event {
    ///         counter.fetch_add(*bytes, Ordering::Relaxed);
    ///     }
    /// });
    /// s3.put_many([("s3://b/1", "one"), ("s3://b/2", "two")]).observer(observer).await?;
    /// assert_eq!(moved.load(Ordering::Relaxed), 6);
    /// # Ok(()) }
    /// ```
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }
}

impl<O, M> Request<O, M> {
    /// Converts the request into one for another operation.
    pub(crate) fn map<P>(self, map: impl FnOnce(O) -> P) -> Request<P, M> {
        Request {
            client: self.client,
            mode: self.mode,
            op: map(self.op),
            deadline: self.deadline,
            observer: self.observer,
        }
    }

    /// Starts the call, from which its deadline is measured, and returns it with its operation.
    pub(crate) fn into_call(self) -> (O, Call) {
        let call = Call::begin(self.client, self.deadline, self.observer);
        (self.op, call)
    }
}

impl<O: Op, M> Request<O, M> {
    pub(crate) async fn run(self) -> Result<O::Output> {
        self.client.check_process()?;
        let (op, call) = self.into_call();
        op.run(call)
            .instrument(tracing::info_span!("s3", call = O::NAME))
            .await
    }
}

impl<O: Op> IntoFuture for Request<O, Async> {
    type Output = Result<O::Output>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<O: fmt::Debug, M> fmt::Debug for Request<O, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("op", &self.op)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
