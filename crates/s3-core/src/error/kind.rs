//! [`ErrorKind`], [`Retryability`] and [`Operation`]: the kind of a failure, whether to retry, and the failed call.

use std::time::Duration;
use std::{fmt, io};

/// The kind of a failure. `docs/ERRORS.md` lists the causes of each kind and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The object does not exist.
    NotFound,
    /// The bucket does not exist.
    NoSuchBucket,
    /// The multipart upload does not exist: never started, completed or aborted.
    NoSuchUpload,
    /// The credentials are invalid or do not allow the operation.
    AccessDenied,
    /// The object is in an archive, such as the storage class `GLACIER`, and has not been restored.
    Archived,
    /// The requested range is empty or holds no byte of the object.
    InvalidRange,
    /// A condition of the request does not hold (`If-Match`, `If-None-Match` on a write).
    PreconditionFailed,
    /// The object has not changed (`If-None-Match`, `If-Modified-Since` on a read).
    NotModified,
    /// The object or bucket exists already.
    AlreadyExists,
    /// Another request conflicted with this one, which wrote nothing.
    Conflict,
    /// The object was replaced while its parts were being read.
    ChangedDuringRead,
    /// The server requests a lower rate.
    Throttled,
    /// The attempt stalled, or the caller's deadline passed.
    Timeout,
    /// The connection could not be opened, or it was interrupted.
    Network,
    /// The server failed (5xx).
    Server,
    /// The bytes do not match their length, range or checksum.
    Integrity,
    /// The response does not conform to the S3 API, and a retry is unlikely to return another one: at most two attempts
    /// are made.
    Protocol,
    /// A local file could not be read or written.
    LocalIo,
    /// The local disk is full.
    DiskFull,
    /// The configuration of the client does not allow it to send a request.
    Config,
    /// The request is invalid; rejected by the client before sending, or by the server.
    InvalidInput,
    /// The backend does not support the operation.
    Unsupported,
    /// The caller cancelled.
    Cancelled,
    /// Any other failure; see the code and the text.
    Other,
}

impl ErrorKind {
    /// Returns the kind of an error of the local file system: `DiskFull` if the disk, the quota or the largest file
    /// size is exhausted, otherwise `LocalIo`.
    #[must_use]
    pub const fn of_local(kind: io::ErrorKind) -> Self {
        match kind {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::DiskFull,
            _ => Self::LocalIo,
        }
    }

    /// Returns the usual retryability of an error of this kind.
    #[must_use]
    pub const fn usual_retryability(self) -> Retryability {
        match self {
            Self::Throttled => Retryability::Throttled { after: None },
            Self::Timeout | Self::Network | Self::Server | Self::Conflict | Self::Protocol => {
                Retryability::Transient
            }
            _ => Retryability::No,
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
            Self::Archived => "object is archived",
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
            Self::Protocol => "unexpected response",
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
    /// Yes, with fewer requests, and after the delay that the server sets.
    Throttled {
        /// The server's `Retry-After`.
        after: Option<Duration>,
    },
    /// No: it was retryable, but the attempts are used up.
    Spent,
}

/// Error numbers of ENFILE and EMFILE, which are the same on all Unix systems.
const OUT_OF_DESCRIPTORS: [i32; 2] = [23, 24];

impl Retryability {
    /// Returns the retryability of an operating system error: [`Throttled`](Self::Throttled) if the process or the
    /// machine has too many open files or sockets, as fewer concurrent requests help; otherwise [`No`](Self::No).
    #[must_use]
    pub fn of_os_error(error: &io::Error) -> Self {
        let mut cause = Some(error);
        while let Some(error) = cause {
            match error.raw_os_error() {
                Some(number) if OUT_OF_DESCRIPTORS.contains(&number) => {
                    return Self::Throttled { after: None };
                }
                Some(_) => break,
                // An operating system error that was wrapped to add a path.
                None => {
                    cause = error
                        .get_ref()
                        .and_then(|added| added.source()?.downcast_ref())
                }
            }
        }
        Self::No
    }

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
    ListVersions,
    GetTags,
    SetTags,
    ObjectAttributes,
    Restore,
    ListBuckets,
    CreateBucket,
    DeleteBucket,
    Versioning,
    SetVersioning,
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
            Self::ListVersions => "list versions",
            Self::GetTags => "get tags",
            Self::SetTags => "set tags",
            Self::ObjectAttributes => "get attributes",
            Self::Restore => "restore",
            Self::ListBuckets => "list buckets",
            Self::CreateBucket => "create bucket",
            Self::DeleteBucket => "delete bucket",
            Self::Versioning => "get versioning",
            Self::SetVersioning => "set versioning",
            Self::Presign => "presign",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
