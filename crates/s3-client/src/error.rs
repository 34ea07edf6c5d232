//! [`Error`]: the error of every call, and [`ErrorClass`], the exception of Metaflow that it corresponds to.

use std::error::Error as StdError;
use std::path::{Path, PathBuf};
use std::{fmt, io};

use s3_core::url::{ParseError, ResolveError};
use s3_core::{ErrorKind, Operation};

use crate::{BatchError, NotDeletedReason};

/// The result of every call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The error of every call. [`class`](Self::class) is one of Metaflow's exceptions; the text says what to do.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A key or URL that cannot be resolved. Nothing was sent.
    #[error(transparent)]
    Url(#[from] ResolveError),
    /// A bucket was given instead of a path in it. Nothing was sent.
    #[error("\"{input}\" is a bucket without a path: write \"{input}/\" to mean all of it")]
    #[non_exhaustive]
    BucketWithoutPath {
        /// The key as given.
        input: String,
    },
    /// The result of an earlier call is not below the root of the client. Nothing was sent.
    #[error(
        "{url} is not below {root}, the root of this client\nhint: pass its key() to read the object with that key below the root, or use a client without a root"
    )]
    #[non_exhaustive]
    OutsideRoot {
        /// The URL of the object.
        url: String,
        /// The root.
        root: String,
    },
    /// A client of a run needs `DATATOOLS_S3ROOT`.
    #[error(
        "a client of a run needs DATATOOLS_S3ROOT\nhint: set METAFLOW_DATATOOLS_S3ROOT to s3://bucket/path, and call .config(Config::from_env()?) on the builder"
    )]
    NoDatatoolsRoot,
    /// An object to upload without value or path. Nothing was sent.
    #[error(
        "put \"{key}\": the object has no {missing}\nhint: put_many uploads `value`, put_files uploads the file at `path`"
    )]
    #[non_exhaustive]
    NoValue {
        /// The key as given, without the query of a presigned URL.
        key: String,
        /// The missing field: "value" or "path".
        missing: &'static str,
    },
    /// A request failed, or was rejected before it was sent.
    #[error(transparent)]
    Request(#[from] s3_core::Error),
    /// A local file to upload does not exist. Nothing was sent.
    #[error(
        "local file not found: {}\nhint: check the path; relative paths start at the working directory",
        path.display()
    )]
    #[non_exhaustive]
    LocalFileNotFound {
        /// The path as given.
        path: PathBuf,
    },
    /// The local file system failed.
    #[error("{action}: {error}")]
    #[non_exhaustive]
    Local {
        /// The action and its target.
        action: String,
        /// The error of the operating system.
        error: io::Error,
    },
    /// The client was closed, and the call needs its temporary directory.
    #[error(
        "{action}: the client is closed and its temporary directory is gone\nhint: read the data before close()"
    )]
    #[non_exhaustive]
    Closed {
        /// The action and its target.
        action: String,
    },
    /// The configuration is invalid, or the client cannot be built.
    #[error("{message}")]
    #[non_exhaustive]
    Config {
        /// The problem, and what to do.
        message: String,
    },
    /// A blocking call was made from asynchronous code, where it would block other tasks.
    #[error(
        "blocking call inside an async runtime\nhint: use the asynchronous s3_client::S3, or call from a thread of your own"
    )]
    InsideRuntime,
    /// The client was built before a fork and is used in the child, where its threads do not exist. Nothing was sent.
    #[error("this client was built before a fork\nhint: build another client in the child process")]
    Forked,
    /// `close` waited for the aborts of cancelled or failed uploads, and some did not end in time or have failed.
    #[error(
        "{uploads} cancelled uploads could not be aborted\nhint: their parts are billed until cleanup() or the bucket's lifecycle rules remove them"
    )]
    UploadsRemain {
        /// Number of aborts and of responses to CreateMultipartUpload in flight, plus aborts that have failed since the
        /// client was built or last closed.
        uploads: usize,
    },
    /// A sync did not delete the entries that only the target has.
    #[error("{count} deletions were not made: {reason}")]
    #[non_exhaustive]
    NotDeleted {
        /// Number of entries that only the target has.
        count: u64,
        /// Why they are kept.
        reason: NotDeletedReason,
    },
    /// One or more inputs of a call over many failed.
    #[error(transparent)]
    Batch(Box<BatchError>),
}

