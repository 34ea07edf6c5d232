//! [`Error`]: the error type of all backends: kind, retryability, operation, resource and message.

mod attempt_log;
mod classify;
mod display;
mod kind;
mod phase;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

pub use attempt_log::{Attempt, AttemptLog};
pub use classify::classify;
pub use kind::{ErrorKind, Operation, Retryability};
pub use phase::Phase;

/// Hint for an archived object.
pub(crate) const ARCHIVED: &str = "restore the object first (RestoreObject, the client's `restore`), and read it when \
    its metadata says that it is restored";

/// The result of an operation of a store.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failed operation, with its resource, its cause and whether to retry. One pointer wide.
///
/// [`kind`](Self::kind) and the other accessors are for code; the text is for people and reads well after
/// "failed to".
///
/// * `{}` is one line, and a second one for the hint, if there is one. It never repeats
///   [`source`](StdError::source).
/// * `{:#}` adds a line for each attempt in the [`attempt_log`](Self::attempt_log).
/// * `{:?}`, which a `main` that returns the error prints, adds the causes as well; `{:#?}` shows the fields.
///
/// # Examples
///
/// ```
/// use s3_core::{ErrorKind, HeadRequest, MemoryStore, Operation, S3Url, Store};
///
/// # futures_util::future::FutureExt::now_or_never(async {
/// let store = MemoryStore::with_buckets(["photos"]);
/// let url = S3Url::parse("s3://photos/gone.txt")?;
/// let error = store.head(HeadRequest::new(url)).await.unwrap_err();
/// assert_eq!((error.kind(), error.operation()), (ErrorKind::NotFound, Operation::Head));
/// assert_eq!((error.resource(), error.http_status()), (Some("s3://photos/gone.txt"), Some(404)));
/// assert!(!error.retryability().is_retryable());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).expect("MemoryStore futures are ready at once").unwrap();
/// ```
pub struct Error(Box<ErrorInner>);

struct ErrorInner {
    kind: ErrorKind,
    retryability: Retryability,
    operation: Operation,
    resource: Option<Arc<str>>,
    range: Option<String>,
    status: Option<u16>,
    code: Option<Box<str>>,
    request_id: Option<Box<str>>,
    message: Option<Box<str>>,
    hint: Option<Box<str>>,
    bucket_region: Option<Box<str>>,
    delete_marker: Option<Box<str>>,
    attempts: u32,
    phase: Option<Phase>,
    log: Option<Arc<AttemptLog>>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// Returns an error of this kind, with the usual retryability of the kind.
    #[must_use]
    pub fn new(kind: ErrorKind, operation: Operation) -> Self {
        Self(Box::new(ErrorInner {
            kind,
            retryability: kind.usual_retryability(),
            operation,
            resource: None,
            range: None,
            status: None,
            code: None,
            request_id: None,
            message: None,
            hint: None,
            bucket_region: None,
            delete_marker: None,
            attempts: 1,
            phase: None,
            log: None,
            source: None,
        }))
    }

    /// Returns the error of a server's response; kind and retryability come from [`classify`].
    #[must_use]
    pub fn from_response(operation: Operation, status: u16, code: Option<&str>) -> Self {
        let (kind, retryability) = classify(operation, Some(status), code);
        let mut error = Self::new(kind, operation).with_retryability(retryability);
        error.0.status = Some(status);
        error.0.code = code.map(Into::into);
        error
    }

    /// Sets the resource: the URL of an object, a prefix or a bucket.
    #[must_use]
    pub fn with_resource(mut self, resource: impl AsRef<str>) -> Self {
        self.0.resource = Some(resource.as_ref().into());
        self
    }

    /// Sets the range that was requested.
    #[must_use]
    pub fn with_range(mut self, range: impl fmt::Display) -> Self {
        self.0.range = Some(range.to_string());
        self
    }

    /// Removes the range: the caller requested the whole object.
    #[must_use]
    pub fn without_range(mut self) -> Self {
        self.0.range = None;
        self
    }

