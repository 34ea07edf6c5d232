//! Input and result types of a download: `GetItem`, `KnownObject`, `Destination`, `Fetched` and `ObjectData`.

use std::ops::Range;
use std::path::PathBuf;

use bytes::Bytes;
use s3_core::{ByteRange, Conditions, ETag, ObjectMeta, S3Url, VersionId};

use super::{LazyPath, MemoryShare, Verified};

/// An object, or a range of it, to read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct GetItem {
    /// The object.
    pub url: S3Url,
    /// The range; the whole object if `None`.
    pub range: Option<ByteRange>,
    /// Size and ETag, if known from a listing or a HEAD.
    pub known: Option<KnownObject>,
    /// Conditions of the read. They are checked with the first response; later parts are pinned to its ETag.
    pub conditions: Conditions,
    /// The version; the newest if `None`.
    pub version: Option<VersionId>,
}

/// Metadata of an object that is known before it is read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct KnownObject {
    /// Its size in bytes.
    pub size: u64,
    /// Its ETag; the read is pinned to it.
    pub etag: Option<ETag>,
}

impl KnownObject {
    /// Creates the known size and ETag of an object.
    #[must_use]
    pub fn new(size: u64, etag: Option<ETag>) -> Self {
        Self { size, etag }
    }
}

impl GetItem {
    /// Creates a read of a whole object whose size and ETag are not known.
    #[must_use]
    pub fn new(url: S3Url) -> Self {
        Self {
            url,
            range: None,
            known: None,
            conditions: Conditions::default(),
            version: None,
        }
    }

    /// Reads a range.
    #[must_use]
    pub fn with_range(mut self, range: impl Into<ByteRange>) -> Self {
        self.range = Some(range.into());
        self
    }

    /// Sets the conditions of the read.
    #[must_use]
    pub fn with_conditions(mut self, conditions: Conditions) -> Self {
        self.conditions = conditions;
        self
    }

    /// Reads this version.
    #[must_use]
    pub fn with_version(mut self, version: VersionId) -> Self {
        self.version = Some(version);
        self
    }

    /// Returns how many bytes are to be read, if that is known.
    pub(crate) fn known_len(&self) -> Option<u64> {
        let known = self.known.as_ref().filter(|_| self.range.is_none());
        known.map(|known| known.size)
    }

    /// Sets the known size and ETag of the object.
    #[must_use]
    pub fn with_known(mut self, size: u64, etag: Option<ETag>) -> Self {
        self.known = Some(KnownObject::new(size, etag));
        self
    }
}

/// Destination of a download.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Destination {
    /// Into one buffer.
    Memory,
    /// Into a file, which appears under its name when it is complete. Its directory must exist.
    File(PathBuf),
    /// As [`File`](Self::File), but an existing file stays: the download then fails with
    /// [`LocalIo`](s3_core::ErrorKind::LocalIo), and the source of the error is an [`AlreadyExists`](std::io::ErrorKind).
    NewFile(PathBuf),
    /// Into memory if its share allows it, else into a private file (mode 0600).
    Auto {
        /// Share of the memory budget. The caller keeps a clone as long as it keeps the bytes: then they are counted.
        memory: MemoryShare,
        /// The file for a result that does not fit.
        path: LazyPath,
    },
}

/// A finished download.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Fetched {
    /// The object; `size` is that of the whole object.
    pub meta: ObjectMeta,
    /// The range that was read, clipped at the end of the object.
    pub range: Range<u64>,
    /// The bytes, or the file that contains them.
    pub data: ObjectData,
    /// Whether the bytes were compared with the server's checksum.
    pub verified: Verified,
}

/// The bytes of a download, or the file that contains them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ObjectData {
    /// In memory. Clone is a reference count.
    Memory(Bytes),
    /// In this file, which belongs to the caller.
    File(PathBuf),
}
