//! [`S3Object`]: a downloaded object or range: bytes in memory or in a file, ETag, version and attributes.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use s3_core::{Checksum, ETag, ObjectMeta, S3Prefix, VersionId};

use crate::attributes::{HeadAttributes, described};
use crate::error::Result;
use crate::local_data::LocalData;
use crate::location::{Location, debug_as_display, located};
use crate::{RangeInfo, Verified};

/// A downloaded object, or a range of one. Clone is a reference count.
///
/// The bytes are in memory or in a file of the client's temporary directory. [`bytes`](Self::bytes) costs nothing for
/// bytes in memory, [`path`](Self::path) costs nothing for a file, and each works for both. The directory lives as long
/// as a handle of the client or one of its objects, unless [`close`](crate::S3::close) removes it before.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> s3_client::Result<()> {
/// let s3 = s3_client::S3::in_memory()?;
/// s3.create_bucket("b").await?;
/// s3.put("s3://b/greeting", "hello").await?;
///
/// let object = s3.get("s3://b/greeting").await?;
/// assert_eq!(object.text()?, "hello");
/// assert_eq!(object.size(), 5);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct S3Object {
    location: Location,
    download: Arc<Download>,
}

struct Download {
    range: Range<u64>,
    etag: Option<ETag>,
    version: Option<VersionId>,
    info: Option<ReturnedInfo>,
    data: LocalData,
    verified: Verified,
}

/// The fields that `return_info(false)` leaves out.
struct ReturnedInfo {
    attributes: HeadAttributes,
    last_modified: Option<SystemTime>,
    total_size: u64,
}

impl S3Object {
    pub(crate) fn new(
        meta: &ObjectMeta,
        relative_to: Option<S3Prefix>,
        range: Range<u64>,
        (data, verified): (LocalData, Verified),
        return_info: bool,
    ) -> Self {
        let info = return_info.then(|| ReturnedInfo {
            attributes: HeadAttributes::of(meta),
            last_modified: meta.last_modified,
            total_size: meta.size,
        });
        Self {
            location: Location::object(meta.url.clone(), relative_to),
            download: Arc::new(Download {
                range,
                etag: meta.etag.clone(),
                version: meta.version.clone(),
                info,
                data,
                verified,
            }),
        }
    }

    pub(crate) fn relative_to(self, relative_to: Option<S3Prefix>) -> Self {
        Self {
            location: self.location.relative_to(relative_to),
            ..self
        }
    }

    pub(crate) fn location(&self) -> &Location {
        &self.location
    }

    /// Returns the number of bytes in memory; 0 if they are in a file.
    #[must_use]
    pub fn bytes_in_memory(&self) -> u64 {
        self.download.data.bytes_in_memory()
    }

    fn info(&self) -> Option<&ReturnedInfo> {
        self.download.info.as_ref()
    }

    fn attributes(&self) -> Option<&HeadAttributes> {
        self.info().map(|info| &info.attributes)
    }

    /// Returns the bytes. Bytes in memory are shared; a file is read at each call, which blocks the thread.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or a closed client if the bytes are in a file of its directory.
    pub fn bytes(&self) -> Result<Bytes> {
        self.download.data.bytes()
    }

    /// Returns the bytes as text. Invalid UTF-8 is replaced by U+FFFD.
    ///
    /// # Errors
    ///
    /// As [`bytes`](Self::bytes).
    pub fn text(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.bytes()?).into_owned())
    }

    /// Returns the path of a local file with the bytes.
    ///
    /// The first call for bytes in memory writes them to the client's temporary directory, which blocks the thread; use
    /// [`to_file`](crate::Request::to_file) to download to a file directly. The file belongs to the client: it is
    /// removed by [`close`](crate::S3::close), or with the last handle and object.
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
    /// let path = s3.get("s3://b/k").await?.path()?;
    /// assert_eq!(std::fs::read(&path).unwrap(), b"hello");
    /// s3.close().await?;
    /// assert!(!path.exists());
    /// # Ok(()) }
    /// ```
    pub fn path(&self) -> Result<PathBuf> {
        self.download.data.path()
    }

    /// Returns the number of bytes that were read. [`range_info`](Self::range_info) has the size of the whole object.
    #[must_use]
    pub fn size(&self) -> u64 {
        let Range { start, end } = self.download.range;
        end.saturating_sub(start)
    }

    /// Returns the entity tag. A few servers send none.
    #[must_use]
    pub fn etag(&self) -> Option<&ETag> {
        self.download.etag.as_ref()
    }

    /// Returns the version ID, in a bucket with versioning.
    #[must_use]
    pub fn version(&self) -> Option<&VersionId> {
        self.download.version.as_ref()
    }

    /// Returns whether the bytes were compared with the checksum that the server stores with the object, and if not,
    /// why. Their length is always checked.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// use s3_client::{NotVerified, S3, Verified};
    ///
    /// let s3 = S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// s3.put("s3://b/k", "hello").await?;
    /// let object = s3.get("s3://b/k").await?;
    /// assert_eq!(object.verified(), Verified::NotVerified(NotVerified::NotOffered));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn verified(&self) -> Verified {
        self.download.verified
    }

    /// Returns the checksum that the server stores with the object, if the response has it.
    #[must_use]
    pub fn checksum(&self) -> Option<&Checksum> {
        self.attributes()?.checksum.as_ref()
    }

    /// Returns when the object was written, to the second. `None` with `return_info(false)`.
    #[must_use]
    pub fn last_modified(&self) -> Option<SystemTime> {
        self.info()?.last_modified
    }

    /// Returns which bytes of the object were read; a whole object is `(size, 0, size)`. `None` with
    /// `return_info(false)`.
    #[must_use]
    pub fn range_info(&self) -> Option<RangeInfo> {
        Some(RangeInfo {
            total_size: self.info()?.total_size,
            request_offset: self.download.range.start,
            request_length: self.size(),
        })
    }
}

described!(S3Object, "`None` with `return_info(false)`.");
located!(S3Object);
debug_as_display!(S3Object);

/// Metaflow's notation: `<S3Object s3://b/k (5 bytes, local)>`.
impl fmt::Display for S3Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.size();
        write!(f, "<S3Object {} ({size} bytes, local)>", self.url())
    }
}
