//! [`S3PutObject`]: a value or a file to upload, with key and attributes.

use std::path::PathBuf;

use s3_core::{Attributes, Encryption, ErrorKind, Operation};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::{Key, PutValue, metadata};

/// An object to upload with [`put_many`](crate::S3::put_many), which sends `value`, or with
/// [`put_files`](crate::S3::put_files), which sends the file at `path`.
///
/// A pair of key and value converts into it.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> s3_client::Result<()> {
/// use s3_client::{S3, S3PutObject};
///
/// let s3 = S3::in_memory()?;
/// s3.create_bucket("b").await?;
/// let report = S3PutObject::new("s3://b/report.html", "<html>")
///     .with_content_type("text/html")
///     .with_metadata(serde_json::json!({"author": "workflow"}));
/// s3.put_many([report, ("s3://b/plain", "text").into()]).await?;
/// assert_eq!(s3.info("s3://b/report.html").await?.content_type(), Some("text/html"));
/// # Ok(()) }
/// ```
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct S3PutObject {
    /// The key: a suffix of the root or a full URL. [`Key::root`] for the root itself.
    pub key: Key,
    /// The value for `put_many`.
    pub value: Option<PutValue>,
    /// The local file for `put_files`.
    pub path: Option<PathBuf>,
    /// The MIME type. Not sent when `None` or empty; never guessed.
    pub content_type: Option<String>,
    /// Server-side encryption (`AES256`, `aws:kms`); that of the client when `None` or empty.
    pub encryption: Option<String>,
    /// User metadata: any JSON value, usually an object. Not sent when `None`, null or empty.
    pub metadata: Option<Value>,
    /// The user metadata as text, instead of `metadata`: for text that `json.dumps` of Python wrote.
    pub metadata_text: Option<String>,
    /// Further attributes: storage class, `Cache-Control`, tags, user metadata of other programs and so on. The fields
    /// above take precedence.
    pub attributes: Attributes,
}

impl S3PutObject {
    /// Describes an upload of a value.
    #[must_use]
    pub fn new(key: impl Into<Key>, value: impl Into<PutValue>) -> Self {
        Self {
            key: key.into(),
            value: Some(value.into()),
            ..Self::default()
        }
    }

    /// Describes an upload of a local file.
    #[must_use]
    pub fn file(key: impl Into<Key>, path: impl Into<PathBuf>) -> Self {
        Self {
            key: key.into(),
            path: Some(path.into()),
            ..Self::default()
        }
    }

    /// Sets the MIME type.
    #[must_use]
    pub fn with_content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into());
        self
    }

    /// Sets the server-side encryption, instead of the client's.
    #[must_use]
    pub fn with_encryption(mut self, encryption: impl Into<String>) -> Self {
        self.encryption = Some(encryption.into());
        self
    }

    /// Sets further attributes: see [`attributes`](Self::attributes).
    #[must_use]
    pub fn with_attributes(mut self, attributes: Attributes) -> Self {
        self.attributes = attributes;
        self
    }

    /// Sets the user metadata.
    #[must_use]
    pub fn with_metadata(mut self, metadata: impl Into<Value>) -> Self {
        self.metadata = Some(metadata.into());
        self
    }
}

impl<K: Into<Key>, V: Into<PutValue>> From<(K, V)> for S3PutObject {
    fn from((key, value): (K, V)) -> Self {
        Self::new(key, value)
    }
}

/// An input of [`put_files`](crate::S3::put_files): a pair of key and path, or an [`S3PutObject`] with a path.
#[derive(Debug)]
pub struct PutFile(pub(crate) S3PutObject);

impl From<S3PutObject> for PutFile {
    fn from(object: S3PutObject) -> Self {
        Self(object)
    }
}

impl<K: Into<Key>, P: Into<PathBuf>> From<(K, P)> for PutFile {
    fn from((key, path): (K, P)) -> Self {
        Self(S3PutObject::file(key, path))
    }
}

/// The attributes of a put, as the caller gave them.
#[derive(Clone, Debug, Default)]
pub(crate) struct PutAttributes {
    pub(crate) content_type: Option<String>,
    pub(crate) encryption: Option<String>,
    pub(crate) metadata: Option<Value>,
    pub(crate) metadata_text: Option<String>,
    pub(crate) base: Attributes,
}

impl PutAttributes {
    /// Returns the attributes to send: without empty ones, with the client's encryption by default.
    pub(crate) fn resolve(&self, url: &str, default: Option<&Encryption>) -> Result<Attributes> {
        let mut attributes = self.base.clone();
        if let Some(own) = header(url, "content type", self.content_type.as_deref())? {
            attributes.content_type = Some(own.into());
        }
        attributes.encryption = header(url, "encryption", self.encryption.as_deref())?
            .map(Encryption::new)
            .or(attributes.encryption)
            .or_else(|| default.cloned());
        let text = header(url, "metadata", self.metadata_text.as_deref())?.map(str::to_owned);
        let text = text.or_else(|| self.metadata.as_ref().and_then(metadata::encode));
        if let Some(text) = text {
            attributes.user.insert(metadata::NAME.to_owned(), text);
        }
        Ok(attributes)
    }
}

/// Returns whether a text is a valid header value.
pub(crate) fn fits_header(text: &str) -> bool {
    text.chars().all(|char| matches!(char, ' '..='~'))
}

/// Returns a header's value, `None` if it is empty, or an error if it is not a valid header value.
fn header<'a>(url: &str, what: &str, value: Option<&'a str>) -> Result<Option<&'a str>> {
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    if fits_header(value) {
        return Ok(Some(value));
    }
    let error = s3_core::Error::new(ErrorKind::InvalidInput, Operation::Put)
        .with_resource(url)
        .with_message(format!(
            "the {what} {value:?} is not a valid HTTP header value"
        ))
        .with_hint("use printable ASCII characters");
    Err(Error::from(error))
}
