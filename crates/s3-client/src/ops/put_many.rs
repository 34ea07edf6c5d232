//! `put_many`: uploads many objects in parallel.

use s3_core::url::quote;

use crate::call::Call;
use crate::error::{Error, Result};
use crate::on_failure::many_op;
use crate::request::{Mode, Op, Request};
use crate::s3::Client;
use crate::upload::{Upload, upload_all};
use crate::{OnFailure, S3PutObject, WriteResult};

/// The operation of [`put_many`](Client::put_many).
#[derive(Debug)]
pub struct PutMany {
    on_failure: OnFailure,
    objects: Vec<S3PutObject>,
    overwrite: bool,
}

impl<M: Mode> Client<M> {
    /// Uploads many objects in parallel: pairs of key and value, or [`S3PutObject`]s.
    ///
    /// Returns one result per input, in input order. Requests as [`put`](Self::put); all inputs are checked before the
    /// first. If a key occurs twice, either value may win.
    ///
    /// # Errors
    ///
    /// Every input is attempted unless [`on_failure`](Request::on_failure) says otherwise. The error is that of the
    /// failing input with the lowest index, and has the outcome of every input: see [`BatchError`](crate::BatchError).
    /// Classes as in [`put`](Self::put), and `InvalidObject` for an object without a value.
    ///
    /// # Deviation
    ///
    /// A missing bucket and a failing check for an existing object are errors; Metaflow drops such inputs silently.
    /// Objects that were already there have a result; Metaflow leaves them out. The encryption of an [`S3PutObject`] is
    /// used; Metaflow ignores it.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// let written = s3.put_many([("s3://b/1", "one"), ("s3://b/2", "two")]).await?;
    /// assert_eq!(written[1].url(), "s3://b/2");
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
    /// With `false`, keeps existing objects; their results say
    /// [`AlreadyThere`](crate::WriteOutcome::AlreadyThere). `true` by default.
    pub fn overwrite(mut self, yes: bool) -> Self {
        self.op.overwrite = yes;
        self
    }
}

impl Op for PutMany {
    type Output = Vec<WriteResult>;

    const NAME: &'static str = "put_many";

    async fn run(self, call: Call) -> Result<Vec<WriteResult>> {
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

many_op!(PutMany);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use s3_core::{MemoryStore, Operation};

    use super::*;
    use crate::{ErrorClass, Outcome, PutValue, S3, WriteOutcome};

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

    fn pairs(written: &[WriteResult]) -> Vec<(&str, &str)> {
        written.iter().map(WriteResult::pair).collect()
    }

    #[tokio::test]
    async fn keys_come_back_as_given_and_in_order() {
        let (_, s3) = client();
        let written = s3
            .put_many([("/c", "3"), ("a/", "1"), ("", "0")])
            .await
            .unwrap();
        let expected = [
            ("/c", "s3://b/root/c"),
            ("a/", "s3://b/root/a/"),
            ("", "s3://b/root"),
        ];
        assert_eq!(pairs(&written), expected);
        assert_ne!(written[0].etag(), written[1].etag());
        assert_eq!(written[0].etag(), s3.info("c").await.unwrap().etag());
        assert!(
            s3.put_many(Vec::<S3PutObject>::new())
                .await
                .unwrap()
                .is_empty()
        );
    }

    #[tokio::test]
    async fn objects_that_were_already_there_are_kept_and_reported() {
        let (_, s3) = client();
        s3.put("a", "old").await.unwrap();
        let written = s3
            .put_many([("a", "new"), ("n", "new")])
            .overwrite(false)
            .await
            .unwrap();
        assert_eq!(
            pairs(&written),
            [("a", "s3://b/root/a"), ("n", "s3://b/root/n")]
        );
        let outcomes: Vec<_> = written.iter().map(WriteResult::outcome).collect();
        assert_eq!(
            outcomes,
            [WriteOutcome::AlreadyThere, WriteOutcome::Created]
        );
        assert_eq!(s3.get("a").await.unwrap().text().unwrap(), "old");
    }

    #[tokio::test]
    async fn each_object_has_its_own_attributes() {
        let (_, s3) = client();
        let object = S3PutObject::new("a", "1")
            .with_content_type("text/plain")
            .with_encryption("AES256")
            .with_metadata(serde_json::json!({"m": "1"}));
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
    async fn metadata_may_be_text_that_python_wrote() {
        let (_, s3) = client();
        let mut object = S3PutObject::new("a", "1");
        object.metadata_text = Some(r#"{"b": NaN, "a": "\u00e9"}"#.to_owned());
        s3.put_many([object]).await.unwrap();
        let info = s3.info("a").await.unwrap();
        assert_eq!(info.metadata_text(), Some(r#"{"b": NaN, "a": "\u00e9"}"#));
        assert_eq!(
            info.metadata(),
            Some(&serde_json::json!({"b": null, "a": "é"}))
        );
        let mut object = S3PutObject::new("a", "1");
        object.metadata_text = Some("é".to_owned());
        let error = s3.put_many([object]).await.unwrap_err();
        assert!(error.to_string().contains("metadata"), "{error}");
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
    async fn every_input_is_attempted_and_has_an_outcome() {
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
            Outcome::Written(existing),
            Outcome::Failed(_),
            Outcome::Written(new),
        ] = batch.outcomes()
        else {
            panic!("{:?}", batch.outcomes());
        };
        assert!(existing.already_there() && new.outcome() == WriteOutcome::Created);
        assert!(first.to_string().contains("s3://no1/k"), "{first}");
        assert_eq!(Arc::strong_count(first), 2);
        assert!(s3.info("s3://b/k").await.is_ok());
    }

    /// A reader that panics after this number of bytes.
    struct Panics(usize);

    impl std::io::Read for Panics {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            assert!(self.0 > 0, "nothing left");
            let count = buffer.len().min(self.0);
            self.0 -= count;
            Ok(count)
        }
    }

    impl tokio::io::AsyncRead for Panics {
        fn poll_read(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
            buffer: &mut tokio::io::ReadBuf<'_>,
        ) -> std::task::Poll<std::io::Result<()>> {
            let count = std::io::Read::read(&mut *self, buffer.initialize_unfilled())?;
            buffer.advance(count);
            std::task::Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn a_source_that_panics_is_the_failure_of_its_input() {
        let (store, s3) = client();
        // One panic in the first part, and one in a later part of a multipart upload.
        for bytes in [0, 20 << 20] {
            let objects = [
                ("sync", PutValue::reader(Panics(bytes))),
                ("async", PutValue::async_reader(Panics(bytes))),
                ("sound", PutValue::reader(std::io::Cursor::new("sound"))),
            ];
            let error = s3.put_many(objects).await.unwrap_err();
            let batch = error.as_batch().unwrap();
            assert_eq!((batch.succeeded(), batch.failed()), (1, 2));
            let text = batch.error().to_string();
            assert!(text.contains("the reader panicked: nothing left"), "{text}");
            assert!(s3.info("sound").await.is_ok());
            assert_eq!((store.object_count(), store.unfinished_uploads()), (1, 0));
        }
    }
}
