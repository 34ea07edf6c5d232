//! [`MetaflowObject`]: the result of any read, with the properties of Metaflow's `S3Object`.

use std::fmt;
use std::path::PathBuf;
use std::time::SystemTime;

use bytes::Bytes;
use serde_json::Value;

use crate::error::Result;
use crate::location::{Location, located};
use crate::{CommonPrefix, Lookup, MissingObject, RangeInfo, S3Entry, S3Info, S3Object};

/// The result of any read, with the properties of Metaflow's `S3Object`: `None` where Metaflow has `None`.
///
/// For code that handles all results in the same way, such as a Python module. Every result type converts with
/// `into()`.
///
/// | from | `exists` | `downloaded` | `size` | `has_info` |
/// |---|---|---|---|---|
/// | [`S3Object`] | yes | yes | of the bytes read | with `return_info` |
/// | [`S3Info`] of `info` | yes | no | of the object | yes |
/// | [`S3Info`] of a listing | yes | no | of the object | no |
/// | [`CommonPrefix`], [`MissingObject`] | no | no | `None` | no |
///
/// # Deviation
///
/// An existing object of zero bytes prints with its size; Metaflow prints it as not existing.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> s3_client::Result<()> {
/// use s3_client::{MetaflowObject, S3};
///
/// let s3 = S3::in_memory()?;
/// s3.create_bucket("b").await?;
/// s3.put("s3://b/k", "hello").await?;
/// let object = MetaflowObject::from(s3.get("s3://b/k").await?);
/// assert_eq!(object.text()?.as_deref(), Some("hello"));
/// let object = MetaflowObject::from(s3.get("s3://b/other").return_missing().await?);
/// assert_eq!((object.exists(), object.size()), (false, None));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum MetaflowObject {
    /// A downloaded object.
    Downloaded(S3Object),
    /// An object that was described or listed.
    Described(S3Info),
    /// A common prefix of a listing.
    Prefix(CommonPrefix),
    /// An object that does not exist.
    Missing(MissingObject),
}

impl MetaflowObject {
    pub(crate) fn location(&self) -> &Location {
        match self {
            Self::Downloaded(object) => object.location(),
            Self::Described(info) => info.location(),
            Self::Prefix(prefix) => prefix.location(),
            Self::Missing(missing) => missing.location(),
        }
    }

    fn object(&self) -> Option<&S3Object> {
        match self {
            Self::Downloaded(object) => Some(object),
            _ => None,
        }
    }

    /// Returns whether the object exists. A common prefix does not.
    #[must_use]
    pub fn exists(&self) -> bool {
        matches!(self, Self::Downloaded(_) | Self::Described(_))
    }

    /// Returns whether the object was downloaded.
    #[must_use]
    pub fn downloaded(&self) -> bool {
        self.object().is_some()
    }

    /// Returns [`S3Object::path`] of a download.
    ///
    /// # Errors
    ///
    /// As [`S3Object::path`].
    pub fn path(&self) -> Result<Option<PathBuf>> {
        self.object().map(S3Object::path).transpose()
    }

    /// Returns [`S3Object::bytes`] of a download.
    ///
    /// # Errors
    ///
    /// As [`S3Object::bytes`].
    pub fn blob(&self) -> Result<Option<Bytes>> {
        self.object().map(S3Object::bytes).transpose()
    }

    /// Returns [`S3Object::text`] of a download.
    ///
    /// # Errors
    ///
    /// As [`S3Object::text`].
    pub fn text(&self) -> Result<Option<String>> {
        self.object().map(S3Object::text).transpose()
    }

    /// Returns the number of bytes that were read; for an object that was not downloaded, its size.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        match self {
            Self::Downloaded(object) => Some(object.size()),
            Self::Described(info) => Some(info.size()),
            _ => None,
        }
    }

    /// Returns whether any of content type, metadata, range and encryption is known.
    #[must_use]
    pub fn has_info(&self) -> bool {
        self.content_type().is_some()
            || self.metadata().is_some()
            || self.range_info().is_some()
            || self.encryption().is_some()
    }

    /// Returns the user metadata.
    #[must_use]
    pub fn metadata(&self) -> Option<&Value> {
        self.either(S3Object::metadata, S3Info::metadata)
    }

    /// Returns the text of the user metadata as stored.
    #[must_use]
    pub fn metadata_text(&self) -> Option<&str> {
        self.either(S3Object::metadata_text, S3Info::metadata_text)
    }

    /// Returns the MIME type.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.either(S3Object::content_type, S3Info::content_type)
    }

    /// Returns the server-side encryption.
    #[must_use]
    pub fn encryption(&self) -> Option<&str> {
        self.either(S3Object::encryption, S3Info::encryption)
    }

    /// Returns which bytes of the object were read.
    #[must_use]
    pub fn range_info(&self) -> Option<RangeInfo> {
        self.object()?.range_info()
    }

    /// Returns when the object was written, to the second. Metaflow's listings do not have it.
    #[must_use]
    pub fn last_modified(&self) -> Option<SystemTime> {
        match self {
            Self::Downloaded(object) => object.last_modified(),
            Self::Described(info) if info.attributes().is_some() => info.last_modified(),
            _ => None,
        }
    }

    fn either<'a, T>(
        &'a self,
        of_object: fn(&'a S3Object) -> Option<T>,
        of_info: fn(&'a S3Info) -> Option<T>,
    ) -> Option<T> {
        match self {
            Self::Downloaded(object) => of_object(object),
            Self::Described(info) => of_info(info),
            _ => None,
        }
    }
}

located!(MetaflowObject);

impl From<S3Object> for MetaflowObject {
    fn from(object: S3Object) -> Self {
        Self::Downloaded(object)
    }
}

impl From<S3Info> for MetaflowObject {
    fn from(info: S3Info) -> Self {
        Self::Described(info)
    }
}

impl From<S3Entry> for MetaflowObject {
    fn from(entry: S3Entry) -> Self {
        match entry {
            S3Entry::Object(info) => Self::Described(info),
            S3Entry::Prefix(prefix) => Self::Prefix(prefix),
        }
    }
}

impl<T: Into<Self>> From<Lookup<T>> for MetaflowObject {
    fn from(lookup: Lookup<T>) -> Self {
        match lookup {
            Lookup::Found(found) => found.into(),
            Lookup::Missing(missing) => Self::Missing(missing),
        }
    }
}

/// Metaflow's notation: `<S3Object s3://b/k (5 bytes, local)>`.
impl fmt::Display for MetaflowObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Downloaded(object) => fmt::Display::fmt(object, f),
            Self::Described(info) => fmt::Display::fmt(info, f),
            Self::Prefix(prefix) => fmt::Display::fmt(prefix, f),
            Self::Missing(missing) => fmt::Display::fmt(missing, f),
        }
    }
}
