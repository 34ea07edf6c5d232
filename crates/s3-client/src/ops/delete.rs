//! `delete` and `delete_many`: delete one object, or many with one DeleteObjects request per 1,000.

use std::sync::Arc;

use s3_core::{ETag, PutResponse, S3Url, VersionId};

use crate::call::Call;
use crate::error::{Error, Result};
use crate::on_failure::many_op;
use crate::request::{Mode, Op, Request};
use crate::s3::Client;
use crate::{BatchError, Key, OnFailure, Outcome, WriteOutcome, WriteResult};

/// The operation of [`delete`](Client::delete).
#[derive(Clone, Debug)]
pub struct Delete {
    key: Key,
    version: Option<VersionId>,
    if_match: Option<ETag>,
}

/// The operation of [`delete_many`](Client::delete_many).
#[derive(Clone, Debug)]
pub struct DeleteMany {
    on_failure: OnFailure,
    keys: Vec<Key>,
}

impl<M: Mode> Client<M> {
    /// Deletes an object. Deleting an object that does not exist succeeds. One request.
    ///
    /// # Errors
    ///
    /// Class `NotFound` for a missing bucket, `AccessDenied`, `Url` for a key that cannot be resolved.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// s3.put("s3://b/k", "v").await?;
    /// s3.delete("s3://b/k").await?;
    /// s3.delete("s3://b/k").await?;
    /// assert!(!s3.info("s3://b/k").return_missing().await?.exists());
    /// # Ok(()) }
    /// ```
    pub fn delete(&self, key: impl Into<Key>) -> Request<Delete, M> {
        self.request(Delete {
            key: key.into(),
            version: None,
            if_match: None,
        })
    }

    /// Deletes many objects and returns one result per input, in input order. One request per 1,000 objects of a bucket.
    ///
    /// # Errors
    ///
    /// Every input is attempted unless [`on_failure`](Request::on_failure) says otherwise. The error is that of the
    /// failing input with the lowest index, and has the outcome of every input: see [`BatchError`](crate::BatchError).
    /// Classes as in [`delete`](Self::delete).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// s3.put_many([("s3://b/1", "one"), ("s3://b/2", "two")]).await?;
    /// s3.delete_many(["s3://b/1", "s3://b/2"]).await?;
    /// assert!(s3.list_recursive().at(["s3://b/"]).await?.is_empty());
    /// # Ok(()) }
    /// ```
    pub fn delete_many(&self, keys: impl IntoIterator<Item: Into<Key>>) -> Request<DeleteMany, M> {
        self.request(DeleteMany {
            on_failure: OnFailure::Collect,
            keys: keys.into_iter().map(Into::into).collect(),
        })
    }
}

impl<M> Request<Delete, M> {
    /// Deletes this version permanently. Without it, a bucket with versioning keeps the object behind a delete marker.
    ///
    /// # Examples
    ///
    /// See [`list_versions`](Client::list_versions).
    pub fn version(mut self, version: VersionId) -> Self {
        self.op.version = Some(version);
        self
    }

    /// Deletes the object only if it has this ETag; otherwise the call fails, with
    /// [`ErrorKind::PreconditionFailed`](crate::ErrorKind::PreconditionFailed), or
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is no object.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// let first = s3.put("s3://b/k", "first").await?.etag().expect("a tag").clone();
    /// let second = s3.put("s3://b/k", "second").await?.etag().expect("a tag").clone();
    /// assert!(s3.delete("s3://b/k").if_match(first).await.is_err());
    /// s3.delete("s3://b/k").if_match(second).await?;
    /// # Ok(()) }
    /// ```
    pub fn if_match(mut self, etag: ETag) -> Self {
        self.op.if_match = Some(etag);
        self
    }
}

impl Op for Delete {
    type Output = WriteResult;

    const NAME: &'static str = "delete";

    async fn run(self, call: Call) -> Result<WriteResult> {
        let url = call.client.object_url(&self.key)?;
        let transfer = &call.client.transfer;
        let (version, if_match) = (self.version, self.if_match);
        let done = transfer.delete_one(url.clone(), version, if_match, &call.options);
        let version = done.await?.map(|deleted| deleted.version);
        let mut response = PutResponse::default();
        response.version = version;
        let outcome = WriteOutcome::Deleted;
        Ok(WriteResult::new(self.key, url, outcome, response))
    }
}

