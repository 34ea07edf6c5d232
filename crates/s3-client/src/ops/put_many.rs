//! Uploading many objects.

use s3_core::url::quote;

use crate::OnFailure;
use crate::S3PutObject;
use crate::error::{Error, Result};
use crate::request::{Call, Mode, Op, Request};
use crate::s3::Client;
use crate::upload::{Upload, upload_all};

/// The call of [`put_many`](Client::put_many).
#[derive(Debug)]
pub struct PutMany {
    pub(crate) on_failure: OnFailure,
    objects: Vec<S3PutObject>,
    overwrite: bool,
}

impl<M: Mode> Client<M> {
    /// Uploads many objects in parallel: pairs of key and value, or [`S3PutObject`]s.
    ///
    /// Returns key, as given, and URL of each object that was written, in input order. Requests as [`put`](Self::put);
    /// all inputs are checked before the first. Which of two values for the same key wins is not defined.
    ///
    /// # Errors
    ///
    /// Every input is attempted unless [`on_failure`](Request::on_failure) says otherwise. The failing one with the lowest index decides which error it is; the account of all
    /// is its [`BatchError`](crate::BatchError). Classes as in [`put`](Self::put), and `InvalidObject` for an object
    /// without a value.
    ///
    /// # Deviation
    ///
    /// Nothing is dropped silently: a missing bucket and a failing check for an existing object are errors. The
    /// encryption of an [`S3PutObject`] is used; the reference ignores it.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// let written = s3.put_many([("s3://b/1", "one"), ("s3://b/2", "two")]).await?;
    /// assert_eq!(written[1], ("s3://b/2".to_owned(), "s3://b/2".to_owned()));
    /// # Ok(()) }
    /// ```
    pub fn put_many(
        &self,
        objects: impl IntoIterator<Item: Into<S3PutObject>>,
    ) -> Request<PutMany, M> {
        let objects = objects.into_iter().map(Into::into).collect();
        self.request(PutMany {
            objects,
            overwrite: true,
            on_failure: OnFailure::Collect,
        })
    }
}

impl<M> Request<PutMany, M> {
    /// Leaves objects alone that are there already, when `false`; they are left out of the result. On by default.
    pub fn overwrite(mut self, yes: bool) -> Self {
        self.op.overwrite = yes;
        self
    }
}

impl Op for PutMany {
    type Output = Vec<(String, String)>;

    const NAME: &'static str = "put_many";

    async fn run(self, call: Call) -> Result<Vec<(String, String)>> {
        let uploads = self.objects.into_iter().map(|mut object| {
            let value = object.value.take();
            let value = value.ok_or_else(|| Error::NoValue {
                key: quote(object.key.as_str().unwrap_or_default()),
                missing: "value",
            })?;
            Upload::check_object(&call.client, object, value)
        });
        let uploads = uploads.collect::<Result<Vec<_>>>()?;
        let batch = (Self::NAME, self.on_failure);
        upload_all(call, batch, uploads, self.overwrite).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use s3_core::{MemoryStore, Operation};

    use super::*;
    use crate::{ErrorClass, Outcome, PutValue, S3};

    fn client() -> (MemoryStore, S3) {
        let store = MemoryStore::with_buckets(["b"]);
        let s3 = S3::builder()
            .store(store.clone())
            .s3root("s3://b/root")
            .tmproot(std::env::temp_dir())
            .build()
            .unwrap();
        (store, s3)
    }

    fn pair(key: &str, url: &str) -> (String, String) {
        (key.to_owned(), url.to_owned())
    }

    #[tokio::test]
    async fn keys_come_back_as_given_and_in_order() {
        let (_, s3) = client();
        let written = s3
            .put_many([("/c", "3"), ("a/", "1"), ("", "0")])
            .await
            .unwrap();
        let expected = [
            pair("/c", "s3://b/root/c"),
            pair("a/", "s3://b/root/a/"),
            pair("", "s3://b/root"),
        ];
        assert_eq!(written, expected);
        assert!(
            s3.put_many(Vec::<S3PutObject>::new())
                .await
                .unwrap()
                .is_empty()
        );
    }

    #[tokio::test]
    async fn what_is_there_already_is_left_alone_and_left_out() {
        let (_, s3) = client();
        s3.put("a", "old").await.unwrap();
        let written = s3
            .put_many([("a", "new"), ("n", "new")])
            .overwrite(false)
            .await
            .unwrap();
        assert_eq!(written, [pair("n", "s3://b/root/n")]);
        assert_eq!(
            s3.get("a").await.unwrap().text().unwrap().as_deref(),
            Some("old")
        );
    }

    #[tokio::test]
    async fn each_object_has_its_own_attributes() {
        let (_, s3) = client();
        let object = S3PutObject {
            content_type: Some("text/plain".to_owned()),
            encryption: Some("AES256".to_owned()),
            metadata: Some(serde_json::json!({"m": "1"})),
            ..S3PutObject::new("a", "1")
        };
        s3.put_many([object, ("b", "2").into()]).await.unwrap();
        let infos = s3.info_many(["a", "b"]).await.unwrap();
        assert_eq!(infos[0].content_type(), Some("text/plain"));
        assert_eq!(
            (infos[0].encryption(), infos[1].encryption()),
            (Some("AES256"), None)
        );
        assert_eq!(infos[0].metadata(), Some(&serde_json::json!({"m": "1"})));
    }

    #[tokio::test]
    async fn one_bad_input_sends_nothing() {
        let (store, s3) = client();
        let no_value = s3
            .put_many([("ok", "1").into(), S3PutObject::file("k", "/dev/null")])
            .await;
        assert_eq!(no_value.unwrap_err().class(), ErrorClass::InvalidObject);
        let bad_key = s3
            .put_many([("ok", "1"), ("s3://b/k", "2")])
            .await
            .unwrap_err();
        assert_eq!(bad_key.class(), ErrorClass::Url);
        let no_file = s3
            .put_many([("ok", PutValue::path("/nonexistent"))])
            .await
            .unwrap_err();
        assert_eq!(no_file.class(), ErrorClass::NotFound);
        assert_eq!(store.operations().get(Operation::Put), 0);
    }

    #[tokio::test]
    async fn every_input_is_attempted_and_accounted_for() {
        let s3 = S3::in_memory().unwrap();
        s3.create_bucket("b").await.unwrap();
        s3.put("s3://b/there", "old").await.unwrap();
        let objects = [
            ("s3://no1/k", "1"),
            ("s3://b/there", "2"),
            ("s3://no2/k", "3"),
            ("s3://b/k", "4"),
        ];
        let error = s3.put_many(objects).overwrite(false).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::NotFound);
        let batch = error.as_batch().unwrap();
        assert_eq!(
            (batch.index(), batch.succeeded(), batch.failed()),
            (0, 2, 2)
        );
        let [
            Outcome::Failed(first),
            Outcome::AlreadyThere,
            Outcome::Failed(_),
            Outcome::Done,
        ] = batch.outcomes()
        else {
            panic!("{:?}", batch.outcomes());
        };
        assert!(first.to_string().contains("s3://no1/k"), "{first}");
        assert_eq!(Arc::strong_count(first), 2);
        assert!(s3.info("s3://b/k").await.is_ok());
    }
}