/// The class of an error: one of Metaflow's exceptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorClass {
    /// `MetaflowS3URLException`: an invalid key or URL.
    Url,
    /// `MetaflowS3InvalidObject`: a value cannot be uploaded.
    InvalidObject,
    /// `MetaflowS3NotFound`: no such object, bucket or local file.
    NotFound,
    /// `MetaflowS3AccessDenied`: the credentials are invalid or lack the permission.
    AccessDenied,
    /// `MetaflowS3InvalidRange`: the range is invalid or beyond the end of the object.
    InvalidRange,
    /// `MetaflowS3InsufficientDiskSpace`: the local disk is full.
    InsufficientDiskSpace,
    /// `MetaflowS3Exception`: everything else.
    Other,
}

impl ErrorClass {
    /// Returns the name of Metaflow's exception.
    #[must_use]
    pub const fn exception(self) -> &'static str {
        match self {
            Self::Url => "MetaflowS3URLException",
            Self::InvalidObject => "MetaflowS3InvalidObject",
            Self::NotFound => "MetaflowS3NotFound",
            Self::AccessDenied => "MetaflowS3AccessDenied",
            Self::InvalidRange => "MetaflowS3InvalidRange",
            Self::InsufficientDiskSpace => "MetaflowS3InsufficientDiskSpace",
            Self::Other => "MetaflowS3Exception",
        }
    }
}

impl Error {
    /// Returns which of Metaflow's exceptions this is. A batch has the class of its first failure.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// use s3_client::{ErrorClass, S3};
    ///
    /// let s3 = S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// let missing = s3.get("s3://b/nothing").await.unwrap_err();
    /// assert_eq!(missing.class(), ErrorClass::NotFound);
    /// let relative = s3.get("nothing").await.unwrap_err();
    /// assert_eq!(relative.class(), ErrorClass::Url);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Url(_)
            | Self::BucketWithoutPath { .. }
            | Self::OutsideRoot { .. }
            | Self::NoDatatoolsRoot => ErrorClass::Url,
            Self::NoValue { .. } => ErrorClass::InvalidObject,
            Self::LocalFileNotFound { .. } => ErrorClass::NotFound,
            Self::Request(error) => class_of(error.kind()),
            Self::Batch(batch) => batch.error().class(),
            Self::Local { error, .. } => class_of(ErrorKind::of_local(error.kind())),
            _ => ErrorClass::Other,
        }
    }

    /// Returns the error of the request, if a request failed: its kind, HTTP status, attempts.
    #[must_use]
    pub fn as_request(&self) -> Option<&s3_core::Error> {
        match self {
            Self::Request(error) => Some(error),
            Self::Batch(batch) => batch.error().as_request(),
            _ => None,
        }
    }

    /// Returns the outcomes of all inputs, if this is the error of a call over many.
    #[must_use]
    pub fn as_batch(&self) -> Option<&BatchError> {
        match self {
            Self::Batch(batch) => Some(batch),
            _ => None,
        }
    }

    /// Returns whether the deadline passed before anything was sent.
    pub(crate) fn was_never_sent(&self) -> bool {
        let unsent =
            |error: &s3_core::Error| error.kind() == ErrorKind::Timeout && error.attempts() == 0;
        self.as_request().is_some_and(unsent)
    }

    /// Returns whether the client's configuration cannot work, so that no request can be sent.
    pub(crate) fn is_unusable_configuration(&self) -> bool {
        let unusable = |error: &s3_core::Error| {
            error.kind() == ErrorKind::Config && error.http_status().is_none()
        };
        self.as_request().is_some_and(unusable)
    }

    /// Returns whether there is no such object or bucket, which is a result with `return_missing`.
    pub(crate) fn is_missing(&self) -> bool {
        let kind = self.as_request().map(s3_core::Error::kind);
        matches!(kind, Some(ErrorKind::NotFound | ErrorKind::NoSuchBucket))
    }

    pub(crate) fn invalid_range(url: &str, problem: &str, hint: &str) -> Self {
        s3_core::Error::new(ErrorKind::InvalidRange, Operation::Get)
            .with_resource(url)
            .with_message(problem)
            .with_hint(hint)
            .into()
    }

    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self::Config {
            message: message.into(),
        }
    }

    pub(crate) fn local(action: &str, error: io::Error) -> Self {
        Self::Local {
            action: action.to_owned(),
            error,
        }
    }

    /// Returns the error of reading a local file.
    pub(crate) fn local_file(path: &Path, error: io::Error) -> Self {
        // The file does not exist either if a component of its path is a file.
        if matches!(
            error.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
        ) {
            return Self::LocalFileNotFound {
                path: path.to_owned(),
            };
        }
        Self::Local {
            action: format!("read local file {}", path.display()),
            error,
        }
    }

    pub(crate) fn tmproot(tmproot: &Path, error: io::Error) -> Self {
        Self::Local {
            action: format!(
                "create a temporary directory in {} (tmproot, or METAFLOW_TEMPDIR)",
                tmproot.display()
            ),
            error,
        }
    }
}