impl Op for DeleteMany {
    type Output = Vec<WriteResult>;

    const NAME: &'static str = "delete_many";

    async fn run(self, call: Call) -> Result<Vec<WriteResult>> {
        let urls = self.keys.iter().map(|key| call.client.object_url(key));
        let urls = urls.collect::<Result<Vec<_>>>()?;
        let (transfer, after) = (&call.client.transfer, self.on_failure.for_writes());
        let results = transfer.delete_outcomes(urls.clone(), after, &call.options);
        let inputs = self.keys.into_iter().zip(urls);
        let results = results.await.into_iter().zip(inputs);
        let results = results.map(|(result, (key, url))| {
            let result = result?.map(|()| deleted(key, url));
            Some(result.map_err(|error| Arc::new(Error::from(error))))
        });
        BatchError::check(Self::NAME, results.collect(), None, Outcome::Written)
    }
}

many_op!(DeleteMany);

fn deleted(key: Key, url: S3Url) -> WriteResult {
    WriteResult::new(key, url, WriteOutcome::Deleted, PutResponse::default())
}

#[cfg(test)]
mod tests {
    use s3_core::{MemoryStore, S3Url, StoreExt};

    use crate::{ErrorClass, S3};

    #[tokio::test]
    async fn an_object_of_a_listing_stands_for_itself_whatever_was_listed() {
        let store = MemoryStore::with_buckets(["b"]);
        let keys = [
            "root",
            "root/",
            "root/a",
            "root/tmp/a",
            "root//c",
            "root/c",
            "root/d",
            "root/d/",
        ];
        for key in keys {
            let url = S3Url::from_parts("b", key).unwrap();
            store.put_bytes(url, key.as_bytes()).await.unwrap();
        }
        let client = |root: &str| {
            let builder = S3::builder().store(store.clone()).s3root(root);
            builder.tmproot(std::env::temp_dir()).build().unwrap()
        };
        let s3 = client("s3://b/root");
        let all = s3.list_recursive().await.unwrap();
        assert_eq!(all.len(), keys.len() - 1);
        for (read, found) in s3.get_many(&all).await.unwrap().iter().zip(&all) {
            let text = read.text().unwrap();
            assert_eq!(format!("s3://b/{text}"), found.url());
        }
        let below = s3.list_paths().await.unwrap();
        let tmp = below.iter().find(|entry| entry.url() == "s3://b/root/tmp/");
        let in_tmp = s3.list_recursive().at(tmp).await.unwrap();
        let deleted = s3.delete_many(&in_tmp).await.unwrap();
        assert_eq!(deleted.len(), 1);
        assert_eq!(deleted[0].url(), "s3://b/root/tmp/a");
        assert_eq!(deleted[0].outcome(), crate::WriteOutcome::Deleted);
        s3.info("a").await.unwrap();

        let elsewhere = client("s3://b/roo").delete_many(&all).await.unwrap_err();
        assert_eq!(elsewhere.class(), ErrorClass::Url);
        assert!(elsewhere.to_string().contains("hint:"), "{elsewhere}");
        s3.delete_many(&all).await.unwrap();
        let left = store.get_bytes(S3Url::from_parts("b", "root").unwrap());
        assert_eq!(left.await.unwrap(), "root");
        assert_eq!(store.object_count(), 1);
    }

    #[tokio::test]
    async fn every_input_has_an_outcome() {
        let s3 = S3::in_memory().unwrap();
        s3.create_bucket("b").await.unwrap();
        s3.put("s3://b/k", "v").await.unwrap();
        let error = s3
            .delete_many(["s3://nowhere/k", "s3://b/k", "s3://b/never"])
            .await
            .unwrap_err();
        assert_eq!(error.class(), ErrorClass::NotFound);
        let batch = error.as_batch().unwrap();
        assert_eq!(
            (batch.index(), batch.succeeded(), batch.failed()),
            (0, 2, 1)
        );
        assert!(!s3.info("s3://b/k").return_missing().await.unwrap().exists());
        assert!(s3.delete_many(Vec::<&str>::new()).await.unwrap().is_empty());
        assert_eq!(s3.delete("k").await.unwrap_err().class(), ErrorClass::Url);
    }
}
