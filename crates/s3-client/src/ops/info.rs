//! `info` and `info_many`: read size, ETag, type and metadata of objects with HeadObject.

use std::marker::PhantomData;

use s3_core::{Conditions, HeadRequest, VersionId};

use crate::call::Call;
use crate::dedup::run_distinct;
use crate::error::{Error, Result};
use crate::lookup::return_missing;
use crate::on_failure::many_op;
use crate::request::{Mode, Op, Request};
use crate::s3::Client;
use crate::{BatchError, Key, MissingObject, OnFailure, Outcome, ReadOutput, S3Info};

/// The operation of [`info`](Client::info).
#[derive(Clone, Debug)]
pub struct Info<T = S3Info> {
    key: Key,
    version: Option<VersionId>,
    conditions: Conditions,
    checksum: bool,
    output: PhantomData<fn() -> T>,
}

/// The operation of [`info_many`](Client::info_many).
#[derive(Clone, Debug)]
pub struct InfoMany<T = S3Info> {
    on_failure: OnFailure,
    keys: Vec<Key>,
    output: PhantomData<fn() -> T>,
}

impl<M: Mode> Client<M> {
    /// Returns size, ETag, version, time, content type, metadata and encryption of an object. One HEAD.
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
    /// assert_eq!((info.size(), info.content_type()), (5, Some("text/plain")));
    /// # Ok(()) }
    /// ```
    pub fn info(&self, key: impl Into<Key>) -> Request<Info, M> {
        self.request(Info {
            key: key.into(),
            version: None,
            conditions: Conditions::default(),
            checksum: false,
            output: PhantomData,
        })
    }

    /// Returns what [`info`](Self::info) returns, for many objects in parallel, in input order.
    ///
    /// # Errors
    ///
    /// The first failure ends the call unless [`on_failure`](Request::on_failure) says otherwise. The error is that of the
    /// failing input with the lowest index; see [`BatchError`](crate::BatchError).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// s3.put("s3://b/k", "hello").await?;
    /// let infos = s3.info_many(["s3://b/nothing", "s3://b/k"]).return_missing().await?;
    /// assert_eq!((infos[0].exists(), infos[1].exists()), (false, true));
    /// # Ok(()) }
    /// ```
    pub fn info_many(&self, keys: impl IntoIterator<Item: Into<Key>>) -> Request<InfoMany, M> {
        let keys = keys.into_iter().map(Into::into).collect();
        self.request(InfoMany {
            on_failure: OnFailure::Stop,
            keys,
            output: PhantomData,
        })
    }
}

return_missing!(Info<S3Info> { key, version, conditions, checksum });

impl<T, M> Request<Info<T>, M> {
    /// Describes this version instead of the newest.
    ///
    /// # Examples
    ///
    /// See [`list_versions`](Client::list_versions).
    pub fn version(mut self, version: VersionId) -> Self {
        self.op.version = Some(version);
        self
    }

    /// Describes the object only under these conditions; otherwise the call fails, with
    /// [`ErrorKind::PreconditionFailed`](crate::ErrorKind::PreconditionFailed) or
    /// [`NotModified`](crate::ErrorKind::NotModified).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// use s3_client::Conditions;
    ///
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// s3.put("s3://b/k", "hello").await?;
    /// let written = s3.info("s3://b/k").await?.last_modified().expect("a time");
    /// let since = Conditions::default().with_if_modified_since(written);
    /// assert!(s3.info("s3://b/k").conditions(since).await.is_err());
    /// # Ok(()) }
    /// ```
    pub fn conditions(mut self, conditions: Conditions) -> Self {
        self.op.conditions = conditions;
        self
    }

    /// Requests the [checksum](S3Info::checksum) that the server stores with the object. For an object encrypted with a
    /// KMS key, AWS then requires the permission to decrypt.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// use s3_client::{Attributes, ChecksumAlgorithm};
    ///
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// let crc = Attributes::default().with_checksum_algorithm(ChecksumAlgorithm::Crc32);
    /// s3.put("s3://b/k", "123456789").attributes(crc).await?;
    /// let info = s3.info("s3://b/k").checksum().await?;
    /// assert_eq!(&*info.checksum().expect("a checksum").value, "y/Q5Jg==");
    /// # Ok(()) }
    /// ```
    pub fn checksum(mut self) -> Self {
        self.op.checksum = true;
        self
    }
}

return_missing!(InfoMany<S3Info> { on_failure, keys });

impl<T: ReadOutput<Object = S3Info>> Op for Info<T> {
    type Output = T;

    const NAME: &'static str = "info";

    async fn run(self, call: Call) -> Result<T> {
        let mut request = HeadRequest::new(call.client.object_url(&self.key)?);
        request.version = self.version;
        request.conditions = self.conditions;
        request.checksum = self.checksum;
        describe(request, call).await
    }
}

impl<T: ReadOutput<Object = S3Info> + Into<Outcome>> Op for InfoMany<T> {
    type Output = Vec<T>;

    const NAME: &'static str = "info_many";

    async fn run(self, call: Call) -> Result<Vec<T>> {
        let keys = self.keys.iter();
        let urls = keys.map(|key| call.client.object_url(key));
        let urls = urls.collect::<Result<Vec<_>>>()?;
        let transfer = call.client.transfer.clone();
        let job = move |_, url| describe(HeadRequest::new(url), call.clone());
        let results = run_distinct(&transfer, self.on_failure.for_reads(), urls, job).await;
        BatchError::check(Self::NAME, results, None, self.on_failure.outcome())
    }
}

many_op!(InfoMany<T>);

async fn describe<T: ReadOutput<Object = S3Info>>(request: HeadRequest, call: Call) -> Result<T> {
    let root = call.client.display_root();
    let transfer = &call.client.transfer;
    let url = request.url.clone();
    let info = match transfer.head_with(request, &call.options).await {
        Ok(meta) => Ok(S3Info::of(meta, url.clone(), root.clone())),
        Err(error) => Err(Error::from(error)),
    };
    T::of(info, || MissingObject::new(url, root))
}

#[cfg(test)]
mod tests {
    use s3_core::MemoryStore;
    use serde_json::json;

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
            (info.size(), info.etag().is_some(), info.storage_class()),
            (5, true, None)
        );
        assert!(info.last_modified().is_some());

        let error = s3.info_many(["m", "nope", "z"]).await.unwrap_err();
        assert_eq!(
            (error.class(), error.as_batch().unwrap().index()),
            (ErrorClass::NotFound, 1)
        );
        let infos = s3
            .info_many(["z", "nope", "m", "z"])
            .return_missing()
            .await
            .unwrap();
        let sizes: Vec<_> = infos
            .iter()
            .map(|info| Some(info.as_found()?.size()))
            .collect();
        assert_eq!(sizes, [Some(0), None, Some(5), Some(0)]);
        assert_eq!(
            infos[0].to_string(),
            "<S3Object s3://b/root/z (0 bytes, in S3)>"
        );
    }
}
