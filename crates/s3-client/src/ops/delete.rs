//! Deleting objects.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::request::{Call, Mode, Op, Request};
use crate::s3::Client;
use crate::{BatchError, Key, OnFailure, Outcome};

/// The call of [`delete`](Client::delete).
#[derive(Clone, Debug)]
pub struct Delete {
    key: Key,
}

/// The call of [`delete_many`](Client::delete_many).
#[derive(Clone, Debug)]
pub struct DeleteMany {
    pub(crate) on_failure: OnFailure,
    keys: Vec<Key>,
}

impl<M: Mode> Client<M> {
    /// Deletes an object. Deleting what is not there succeeds. One request.
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
    /// assert!(!s3.info("s3://b/k").return_missing(true).await?.exists());
    /// # Ok(()) }
    /// ```
    pub fn delete(&self, key: impl Into<Key>) -> Request<Delete, M> {
        self.request(Delete { key: key.into() })
    }

    /// Deletes many objects and returns their URLs, in input order. One request per 1,000 objects of a bucket.
    ///
    /// # Errors
    ///
    /// Every input is attempted unless [`on_failure`](Request::on_failure) says otherwise. The failing one with the lowest index decides which error it is; the account of all
    /// is its [`BatchError`](crate::BatchError). Classes as in [`delete`](Self::delete).
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
    /// assert!(s3.list_recursive(["s3://b/"]).await?.is_empty());
    /// # Ok(()) }
    /// ```
    pub fn delete_many(&self, keys: impl IntoIterator<Item: Into<Key>>) -> Request<DeleteMany, M> {
        self.request(DeleteMany {
            on_failure: OnFailure::Collect,
            keys: keys.into_iter().map(Into::into).collect(),
        })
    }
}

impl Op for Delete {
    type Output = ();

    const NAME: &'static str = "delete";

    async fn run(self, call: Call) -> Result<()> {
        let url = call.client.object_url(&self.key)?;
        let outcomes = call
            .client
            .transfer
            .delete_many(vec![url], &call.options)
            .await;
        Ok(outcomes.into_iter().collect::<Result<(), _>>()?)
    }
}

impl Op for DeleteMany {
    type Output = Vec<String>;

    const NAME: &'static str = "delete_many";

    async fn run(self, call: Call) -> Result<Vec<String>> {
        let urls = self
            .keys
            .iter()
            .map(|key| call.client.object_url(key))
            .collect::<Result<Vec<_>>>()?;
        let names = urls.iter().map(|url| url.as_str().to_owned()).collect();
        let (transfer, after) = (&call.client.transfer, self.on_failure.for_writes());
        let outcomes = transfer.delete_outcomes(urls, after, &call.options).await;
        let outcomes = outcomes
            .into_iter()
            .map(|outcome| Some(outcome?.map_err(|error| Arc::new(Error::from(error)))));
        BatchError::check(Self::NAME, outcomes.collect(), |_, ()| Outcome::Done)?;
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use s3_core::{MemoryStore, S3Url, StoreExt};

    use crate::{ErrorClass, Key, S3};

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
        let all = s3.list_recursive([Key::root()]).await.unwrap();
        assert_eq!(all.len(), keys.len() - 1);
        for (read, found) in s3.get_many(&all).await.unwrap().iter().zip(&all) {
            let text = read.text().unwrap().unwrap();
            assert_eq!(format!("s3://b/{text}"), found.url());
        }
        let below = s3.list_paths([Key::root()]).await.unwrap();
        let tmp = below.iter().find(|entry| entry.url() == "s3://b/root/tmp/");
        let in_tmp = s3.list_recursive(tmp).await.unwrap();
        assert_eq!(
            s3.delete_many(&in_tmp).await.unwrap(),
            ["s3://b/root/tmp/a"]
        );
        assert!(s3.info("a").await.unwrap().exists());

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
        assert!(
            !s3.info("s3://b/k")
                .return_missing(true)
                .await
                .unwrap()
                .exists()
        );
        assert!(s3.delete_many(Vec::<&str>::new()).await.unwrap().is_empty());
        assert_eq!(s3.delete("k").await.unwrap_err().class(), ErrorClass::Url);
    }
}
