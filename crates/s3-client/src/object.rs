//! What calls return: a place in S3, and what is known of it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use s3_core::url::{DisplayKey, display_key};
use s3_core::{ListedObject, ObjectMeta, S3Prefix, S3Url};
use serde_json::Value;

use crate::error::Result;
use crate::local_data::LocalData;
use crate::{RangeInfo, Verified, metadata};

/// An object or a prefix in S3, and what the call that returned it has found out. Clone is a reference count.
///
/// | returned by | `exists` | `downloaded` | `size` | info fields | `range_info` |
/// |---|---|---|---|---|---|
/// | `get`, `get_many` | yes | yes | of the bytes read | with `return_info` (default) | with `return_info` |
/// | `get_recursive`, `get_all` | yes | yes | of the bytes read | with `return_info` (not the default) | with `return_info` |
/// | `info`, `info_many` | yes | no | of the object | yes | no |
/// | `list_paths`, `list_recursive` | not for a prefix | no | of the object | no | no |
/// | any with `return_missing` | no | no | none | no | no |
///
/// Downloaded bytes are in memory or in a file of the client's temporary directory. [`blob`](Self::blob) is free for
/// the former, [`path`](Self::path) for the latter, and each works for both. The directory lives as long as a handle of
/// the client or one of its objects, unless [`close`](crate::S3::close) removes it before.
///
/// # Deviation
///
/// An existing object of zero bytes prints with its size; the reference prints it as not existing.
#[derive(Clone)]
pub struct S3Object(Arc<Inner>);

struct Inner {
    place: Place,
    relative_to: Option<S3Prefix>,
    size: Option<u64>,
    /// Boxed, because a listing has a million objects and none of it.
    info: Option<Box<Info>>,
    data: Option<(Arc<LocalData>, Verified)>,
}

enum Place {
    Object(S3Url),
    Prefix(S3Prefix),
}

struct Info {
    content_type: Option<Arc<str>>,
    metadata: Option<Value>,
    encryption: Option<Arc<str>>,
    range: Option<RangeInfo>,
    last_modified: Option<SystemTime>,
}

impl S3Object {
    /// An object that is not there.
    pub(crate) fn missing(url: S3Url, relative_to: Option<S3Prefix>) -> Self {
        Self::new(Place::Object(url), relative_to, None, None, None)
    }

    /// An entry of a listing.
    pub(crate) fn listed(object: ListedObject, relative_to: S3Prefix) -> Self {
        Self::new(
            Place::Object(object.url),
            Some(relative_to),
            Some(object.size),
            None,
            None,
        )
    }

    /// A common prefix of a listing.
    pub(crate) fn common_prefix(prefix: S3Prefix, relative_to: S3Prefix) -> Self {
        Self::new(Place::Prefix(prefix), Some(relative_to), None, None, None)
    }

    /// What a head says.
    pub(crate) fn described(meta: &ObjectMeta, url: S3Url, relative_to: Option<S3Prefix>) -> Self {
        Self::new(
            Place::Object(url),
            relative_to,
            Some(meta.size),
            Some(Info::of(meta)),
            None,
        )
    }

    /// A download of `size` bytes, with what the server said of it if `info` is given.
    pub(crate) fn from_download(
        url: S3Url,
        relative_to: Option<S3Prefix>,
        size: u64,
        info: Option<(&ObjectMeta, RangeInfo)>,
        data: (Arc<LocalData>, Verified),
    ) -> Self {
        let info = info.map(|(meta, range)| Info {
            range: Some(range),
            ..Info::of(meta)
        });
        Self::new(
            Place::Object(url),
            relative_to,
            Some(size),
            info,
            Some(data),
        )
    }

    fn new(
        place: Place,
        relative_to: Option<S3Prefix>,
        size: Option<u64>,
        info: Option<Info>,
        data: Option<(Arc<LocalData>, Verified)>,
    ) -> Self {
        Self(Arc::new(Inner {
            place,
            relative_to,
            size,
            info: info.map(Box::new),
            data,
        }))
    }

