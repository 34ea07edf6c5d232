//! What is known of objects, without downloading them.

use s3_core::S3Url;

use crate::dedup::{Batch, run_distinct};
use crate::error::{Error, Result};
use crate::request::{Call, Mode, Op, Request};
use crate::s3::Client;
use crate::{Key, OnFailure, S3Object};

/// The call of [`info`](Client::info).
#[derive(Clone, Debug)]
pub struct Info {
    key: Key,
    return_missing: bool,
}

/// The call of [`info_many`](Client::info_many).
#[derive(Clone, Debug)]
pub struct InfoMany {
    pub(crate) on_failure: OnFailure,
    keys: Vec<Key>,
    return_missing: bool,
}

impl<M: Mode> Client<M> {
    /// Returns size, content type, metadata, encryption and time of an object. One head.
    ///
    /// # Errors
    ///
    /// Class `NotFound` for a missing object or bucket, `AccessDenied`, `Url` for a key that cannot be resolved.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// s3.put("s3://b/k", "hello").content_type("text/plain").await?;
    /// let info = s3.info("s3://b/k").await?;
    /// assert_eq!((info.size(), info.content_type()), (Some(5), Some("text/plain")));
    /// assert!(!info.downloaded());
    /// # Ok(()) }
    /// ```
    pub fn info(&self, key: impl Into<Key>) -> Request<Info, M> {
        self.request(Info {
            key: key.into(),
            return_missing: false,
        })
    }

    /// As [`info`](Self::info) for many objects, in parallel. Returns one object per input, in input order.
    ///
    /// # Errors
    ///
    /// The first failure ends the call unless [`on_failure`](Request::on_failure) says otherwise, and the failing input
    /// with the lowest index decides which it is; see [`BatchError`](crate::BatchError).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// s3.put("s3://b/k", "hello").await?;
    /// let infos = s3.info_many(["s3://b/nothing", "s3://b/k"]).return_missing(true).await?;
    /// assert_eq!((infos[0].exists(), infos[1].size()), (false, Some(5)));
    /// # Ok(()) }
    /// ```
    pub fn info_many(&self, keys: impl IntoIterator<Item: Into<Key>>) -> Request<InfoMany, M> {
        let keys = keys.into_iter().map(Into::into).collect();
        self.request(InfoMany {
            on_failure: OnFailure::Stop,
            keys,
            return_missing: false,
        })
    }
}

impl<M> Request<Info, M> {
    /// Returns an object that does not [exist](S3Object::exists) instead of failing when there is none. Off by default.
    pub fn return_missing(mut self, yes: bool) -> Self {
        self.op.return_missing = yes;
        self
    }
}

impl<M> Request<InfoMany, M> {
    /// Returns objects that do not [exist](S3Object::exists) instead of failing when some are missing. Off by default.
    pub fn return_missing(mut self, yes: bool) -> Self {
        self.op.return_missing = yes;
        self
    }
}

impl Op for Info {
    type Output = S3Object;

    const NAME: &'static str = "info";

    async fn run(self, call: Call) -> Result<S3Object> {
        let url = call.client.object_url(&self.key)?;
        describe(url, call, self.return_missing).await
    }
}

impl Op for InfoMany {
    type Output = Vec<S3Object>;

    const NAME: &'static str = "info_many";

    async fn run(self, call: Call) -> Result<Vec<S3Object>> {
        let urls = self
            .keys
            .iter()
            .map(|key| call.client.object_url(key))
            .collect::<Result<Vec<_>>>()?;
        let (transfer, return_missing) = (call.client.transfer.clone(), self.return_missing);
        let batch = Batch::of_objects(Self::NAME, self.on_failure);
        run_distinct(&transfer, batch, urls, move |_, url| {
            describe(url, call.clone(), return_missing)
        })
        .await
    }
}

async fn describe(url: S3Url, call: Call, return_missing: bool) -> Result<S3Object> {
    let root = call.client.display_root();
    match call
        .client
        .transfer
        .head(url.clone(), &call.options)
        .await
        .map_err(Error::from)
    {
        Ok(meta) => Ok(S3Object::described(&meta, url, root)),
        Err(error) if return_missing && error.is_missing() => Ok(S3Object::missing(url, root)),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use s3_core::MemoryStore;
    use serde_json::json;

    use super::*;
    use crate::{ErrorClass, S3, S3GetObject};

    #[tokio::test]
    async fn an_info_says_what_is_stored_and_downloads_nothing() {
        let s3 = S3::builder()
            .store(MemoryStore::with_buckets(["b"]))
            .s3root("s3://b/root")
            .tmproot(std::env::temp_dir())
            .build()
            .unwrap();
        s3.put("m", "hello")
            .metadata(json!({"é": "1"}))
            .encryption("AES256")
            .await
            .unwrap();
        s3.put("z", "").await.unwrap();

        let info = s3.info(S3GetObject::new("m", 2, 3)).await.unwrap();
        assert_eq!(
            info.to_string(),
            "<S3Object s3://b/root/m (5 bytes, in S3)>"
        );
        assert_eq!(info.metadata(), Some(&json!({"é": "1"})));
        assert_eq!(
            (info.encryption(), info.content_type()),
            (Some("AES256"), Some("binary/octet-stream"))
        );
        assert_eq!(
            (info.range_info(), info.downloaded(), info.has_info()),
            (None, false, true)
        );
        assert!(info.last_modified().is_some());

        let error = s3.info_many(["m", "nope", "z"]).await.unwrap_err();
        assert_eq!(
            (error.class(), error.as_batch().unwrap().index()),
            (ErrorClass::NotFound, 1)
        );
        let infos = s3
            .info_many(["z", "nope", "m", "z"])
            .return_missing(true)
            .await
            .unwrap();
        let sizes: Vec<_> = infos.iter().map(S3Object::size).collect();
        assert_eq!(sizes, [Some(0), None, Some(5), Some(0)]);
        assert_eq!(
            infos[0].to_string(),
            "<S3Object s3://b/root/z (0 bytes, in S3)>"
        );
    }
}