    /// Sets the message: the server's, or the reason of the failure.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.0.message = Some(message.into().into_boxed_str());
        self
    }

    /// Sets the hint: what to do about the error, shown on a separate line.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into().into_boxed_str());
        self
    }

    /// Sets the region that the server names for the bucket.
    #[must_use]
    pub fn with_bucket_region(mut self, region: impl Into<String>) -> Self {
        self.0.bucket_region = Some(region.into().into_boxed_str());
        self
    }

    /// Sets the version of the delete marker that was read. The kind becomes `NotFound`: a delete marker has no content.
    #[must_use]
    pub fn with_delete_marker(mut self, version: impl Into<String>) -> Self {
        self.0.delete_marker = Some(version.into().into_boxed_str());
        self.with_kind(ErrorKind::NotFound)
    }

    /// Sets the server's request id. An empty id is ignored.
    #[must_use]
    pub fn with_request_id(mut self, id: impl Into<String>) -> Self {
        let id = id.into().into_boxed_str();
        self.0.request_id = Some(id).filter(|id| !id.is_empty());
        self
    }

    /// Overrides the retryability.
    #[must_use]
    pub fn with_retryability(mut self, retryability: Retryability) -> Self {
        self.0.retryability = retryability;
        self
    }

    /// Overrides the kind; the retryability stays.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Sets the number of attempts.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    /// Sets the phase that the last attempt had reached.
    #[must_use]
    pub fn with_phase(mut self, phase: Phase) -> Self {
        self.0.phase = Some(phase);
        self
    }

    /// Sets the log of the failed attempts.
    #[must_use]
    pub fn with_attempt_log(mut self, log: AttemptLog) -> Self {
        self.0.log = Some(Arc::new(log));
        self
    }

    /// Sets the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Returns a copy without the cause, for another input of the same request.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        let inner = &self.0;
        Self(Box::new(ErrorInner {
            kind: inner.kind,
            retryability: inner.retryability,
            operation: inner.operation,
            resource: inner.resource.clone(),
            range: inner.range.clone(),
            status: inner.status,
            code: inner.code.clone(),
            request_id: inner.request_id.clone(),
            message: inner.message.clone(),
            hint: inner.hint.clone(),
            bucket_region: inner.bucket_region.clone(),
            delete_marker: inner.delete_marker.clone(),
            attempts: inner.attempts,
            phase: inner.phase,
            log: inner.log.clone(),
            source: None,
        }))
    }

    /// Returns the kind of the failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns whether a retry can help.
    #[must_use]
    pub fn retryability(&self) -> Retryability {
        self.0.retryability
    }

    /// Returns the operation.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.0.operation
    }

    /// Returns the resource: the URL of an object, a prefix or a bucket.
    #[must_use]
    pub fn resource(&self) -> Option<&str> {
        self.0.resource.as_deref()
    }

    /// Returns the HTTP status, if there was a response.
    #[must_use]
    pub fn http_status(&self) -> Option<u16> {
        self.0.status
    }

    /// Returns S3's error code, such as `NoSuchKey`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// Returns the region that the server names for the bucket when it redirects there.
    #[must_use]
    pub fn bucket_region(&self) -> Option<&str> {
        self.0.bucket_region.as_deref()
    }

    /// Returns the version of the delete marker that was read instead of an object.
    #[must_use]
    pub fn delete_marker(&self) -> Option<&str> {
        self.0.delete_marker.as_deref()
    }

    /// Returns the server's request id.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// Returns the message without resource and codes: the server's, or the reason of the failure.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// Returns the hint, if there is one.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Returns the number of attempts: 1 from a store, more from an engine that retries, 0 if the caller's deadline
    /// passed before the first.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// Returns the failed attempts; `None` if the error comes directly from a store.
    #[must_use]
    pub fn attempt_log(&self) -> Option<&AttemptLog> {
        self.0.log.as_deref()
    }

    /// Returns the phase that the last attempt had reached.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match (self.0.phase, self.0.status, self.0.kind) {
            (Some(phase), ..) => phase,
            (None, Some(_), _) => Phase::Response,
            (None, None, ErrorKind::Network | ErrorKind::Timeout | ErrorKind::Server) => {
                Phase::NoResponse
            }
            // An item of a batch delete has a code and no status; it is a response, too.
            _ if self.0.code.is_some() => Phase::Response,
            (None, None, ErrorKind::Integrity) => Phase::Body,
            (None, None, ErrorKind::Protocol) => Phase::Response,
            _ => Phase::Local,
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}