    /// Returns whether there is an object at this place. False for a common prefix of a listing.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.0.size.is_some()
    }

    /// Returns whether the bytes are at hand.
    #[must_use]
    pub fn downloaded(&self) -> bool {
        self.0.data.is_some()
    }

    /// Returns the full URL. That of a common prefix ends in a slash.
    #[must_use]
    pub fn url(&self) -> &str {
        match &self.0.place {
            Place::Object(url) => url.as_str(),
            Place::Prefix(prefix) => prefix.as_str(),
        }
    }

    /// Returns what [`key`](Self::key) is relative to: the client's root, or the prefix that was listed. `None` when the
    /// key is the whole URL.
    #[must_use]
    pub fn prefix(&self) -> Option<&str> {
        self.display().prefix
    }

    /// Returns the key: what follows the prefix, without slashes at its end, or the whole URL without a prefix.
    #[must_use]
    pub fn key(&self) -> &str {
        self.display().key
    }

    /// Returns how many bytes of the content are in memory.
    pub(crate) fn in_memory(&self) -> u64 {
        self.0.data.as_ref().map_or(0, |(data, _)| data.in_memory())
    }

    fn info(&self) -> Option<&Info> {
        self.0.info.as_deref()
    }

    fn data(&self) -> Option<&LocalData> {
        self.0.data.as_ref().map(|(data, _)| &**data)
    }

    fn display(&self) -> DisplayKey<'_> {
        display_key(
            self.0.relative_to.as_ref().map(S3Prefix::as_str),
            self.url(),
        )
    }

    /// Returns a local file with the bytes; `None` if they were not downloaded.
    ///
    /// Bytes in memory are written to the client's temporary directory, once, which blocks the thread for as long as
    /// the disk takes; asynchronous code that wants files says `to_file` when it downloads. The file belongs to the
    /// client: it is gone after [`close`](crate::S3::close), or when the last handle and object are.
    ///
    /// # Errors
    ///
    /// A failing disk, or a closed client.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// s3.put("s3://b/k", "hello").await?;
    /// let object = s3.get("s3://b/k").await?;
    /// let path = object.path()?.expect("it was downloaded");
    /// assert_eq!(std::fs::read(&path).unwrap(), b"hello");
    /// s3.close()?;
    /// assert!(!path.exists());
    /// # Ok(()) }
    /// ```
    pub fn path(&self) -> Result<Option<PathBuf>> {
        self.data().map(LocalData::path).transpose()
    }

    /// Returns the bytes; `None` if they were not downloaded. Bytes in memory are shared, those in a file are read
    /// anew at each call, which blocks the thread.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or a closed client if the bytes are in a file of its directory.
    pub fn blob(&self) -> Result<Option<Bytes>> {
        self.data().map(LocalData::bytes).transpose()
    }

    /// Returns the bytes as UTF-8, with replacement characters for what is none; `None` if they were not downloaded.
    ///
    /// # Errors
    ///
    /// As [`blob`](Self::blob).
    pub fn text(&self) -> Result<Option<String>> {
        Ok(self
            .blob()?
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Returns whether the bytes were compared with the checksum that the server stores with the object, and if not,
    /// why; `None` if they were not downloaded. Their number has been compared in any case.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// use s3_client::{S3, NotVerified, Verified};
    ///
    /// let s3 = S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// s3.put("s3://b/k", "hello").await?;
    /// let object = s3.get("s3://b/k").await?;
    /// assert_eq!(object.verified(), Some(Verified::NotVerified(NotVerified::NotOffered)));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn verified(&self) -> Option<Verified> {
        self.0.data.as_ref().map(|(_, verified)| *verified)
    }

    /// Returns the size in bytes: of what was read if it was downloaded, else of the object; `None` if there is none.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.0.size
    }

    /// Returns whether any of content type, metadata, range and encryption is known.
    #[must_use]
    pub fn has_info(&self) -> bool {
        self.content_type().is_some()
            || self.metadata().is_some()
            || self.range_info().is_some()
            || self.encryption().is_some()
    }

    /// Returns the user metadata that Metaflow or this client stored: any JSON value, usually an object.
    ///
    /// Metadata of other programs is ignored, and an item that is not JSON counts as absent.
    #[must_use]
    pub fn metadata(&self) -> Option<&Value> {
        self.info()?.metadata.as_ref()
    }

    /// Returns the MIME type. AWS says `binary/octet-stream` for an object that was stored without one.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.info()?.content_type.as_deref()
    }

    /// Returns the server-side encryption: `AES256`, `aws:kms`, ….
    #[must_use]
    pub fn encryption(&self) -> Option<&str> {
        self.info()?.encryption.as_deref()
    }

    /// Returns which bytes of the object were read; that of a whole download is `(size, 0, size)`.
    #[must_use]
    pub fn range_info(&self) -> Option<RangeInfo> {
        self.info()?.range
    }

    /// Returns when the object was written, to the second.
    #[must_use]
    pub fn last_modified(&self) -> Option<SystemTime> {
        self.info()?.last_modified
    }
}

