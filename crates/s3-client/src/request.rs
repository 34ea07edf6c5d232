//! [`Request`]: a call with its options, sent by `.await` or `.send()`.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

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
    #[cfg_attr(
        not(feature = "blocking"),
        expect(dead_code, reason = "only blocking calls need what their mode holds")
    )]
    pub(crate) mode: M,
    pub(crate) op: O,
    pub(crate) deadline: Option<Duration>,
}

/// How calls are sent: [`Async`] or [`Blocking`](crate::blocking::Blocking).
pub trait Mode: Clone + fmt::Debug + Send + Sync + 'static {
    /// Starts what the mode needs.
    #[doc(hidden)]
    fn start() -> Result<Self>;
}

/// Calls are futures. They need a tokio runtime with its timer on.
#[derive(Clone, Copy, Debug)]
pub struct Async;

impl Mode for Async {
    fn start() -> Result<Self> {
        Ok(Self)
    }
}

/// An operation of a client; see [`ops`](crate::ops).
pub trait Op: fmt::Debug + Send + 'static {
    /// What the call returns.
    type Output: Send + 'static;

    /// The name of the call, as in errors and logs.
    const NAME: &'static str;

    /// Runs the operation.
    #[doc(hidden)]
    fn run(self, call: Call) -> impl Future<Output = Result<Self::Output>> + Send;
}

impl<O, M> Request<O, M> {
    /// Ends the call after this time with a timeout error, whatever it is waiting for: credentials, a connection, a
    /// body, a retry. Requests in flight are cancelled.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }
}

impl<O, M> Request<O, M> {
    /// Returns the same request with another operation.
    pub(crate) fn map<P>(self, map: impl FnOnce(O) -> P) -> Request<P, M> {
        Request {
            client: self.client,
            mode: self.mode,
            op: map(self.op),
            deadline: self.deadline,
        }
    }
}

impl<O: Op, M> Request<O, M> {
    pub(crate) async fn run(self) -> Result<O::Output> {
        let call = Call::begin(self.client, self.deadline);
        self.op
            .run(call)
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
