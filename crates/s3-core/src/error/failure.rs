//! The error type.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use super::{AttemptLog, ErrorKind, Operation, Phase, Retryability, classify};

/// The result of every operation of a store.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What failed, on what, why, and whether to try again. One word wide, so that results stay small.
///
/// [`kind`](Self::kind) and the other accessors are for code; the text is for people and reads well after
/// "failed to". `Display` never repeats [`source`](StdError::source). It is one line, and one more for the hint if there
/// is one; `{:#}` adds one line for each attempt of the [`attempt_log`](Self::attempt_log).
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
/// # }).expect("the memory store never waits").unwrap();
/// ```
pub struct Error(Box<Inner>);

struct Inner {
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
    attempts: u32,
    phase: Option<Phase>,
    log: Option<Arc<AttemptLog>>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// Returns an error of a kind; whether to try again follows from the kind.
    #[must_use]
    pub fn new(kind: ErrorKind, operation: Operation) -> Self {
        Self(Box::new(Inner {
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
            attempts: 1,
            phase: None,
            log: None,
            source: None,
        }))
    }

    /// Returns the error that a server's answer means; kind and retryability come from [`classify`].
    #[must_use]
    pub fn from_response(operation: Operation, status: u16, code: Option<&str>) -> Self {
        let (kind, retryability) = classify(operation, Some(status), code);
        let mut error = Self::new(kind, operation).with_retryability(retryability);
        error.0.status = Some(status);
        error.0.code = code.map(Into::into);
        error
    }

    /// Names the resource: an object's URL, a prefix or a bucket.
    #[must_use]
    pub fn with_resource(mut self, resource: impl AsRef<str>) -> Self {
        self.0.resource = Some(resource.as_ref().into());
        self
    }

    /// Names the bytes that were asked for.
    #[must_use]
    pub fn with_range(mut self, range: impl fmt::Display) -> Self {
        self.0.range = Some(range.to_string());
        self
    }

    /// Adds what the other side said, or what was wrong.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.0.message = Some(message.into().into_boxed_str());
        self
    }

    /// Adds advice that is true for this case; it is shown on a line of its own.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into().into_boxed_str());
        self
    }

    /// Adds the server's request id. One without a character is none.
    #[must_use]
    pub fn with_request_id(mut self, id: impl Into<String>) -> Self {
        let id = id.into().into_boxed_str();
        self.0.request_id = Some(id).filter(|id| !id.is_empty());
        self
    }

    /// Overrides whether another attempt can help.
    #[must_use]
    pub fn with_retryability(mut self, retryability: Retryability) -> Self {
        self.0.retryability = retryability;
        self
    }

    /// Overrides the kind, and nothing else.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Says how many attempts were made.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    /// Says how far the attempt had come.
    #[must_use]
    pub fn with_phase(mut self, phase: Phase) -> Self {
        self.0.phase = Some(phase);
        self
    }

    /// Says what was tried.
    #[must_use]
    pub fn with_attempt_log(mut self, log: AttemptLog) -> Self {
        self.0.log = Some(Arc::new(log));
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Returns an error that says the same of another input of the same request; the cause stays with the first.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        let inner = &self.0;
        Self(Box::new(Inner {
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
            attempts: inner.attempts,
            phase: inner.phase,
            log: inner.log.clone(),
            source: None,
        }))
    }

    /// Returns what went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns whether another attempt can help.
    #[must_use]
    pub fn retryability(&self) -> Retryability {
        self.0.retryability
    }

    /// Returns what was attempted.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.0.operation
    }

    /// Returns the resource: an object's URL, a prefix or a bucket.
    #[must_use]
    pub fn resource(&self) -> Option<&str> {
        self.0.resource.as_deref()
    }

    /// Returns the HTTP status of the answer, if there was one.
    #[must_use]
    pub fn http_status(&self) -> Option<u16> {
        self.0.status
    }

    /// Returns S3's error code, such as `NoSuchKey`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// Returns the server's request id.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// Returns what the other side said, or what was wrong, without resource and codes.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// Returns the advice, if there is any.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Returns how many attempts were made: 1 for a store, more from an engine that retries, and 0 if the caller's
    /// deadline has passed before the first.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// Returns what was tried, and how it failed; `None` if the error did not come through an engine.
    #[must_use]
    pub fn attempt_log(&self) -> Option<&AttemptLog> {
        self.0.log.as_deref()
    }

    /// Returns how far the last attempt had come.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match (self.0.phase, self.0.status, self.0.kind) {
            (Some(phase), ..) => phase,
            (None, Some(_), _) => Phase::Response,
            (None, None, ErrorKind::Network | ErrorKind::Timeout | ErrorKind::Server) => {
                Phase::NoResponse
            }
            // A store in memory answers without a status; with a code it is an answer all the same.
            _ if self.0.code.is_some() => Phase::Response,
            (None, None, ErrorKind::Integrity) => Phase::Body,
            _ => Phase::Local,
        }
    }

    fn write_answer(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        let mut parts = Vec::new();
        match (inner.status, &inner.code) {
            (Some(status), Some(code)) => parts.push(format!("{status} {code}")),
            (Some(status), None) => parts.push(format!("status {status}")),
            (None, Some(code)) => parts.push(code.to_string()),
            (None, None) => {}
        }
        if let Some(id) = &inner.request_id {
            parts.push(format!("request {id}"));
        }
        if inner.attempts > 1 {
            parts.push(format!("{} attempts", inner.attempts));
        }
        if parts.is_empty() {
            Ok(())
        } else {
            write!(f, " ({})", parts.join(", "))
        }
    }
}

