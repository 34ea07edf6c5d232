//! `Display` and `Debug` of [`Error`]: one line, the hint, and with `{:#}` or `{:?}` the attempts and causes.

use std::error::Error as _;
use std::fmt;

use super::{Error, ErrorInner};

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        f.write_str(inner.operation.as_str())?;
        if let Some(resource) = &inner.resource {
            // A key may contain line breaks; the error has to stay on one line.
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
        let kind = inner.kind.describe();
        write!(f, ": {kind}")?;
        let message = inner.message.as_deref().filter(|message| {
            // Some servers send a message that only repeats the kind.
            !message.trim_end_matches('.').eq_ignore_ascii_case(kind)
        });
        if let Some(message) = message {
            write!(f, ": {message}")?;
        }
        write_response(inner, f)?;
        if let Some(hint) = &inner.hint {
            write!(f, "\nhint: {hint}")?;
        }
        match &inner.log {
            Some(log) if f.alternate() && log.total() > 0 => write!(f, "\n{log}"),
            _ => Ok(()),
        }
    }
}

/// Writes the text with all attempts and causes; with `#`, the fields.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return f
                .debug_struct("Error")
                .field("kind", &self.0.kind)
                .field("retryability", &self.0.retryability)
                .field("text", &self.to_string())
                .field("attempts", &self.0.log)
                .field("source", &self.0.source)
                .finish();
        }
        write!(f, "{self:#}")?;
        let mut cause = self.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // Some messages already contain the text of their cause.
            if self
                .message()
                .is_none_or(|message| !message.contains(&text))
            {
                write!(f, "\ncaused by: {text}")?;
            }
            cause = error.source();
        }
        Ok(())
    }
}

/// Writes status, code, request id and number of attempts in parentheses.
fn write_response(inner: &ErrorInner, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Attempt, AttemptLog, ErrorKind, Operation};

    #[test]
    fn the_text_names_operation_resource_range_kind_and_response() {
        let error = Error::from_response(Operation::Get, 403, Some("AccessDenied"))
            .with_resource("s3://bkt/a/b")
            .with_range("bytes=0-99")
            .with_message("Access denied.")
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
    fn the_alternate_text_adds_the_attempts() {
        let throttled = Error::from_response(Operation::Get, 503, Some("SlowDown"));
        let mut log = AttemptLog::default();
        let second = Duration::from_secs(1);
        log.push(Attempt::failed(&throttled, second, second).with_wait(second));
        log.push(Attempt::failed(&throttled, second * 3, second));
        let error = throttled
            .with_attempts(2)
            .with_hint("h")
            .with_attempt_log(log);
        assert_eq!(error.to_string().lines().count(), 2);
        let all = format!("{error:#}");
        assert_eq!(all.lines().count(), 4);
        assert!(all.ends_with(
            "attempt 2 at 3.000 s: throttled after 1.000 s, phase response, status 503 SlowDown"
        ));
        assert!(format!("{error:#?}").contains("AttemptLog"));
        assert_eq!(error.duplicate().attempt_log(), error.attempt_log());
    }

    /// The text that `fn main() -> Result<(), Error>` prints after `Error: `.
    #[test]
    fn the_debug_text_is_for_a_person_and_shows_attempts_and_causes() {
        let error = Error::new(ErrorKind::Network, Operation::Get).with_resource("s3://b/k");
        let mut log = AttemptLog::default();
        log.push(Attempt::failed(
            &error,
            Duration::ZERO,
            Duration::from_secs(1),
        ));
        let cause = std::io::Error::other("connection reset");
        let error = error
            .with_hint("check the endpoint")
            .with_attempt_log(log)
            .with_source(cause);
        assert_eq!(
            format!("{error:?}"),
            "get s3://b/k: network failure\n\
             hint: check the endpoint\n\
             attempt 1 at 0.000 s: network failure after 1.000 s, phase no response\n\
             caused by: connection reset"
        );
        let repeated = error.with_message("connection reset by peer");
        assert!(!format!("{repeated:?}").contains("caused by"));
    }

    #[test]
    fn an_error_is_one_pointer_wide_and_can_cross_threads() {
        fn sendable<T: Send + Sync + 'static>() {}
        sendable::<Error>();
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }

    #[test]
    fn an_empty_request_id_is_ignored() {
        let error = || Error::new(ErrorKind::Server, Operation::Get);
        assert_eq!(error().with_request_id("").request_id(), None);
        assert_eq!(error().with_request_id("4XA1").request_id(), Some("4XA1"));
    }
}
