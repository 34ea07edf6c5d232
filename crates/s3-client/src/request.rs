//! One value for every call: what is asked, of which client, and how it is sent.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use s3_transfer::CallOptions;
use tokio::time::Instant;
use tracing::Instrument;

use crate::error::Result;
use crate::s3::Shared;

/// A call that is described and not yet sent.
///
/// Optional arguments are methods on it. On an [`S3`](crate::S3) it is sent by `.await`, on a
/// [`blocking::S3`](crate::blocking::S3) by `.send()`. Dropping it, or the future, cancels the call.
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
/// let object = s3.get("s3://b/k").return_missing(true).deadline(Duration::from_secs(30)).await?;
/// assert!(!object.exists());
/// # Ok(()) }
/// ```
#[must_use = "a request does nothing until it is awaited or sent"]
pub struct Request<O, M = Async> {
    pub(crate) client: Arc<Shared>,
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
    /// Prepares what the mode needs.
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

/// An operation that a client knows; see [`ops`](crate::ops).
pub trait Op: fmt::Debug + Send + 'static {
    /// What the call returns.
    type Output: Send + 'static;

    /// The name of the call, as in errors and logs.
    const NAME: &'static str;

    /// Runs the operation.
    #[doc(hidden)]
    fn run(self, call: Call) -> impl Future<Output = Result<Self::Output>> + Send;
}

/// What an operation runs with.
#[derive(Clone, Debug)]
pub struct Call {
    pub(crate) client: Arc<Shared>,
    pub(crate) options: CallOptions,
}

impl Call {
    /// Starts the clock of a call.
    pub(crate) fn begin(client: Arc<Shared>, deadline: Option<Duration>) -> Self {
        let now = Instant::now();
        let mut options = CallOptions::default().with_began(now);
        // A deadline beyond what the clock can count is none.
        options.deadline = deadline.and_then(|deadline| now.checked_add(deadline));
        Self { client, options }
    }
}

impl<O, M> Request<O, M> {
    /// Ends the call after this time, whatever it is waiting for: credentials, a connection, a body, a retry. What
    /// was under way then is cancelled, and the error is a timeout.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
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
