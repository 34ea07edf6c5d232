//! What went wrong, during what, and whether another attempt can help.

use std::time::Duration;
use std::{fmt, io};

/// What went wrong. `docs/ERRORS.md` says for each kind what causes it and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// There is no object with this key.
    NotFound,
    /// There is no such bucket.
    NoSuchBucket,
    /// There is no such multipart upload: never begun, completed or aborted.
    NoSuchUpload,
    /// The credentials are refused, or they do not allow the operation.
    AccessDenied,
    /// No byte of the object lies in the range that was asked for, or the range is empty.
    InvalidRange,
    /// A condition of the request does not hold (`If-Match`, `If-None-Match` on a write).
    PreconditionFailed,
    /// The object has not changed since (`If-None-Match`, `If-Modified-Since` on a read).
    NotModified,
    /// The object or bucket is there already.
    AlreadyExists,
    /// Another request got in the way; nothing was written by this one.
    Conflict,
    /// The object was replaced while it was being read in parts.
    ChangedDuringRead,
    /// The server asks for fewer requests.
    Throttled,
    /// Nothing moved for too long, or the caller's deadline has passed.
    Timeout,
    /// No connection, or the connection broke.
    Network,
    /// The server failed (5xx).
    Server,
    /// Bytes do not match their length, range or checksum.
    Integrity,
    /// A local file could not be read or written.
    LocalIo,
    /// The local disk is full.
    DiskFull,
    /// The client is not set up well enough to send anything.
    Config,
    /// The request makes no sense and was refused, by us before sending or by the server.
    InvalidInput,
    /// The backend cannot do this.
    Unsupported,
    /// The caller cancelled.
    Cancelled,
    /// Anything else; the code and the text say more.
    Other,
}

impl ErrorKind {
    /// Returns what a failure of the local file system is: `DiskFull` without room on the disk, in the quota or below the
    /// largest size of a file, else `LocalIo`.
    #[must_use]
    pub const fn of_local(kind: io::ErrorKind) -> Self {
        match kind {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::DiskFull,
            _ => Self::LocalIo,
        }
    }

    /// Returns the kind in a few words.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::NotFound => "object not found",
            Self::NoSuchBucket => "no such bucket",
            Self::NoSuchUpload => "no such multipart upload",
            Self::AccessDenied => "access denied",
            Self::InvalidRange => "range cannot be satisfied",
            Self::PreconditionFailed => "precondition failed",
            Self::NotModified => "not modified",
            Self::AlreadyExists => "already exists",
            Self::Conflict => "conflict with another request",
            Self::ChangedDuringRead => "object changed while it was being read",
            Self::Throttled => "throttled",
            Self::Timeout => "timed out",
            Self::Network => "network failure",
            Self::Server => "server failure",
            Self::Integrity => "data does not match its length or checksum",
            Self::LocalIo => "local file failure",
            Self::DiskFull => "disk full",
            Self::Config => "client not configured",
            Self::InvalidInput => "invalid request",
            Self::Unsupported => "not supported",
            Self::Cancelled => "cancelled",
            Self::Other => "failed",
        }
    }
}

/// Whether another attempt can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retryability {
    /// No: the same request will fail again.
    No,
    /// Yes, after a short wait.
    Transient,
    /// Yes, and with fewer requests; after so long, if the server says how long.
    Throttled {
        /// What the server's `Retry-After` says.
        after: Option<Duration>,
    },
    /// It was worth trying again, and it was tried often enough.
    Spent,
}

impl Retryability {
    /// Returns whether another attempt may be made.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::Transient | Self::Throttled { .. })
    }
}

/// The operations of a [`Store`](crate::Store), as they appear in errors, logs and counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[expect(
    missing_docs,
    reason = "each is the method of `Store` of the same name"
)]
pub enum Operation {
    Get,
    Head,
    Put,
    Copy,
    Delete,
    List,
    CreateUpload,
    UploadPart,
    UploadPartCopy,
    CompleteUpload,
    AbortUpload,
    ListUploads,
    ListParts,
    ListBuckets,
    CreateBucket,
    DeleteBucket,
    Presign,
}

impl Operation {
    /// Returns the name in lower case, as errors show it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Head => "head",
            Self::Put => "put",
            Self::Copy => "copy",
            Self::Delete => "delete",
            Self::List => "list",
            Self::CreateUpload => "create upload",
            Self::UploadPart => "upload part",
            Self::UploadPartCopy => "copy part",
            Self::CompleteUpload => "complete upload",
            Self::AbortUpload => "abort upload",
            Self::ListUploads => "list uploads",
            Self::ListParts => "list parts",
            Self::ListBuckets => "list buckets",
            Self::CreateBucket => "create bucket",
            Self::DeleteBucket => "delete bucket",
            Self::Presign => "presign",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