impl Info {
    fn of(meta: &ObjectMeta) -> Self {
        let attributes = &meta.attributes;
        Self {
            content_type: attributes.content_type.clone(),
            metadata: metadata::decode(&attributes.user, meta.url.as_str()),
            encryption: attributes
                .encryption
                .as_ref()
                .map(|encryption| encryption.as_str().into()),
            range: None,
            last_modified: meta.last_modified,
        }
    }
}

/// Metaflow's notation: `<S3Object s3://b/k (5 bytes, local)>`.
impl fmt::Display for S3Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url();
        match self.size() {
            Some(size) if self.downloaded() => write!(f, "<S3Object {url} ({size} bytes, local)>"),
            Some(size) => write!(f, "<S3Object {url} ({size} bytes, in S3)>"),
            None => write!(f, "<S3Object {url} (object does not exist)>"),
        }
    }
}

/// As [`Display`](fmt::Display).
impl fmt::Debug for S3Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> S3Url {
        S3Url::parse(text).unwrap()
    }

    fn prefix(text: &str) -> S3Prefix {
        S3Prefix::parse(text).unwrap()
    }

    #[test]
    fn objects_print_as_in_metaflow() {
        let missing = S3Object::missing(url("s3://b/k"), None);
        assert_eq!(
            missing.to_string(),
            "<S3Object s3://b/k (object does not exist)>"
        );
        let empty = S3Object::listed(ListedObject::new(url("s3://b/k"), 0), prefix("s3://b"));
        assert_eq!(format!("{empty:?}"), "<S3Object s3://b/k (0 bytes, in S3)>");
    }

    #[test]
    fn a_common_prefix_does_not_exist_and_has_a_key_without_slash() {
        let object = S3Object::common_prefix(prefix("s3://b/r/a/"), prefix("s3://b/r/"));
        assert_eq!(
            (object.url(), object.key(), object.prefix()),
            ("s3://b/r/a/", "a", Some("s3://b/r/"))
        );
        assert_eq!(
            (object.exists(), object.size(), object.has_info()),
            (false, None, false)
        );
        assert_eq!(object.path().unwrap(), None);
        assert_eq!(object.text().unwrap(), None);
    }

    #[test]
    fn an_object_that_is_the_prefix_has_its_url_for_a_key() {
        let marker = S3Object::listed(ListedObject::new(url("s3://b/d/"), 0), prefix("s3://b/d/"));
        assert_eq!((marker.key(), marker.prefix()), ("s3://b/d/", None));
    }

    #[test]
    fn objects_can_cross_threads() {
        fn sendable<T: Send + Sync + 'static>() {}
        sendable::<S3Object>();
    }
}
