//! `put`: uploads one object, with PutObject or in parts.

use s3_core::{Attributes, ETag};
use serde_json::Value;

use crate::call::Call;
use crate::error::Result;
use crate::put_object::PutAttributes;
use crate::request::{Mode, Op, Request};
use crate::resume::Resume;
use crate::s3::Client;
use crate::upload::Upload;
use crate::{Key, PutValue, WriteResult};

/// The operation of [`put`](Client::put) and [`upload_file`](Client::upload_file).
#[derive(Debug)]
pub struct Put {
    key: Key,
    value: PutValue,
    overwrite: bool,
    attributes: PutAttributes,
    resume: Option<Resume>,
    if_match: Option<ETag>,
}

impl Put {
    pub(super) fn new(key: Key, value: PutValue) -> Self {
        Self {
            key,
            value,
            overwrite: true,
            attributes: PutAttributes::default(),
            resume: None,
            if_match: None,
        }
    }
}

impl<M: Mode> Client<M> {
    /// Uploads an object.
    ///
    /// One PUT up to 16 MiB; larger values, and readers of unknown length, are uploaded in parts, in parallel. A failed
    /// or dropped upload leaves no parts behind.
    ///
    /// # Errors
    ///
    /// Class `NotFound` for a missing bucket or local file, `AccessDenied`, `Url` for a key that cannot be resolved.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// use serde_json::json;
    ///
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// let written = s3
    ///     .put("s3://b/page.html", "<p>hello</p>")
    ///     .content_type("text/html")
    ///     .metadata(json!({"author": "workflow"}))
    ///     .await?;
    /// assert_eq!(written.url(), "s3://b/page.html");
    /// assert_eq!(s3.info("s3://b/page.html").await?.metadata(), Some(&json!({"author": "workflow"})));
    /// # Ok(()) }
    /// ```
    pub fn put(&self, key: impl Into<Key>, value: impl Into<PutValue>) -> Request<Put, M> {
        self.request(Put::new(key.into(), value.into()))
    }
}

impl<M> Request<Put, M> {
    /// With `false`, keeps an existing object; the call still succeeds, with
    /// [`AlreadyThere`](crate::WriteOutcome::AlreadyThere). `true` by default.
    ///
    /// Check and write are one request where the server supports it, so two writers never both win. A large value costs
    /// an additional HEAD, so that it is not uploaded for nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// s3.put("s3://b/k", "first").await?;
    /// s3.put("s3://b/k", "second").overwrite(false).await?;
    /// assert_eq!(s3.get("s3://b/k").await?.text()?, "first");
    /// # Ok(()) }
    /// ```
    pub fn overwrite(mut self, yes: bool) -> Self {
        self.op.overwrite = yes;
        self
    }

    /// Replaces the object only if it has this ETag; otherwise the call fails, with
    /// [`ErrorKind::PreconditionFailed`](crate::ErrorKind::PreconditionFailed). With
    /// [`overwrite(false)`](Self::overwrite), which keeps it, the call is invalid.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// let first = s3.put("s3://b/k", "first").await?;
    /// let etag = first.etag().expect("a tag");
    /// s3.put("s3://b/k", "second").if_match(etag.clone()).await?;
    /// assert!(s3.put("s3://b/k", "third").if_match(etag.clone()).await.is_err());
    /// # Ok(()) }
    /// ```
    pub fn if_match(mut self, etag: ETag) -> Self {
        self.op.if_match = Some(etag);
        self
    }

    /// Sets attributes that have no method of their own: storage class, `Cache-Control`, tags, user metadata of other
    /// programs and so on. Content type, encryption and metadata that are set with their own methods take precedence.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// use s3_client::Attributes;
    ///
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// let attributes = Attributes::default()
    ///     .with_storage_class("STANDARD_IA")
    ///     .with_cache_control("no-store")
    ///     .with_user_metadata("author", "someone")
    ///     .with_tag("project", "demo");
    /// s3.put("s3://b/k", "hello").attributes(attributes).await?;
    /// let info = s3.info("s3://b/k").await?;
    /// let stored = info.stored_attributes().expect("of a HEAD");
    /// assert_eq!(stored.cache_control.as_deref(), Some("no-store"));
    /// assert_eq!(stored.user["author"], "someone");
    /// assert_eq!((info.storage_class(), info.tag_count()), (Some("STANDARD_IA"), Some(1)));
    /// # Ok(()) }
    /// ```
    pub fn attributes(mut self, attributes: Attributes) -> Self {
        self.op.attributes.base = attributes;
        self
    }

    /// Sets the MIME type. Not sent when empty; never guessed.
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.op.attributes.content_type = Some(content_type.into());
        self
    }

    /// Sets the user metadata: any JSON value, usually an object. Not sent when null or empty. S3 keeps up to 2 KiB.
    pub fn metadata(mut self, metadata: impl Into<Value>) -> Self {
        self.op.attributes.metadata = Some(metadata.into());
        self
    }

    /// Sets the server-side encryption, instead of the client's.
    pub fn encryption(mut self, encryption: impl Into<String>) -> Self {
        self.op.attributes.encryption = Some(encryption.into());
        self
    }

    /// Makes the upload of a file resumable: parts that an interrupted upload has sent are not sent again. No effect on
    /// other values. See [`resume_upload`](Client::resume_upload).
    pub fn resume(mut self, resume: &Resume) -> Self {
        self.op.resume = Some(resume.clone());
        self
    }
}

