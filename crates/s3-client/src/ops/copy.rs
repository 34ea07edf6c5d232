//! Copying inside the store.

use s3_core::CopyRequest;

use crate::Key;
use crate::error::Result;
use crate::request::{Call, Mode, Op, Request};
use crate::s3::Client;

/// The call of [`copy`](Client::copy).
#[derive(Clone, Debug)]
pub struct CopyObject {
    from: Key,
    to: Key,
}

impl<M: Mode> Client<M> {
    /// Copies an object with its attributes and returns the URL of the copy. The bytes do not pass through the client.
    ///
    /// One request up to 5 GiB, parts beyond, which keep the type, the encoding, `Cache-Control`, `Content-Disposition`
    /// and the user metadata and nothing else. The copy is encrypted as the client's
    /// [encryption](crate::S3Builder::encryption) says, else as its bucket's default does, however its source is.
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
    /// assert_eq!(s3.copy("s3://b/from", "s3://b/to").await?, "s3://b/to");
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
    type Output = String;

    const NAME: &'static str = "copy";

    async fn run(self, call: Call) -> Result<String> {
        let from = call.client.object_url(&self.from)?;
        let to = call.client.object_url(&self.to)?;
        let mut request = CopyRequest::new(from, to.clone());
        request.encryption.clone_from(&call.client.encryption);
        call.client.transfer.copy(request, &call.options).await?;
        Ok(to.as_str().to_owned())
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
        encrypting.copy("a", "c").await.unwrap();
        let info = plain.info("c").await.unwrap();
        assert_eq!(
            (info.encryption(), info.metadata()),
            (Some("AES256"), Some(&json!({"m": "1"})))
        );
        let error = encrypting.copy("nope", "d").await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::NotFound);
    }
}