/// Prints the text with its attempts, and the causes. `main` prints it for an error that it returns.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:#}")?;
        let mut source = StdError::source(self);
        while let Some(cause) = source {
            write!(f, "\ncaused by: {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

impl From<ParseError> for Error {
    fn from(error: ParseError) -> Self {
        Self::Url(error.into())
    }
}

const fn class_of(kind: ErrorKind) -> ErrorClass {
    match kind {
        ErrorKind::NotFound | ErrorKind::NoSuchBucket => ErrorClass::NotFound,
        ErrorKind::AccessDenied | ErrorKind::Archived => ErrorClass::AccessDenied,
        ErrorKind::InvalidRange => ErrorClass::InvalidRange,
        ErrorKind::DiskFull => ErrorClass::InsufficientDiskSpace,
        _ => ErrorClass::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_metaflows_classes() {
        for (kind, class) in [
            (ErrorKind::NotFound, ErrorClass::NotFound),
            (ErrorKind::NoSuchBucket, ErrorClass::NotFound),
            (ErrorKind::AccessDenied, ErrorClass::AccessDenied),
            (ErrorKind::InvalidRange, ErrorClass::InvalidRange),
            (ErrorKind::DiskFull, ErrorClass::InsufficientDiskSpace),
            (ErrorKind::Throttled, ErrorClass::Other),
            (ErrorKind::Timeout, ErrorClass::Other),
        ] {
            let error = Error::from(s3_core::Error::new(kind, Operation::Get));
            assert_eq!(error.class(), class, "{kind:?}");
        }
    }

    #[test]
    fn a_full_disk_has_a_class_of_its_own() {
        let full = Error::local("write x", io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(full.class(), ErrorClass::InsufficientDiskSpace);
        let denied = Error::local("write x", io::Error::from(io::ErrorKind::PermissionDenied));
        assert_eq!(denied.class(), ErrorClass::Other);
    }

    #[test]
    fn the_debug_form_is_the_text_and_its_causes() {
        let error = s3_core::Error::new(ErrorKind::Network, Operation::Get)
            .with_resource("s3://b/k")
            .with_source(io::Error::other("connection reset"));
        assert_eq!(
            format!("{:?}", Error::from(error)),
            "get s3://b/k: network failure\ncaused by: connection reset"
        );
        let local = Error::local("write x", io::Error::other("no room"));
        assert_eq!(format!("{local:?}"), "write x: no room");
    }

    #[test]
    fn an_error_is_small_and_can_cross_threads() {
        fn sendable<T: Send + Sync + 'static>() {}
        sendable::<Error>();
        assert!(size_of::<Error>() <= 64, "{}", size_of::<Error>());
    }

    #[test]
    fn each_class_names_its_exception() {
        let names = [
            (ErrorClass::Url, "MetaflowS3URLException"),
            (ErrorClass::InvalidObject, "MetaflowS3InvalidObject"),
            (ErrorClass::NotFound, "MetaflowS3NotFound"),
            (ErrorClass::AccessDenied, "MetaflowS3AccessDenied"),
            (ErrorClass::InvalidRange, "MetaflowS3InvalidRange"),
            (
                ErrorClass::InsufficientDiskSpace,
                "MetaflowS3InsufficientDiskSpace",
            ),
            (ErrorClass::Other, "MetaflowS3Exception"),
        ];
        for (class, name) in names {
            assert_eq!(class.exception(), name);
        }
    }

    #[test]
    fn every_lack_of_space_is_a_full_disk() {
        use io::ErrorKind::{FileTooLarge, PermissionDenied, QuotaExceeded, StorageFull};
        for (kind, full) in [
            (StorageFull, true),
            (QuotaExceeded, true),
            (FileTooLarge, true),
            (PermissionDenied, false),
        ] {
            let class = Error::local("write", kind.into()).class();
            assert_eq!(class == ErrorClass::InsufficientDiskSpace, full, "{kind}");
        }
    }
}