impl Op for Put {
    type Output = WriteResult;

    const NAME: &'static str = "put";

    async fn run(self, call: Call) -> Result<WriteResult> {
        let mut upload = Upload::check(&call.client, self.key, self.value, &self.attributes)?;
        upload.resume = self.resume;
        upload.if_match = self.if_match;
        upload
            .run(&call.client.transfer, &call, self.overwrite)
            .await
    }
}

#[cfg(test)]
mod tests {
    use s3_core::{HeadRequest, MemoryStore, S3Url, Store};
    use serde_json::json;

    use super::*;
    use crate::{ErrorClass, S3, S3PutObject};

    fn client() -> (MemoryStore, S3) {
        let store = MemoryStore::with_buckets(["b"]);
        let s3 = S3::builder()
            .store(store.clone())
            .s3root("s3://b/root")
            .encryption("AES256")
            .tmproot(std::env::temp_dir())
            .build()
            .unwrap();
        (store, s3)
    }

    #[tokio::test]
    async fn attributes_are_stored_as_metaflow_stores_them() {
        let (store, s3) = client();
        let put = s3
            .put("k", "v")
            .content_type("")
            .metadata(json!({"b": "é", "a": 1}));
        let written = put.await.unwrap();
        assert_eq!(written.pair(), ("k", "s3://b/root/k"));
        let url = S3Url::parse("s3://b/root/k").unwrap();
        let meta = store.head(HeadRequest::new(url)).await.unwrap();
        assert_eq!(
            meta.attributes
                .user
                .get("metaflow-user-attributes")
                .map(String::as_str),
            Some(r#"{"b": "\u00e9", "a": 1}"#)
        );
        assert_eq!(meta.attributes.encryption.unwrap().as_str(), "AES256");

        s3.put("e", "v")
            .encryption("aws:kms")
            .metadata(json!({}))
            .await
            .unwrap();
        let info = s3.info("e").await.unwrap();
        assert_eq!(
            (info.encryption(), info.metadata()),
            (Some("aws:kms"), None)
        );
    }

    #[tokio::test]
    async fn every_kind_of_value_can_be_put() {
        let (_, s3) = client();
        let file = || std::fs::File::open(file!().trim_start_matches("crates/s3-client/")).unwrap();
        let text = std::fs::read(file!().trim_start_matches("crates/s3-client/")).unwrap();
        s3.put("file", file()).await.unwrap();
        s3.put("reader", PutValue::reader(file())).await.unwrap();
        s3.put("async", PutValue::async_reader(std::io::Cursor::new("abc")))
            .await
            .unwrap();
        s3.put("empty", "").await.unwrap();
        for (key, body) in [
            ("file", text.as_slice()),
            ("reader", &text),
            ("async", b"abc"),
            ("empty", b""),
        ] {
            assert_eq!(s3.get(key).await.unwrap().bytes().unwrap(), body, "{key}");
        }
    }

    #[tokio::test]
    async fn a_key_may_be_any_object_and_only_its_key_counts() {
        let (_, s3) = client();
        let object = S3PutObject::new("a", "ignored").with_content_type("text/x");
        s3.put(&object, "real").await.unwrap();
        let got = s3.get("a").await.unwrap();
        assert_eq!(got.text().unwrap(), "real");
        assert_eq!(got.content_type(), Some("binary/octet-stream"));
        assert_eq!(
            s3.put(Key::root(), "v").await.unwrap().to_string(),
            "s3://b/root"
        );
    }

    #[tokio::test]
    async fn invalid_arguments_are_errors_without_a_request() {
        let (store, s3) = client();
        assert_eq!(
            s3.put("s3://b/k", "v").await.unwrap_err().class(),
            ErrorClass::Url
        );
        let missing = s3
            .put("k", PutValue::path("/nonexistent"))
            .await
            .unwrap_err();
        assert_eq!(missing.class(), ErrorClass::NotFound);
        let header = s3.put("k", "v").content_type("a\nb").await.unwrap_err();
        assert!(header.to_string().contains("content type"), "{header}");
        let etag = s3_core::ETag::new("e");
        let both = s3.put("k", "v").if_match(etag).overwrite(false).await;
        let both = both.unwrap_err();
        let kind = both.as_request().map(s3_core::Error::kind);
        assert_eq!(kind, Some(s3_core::ErrorKind::InvalidInput));
        assert!(both.to_string().contains("`overwrite(false)`"), "{both}");
        assert_eq!(store.operations().total(), 0);
        let bucket = S3::in_memory()
            .unwrap()
            .put("s3://nowhere/k", "v")
            .await
            .unwrap_err();
        assert_eq!(bucket.class(), ErrorClass::NotFound);
    }
}
