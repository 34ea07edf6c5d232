//! `copy`: copies an object within the server.

use s3_core::CopyRequest;

use crate::call::Call;
use crate::error::Result;
use crate::request::{Mode, Op, Request};
use crate::s3::Client;
use crate::{Key, WriteOutcome, WriteResult};

/// The operation of [`copy`](Client::copy).
#[derive(Clone, Debug)]
pub struct CopyObject {
    from: Key,
    to: Key,
}

impl<M: Mode> Client<M> {
    /// Copies an object with its attributes. The bytes do not pass through the client.
    ///
    /// One request up to 5 GiB. A larger copy is made in parts and keeps content type, encoding, `Cache-Control`,
    /// `Content-Disposition` and user metadata, nothing else. The copy is encrypted with the client's
    /// [encryption](crate::S3Builder::encryption), or else with the default of its bucket; the encryption of the source
    /// does not matter.
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
    /// s3.put("s3://b/from", "hello").content_type("text/plain").await?;
    /// let copy = s3.copy("s3://b/from", "s3://b/to").await?;
    /// assert_eq!(copy.url(), "s3://b/to");
    /// assert_eq!(s3.info("s3://b/to").await?.content_type(), Some("text/plain"));
    /// # Ok(()) }
    /// ```
    pub fn copy(&self, from: impl Into<Key>, to: impl Into<Key>) -> Request<CopyObject, M> {
        self.request(CopyObject {
            from: from.into(),
            to: to.into(),
        })
    }
}

impl Op for CopyObject {
    type Output = WriteResult;

    const NAME: &'static str = "copy";

    async fn run(self, call: Call) -> Result<WriteResult> {
        let from = call.client.object_url(&self.from)?;
        let to = call.client.object_url(&self.to)?;
        let mut request = CopyRequest::new(from, to.clone());
        request.encryption.clone_from(&call.client.encryption);
        let response = call.client.transfer.copy(request, &call.options).await?;
        Ok(WriteResult::new(
            self.to,
            to,
            WriteOutcome::Written,
            response,
        ))
    }
}

#[cfg(test)]
mod tests {
    use s3_core::MemoryStore;
    use serde_json::json;

    use crate::{ErrorClass, S3};

    #[tokio::test]
    async fn the_clients_encryption_holds_for_copies_too() {
        let builder = || S3::builder().s3root("s3://b").tmproot(std::env::temp_dir());
        let store = MemoryStore::with_buckets(["b"]);
        let plain = builder().store(store.clone()).build().unwrap();
        plain
            .put("a", "v")
            .metadata(json!({"m": "1"}))
            .await
            .unwrap();
        let encrypting = builder().store(store).encryption("AES256").build().unwrap();
        let copy = encrypting.copy("a", "c").await.unwrap();
        let info = plain.info("c").await.unwrap();
        assert!(copy.etag().is_some() && copy.etag() == info.etag());
        assert_eq!(
            (info.encryption(), info.metadata()),
            (Some("AES256"), Some(&json!({"m": "1"})))
        );
        let error = encrypting.copy("nope", "d").await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::NotFound);
    }
}