impl ErrorKind {
    /// Returns whether an error of this kind is usually worth another attempt.
    #[must_use]
    pub const fn usual_retryability(self) -> Retryability {
        match self {
            Self::Throttled => Retryability::Throttled { after: None },
            Self::Timeout | Self::Network | Self::Server | Self::Conflict => {
                Retryability::Transient
            }
            _ => Retryability::No,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        f.write_str(inner.operation.as_str())?;
        if let Some(resource) = &inner.resource {
            // A key may hold line breaks; an error stays on its line.
            write!(
                f,
                " {}",
                resource
                    .escape_debug()
                    .to_string()
                    .replace("\\'", "'")
                    .replace("\\\"", "\"")
            )?;
        }
        if let Some(range) = &inner.range {
            write!(f, " {range}")?;
        }
        write!(f, ": {}", inner.kind.describe())?;
        if let Some(message) = &inner.message {
            write!(f, ": {message}")?;
        }
        self.write_answer(f)?;
        if let Some(hint) = &inner.hint {
            write!(f, "\nhint: {hint}")?;
        }
        match &inner.log {
            Some(log) if f.alternate() && log.total() > 0 => write!(f, "\n{log}"),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("retryability", &self.0.retryability)
            .field("text", &self.to_string())
            .field("attempts", &self.0.log)
            .field("source", &self.0.source)
            .finish()
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Attempt;

    #[test]
    fn the_text_says_what_on_what_and_what_the_server_said() {
        let error = Error::from_response(Operation::Get, 403, Some("AccessDenied"))
            .with_resource("s3://bkt/a/b")
            .with_range("bytes=0-99")
            .with_request_id("4XA1")
            .with_hint("ask for s3:GetObject");
        assert_eq!(
            error.to_string(),
            "get s3://bkt/a/b bytes=0-99: access denied (403 AccessDenied, request 4XA1)\nhint: ask for s3:GetObject"
        );
    }

    #[test]
    fn a_line_break_in_a_key_does_not_break_the_line() {
        let error = Error::new(ErrorKind::NotFound, Operation::Head).with_resource("s3://b/a\nb'é");
        assert_eq!(error.to_string(), "head s3://b/a\\nb'é: object not found");
    }

    #[test]
    fn the_attempts_are_shown_on_request_and_only_then() {
        let refused = Error::from_response(Operation::Get, 503, Some("SlowDown"));
        let mut log = AttemptLog::default();
        let second = Duration::from_secs(1);
        log.push(Attempt::failed(&refused, second, second).with_wait(second));
        log.push(Attempt::failed(&refused, second * 3, second));
        let error = refused
            .with_attempts(2)
            .with_hint("h")
            .with_attempt_log(log);
        assert_eq!(error.to_string().lines().count(), 2);
        let all = format!("{error:#}");
        assert_eq!(all.lines().count(), 4);
        assert!(all.ends_with(
            "attempt 2 at 3.000 s: throttled answered after 1.000 s, status 503 SlowDown"
        ));
        assert!(format!("{error:?}").contains("AttemptLog"));
        assert_eq!(error.duplicate().attempt_log(), error.attempt_log());
    }

    #[test]
    fn an_error_is_one_word_wide_and_can_cross_threads() {
        fn sendable<T: Send + Sync + 'static>() {}
        sendable::<Error>();
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }

    #[test]
    fn a_request_id_without_a_character_is_none() {
        let error = || Error::new(ErrorKind::Server, Operation::Get);
        assert_eq!(error().with_request_id("").request_id(), None);
        assert_eq!(error().with_request_id("4XA1").request_id(), Some("4XA1"));
    }
}
