//! `presign`: creates presigned URLs, which work without credentials until they expire.

use std::time::Duration;

use s3_core::{PresignMethod, PresignRequest};

use crate::Key;
use crate::call::Call;
use crate::error::Result;
use crate::request::{Mode, Op, Request};
use crate::s3::Client;

/// The operation of [`presign`](Client::presign).
#[derive(Clone, Debug)]
pub struct Presign {
    key: Key,
    expires: Duration,
    method: PresignMethod,
}

impl<M: Mode> Client<M> {
    /// Creates a URL that reads the object without credentials until it expires, after 1 second to 7 days. It begins
    /// with `https://`, or with `http://` if the endpoint does.
    ///
    /// No request, but credentials may have to be fetched. Whether the object exists is not checked.
    ///
    /// # Errors
    ///
    /// Class `Url` for a key that cannot be resolved, `Other` for a time out of bounds or an in-memory store.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// use std::time::Duration;
    ///
    /// let s3 = s3_client::S3::from_env()?;
    /// let url = s3.presign("s3://bucket/report.html", Duration::from_secs(3600)).await?;
    /// println!("{url}");
    /// # Ok(()) }
    /// ```
    pub fn presign(&self, key: impl Into<Key>, expires: Duration) -> Request<Presign, M> {
        self.request(Presign {
            key: key.into(),
            expires,
            method: PresignMethod::Get,
        })
    }
}

impl<M> Request<Presign, M> {
    /// Sets the method of the URL: read by default.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// use std::time::Duration;
    /// use s3_client::PresignMethod;
    ///
    /// let s3 = s3_client::S3::from_env()?;
    /// let hour = Duration::from_secs(3600);
    /// let url = s3.presign("s3://bucket/upload-here", hour).method(PresignMethod::Put).await?;
    /// println!("{url}");
    /// # Ok(()) }
    /// ```
    pub fn method(mut self, method: PresignMethod) -> Self {
        self.op.method = method;
        self
    }
}

impl Op for Presign {
    type Output = String;

    const NAME: &'static str = "presign";

    async fn run(self, call: Call) -> Result<String> {
        let url = call.client.object_url(&self.key)?;
        let request = PresignRequest::new(url, self.method, self.expires);
        Ok(call.client.transfer.presign(request, &call.options).await?)
    }
}
