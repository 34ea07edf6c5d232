//! Constructors of actions: shorter ways to write them, and names for what servers are known to do.

use std::time::Duration;

use super::{FaultAction, Position};

impl FaultAction {
    /// Answers with an error.
    #[must_use]
    pub fn status(status: u16, code: &str) -> Self {
        Self::Status {
            status,
            code: code.to_owned(),
            retry_after: None,
        }
    }

    /// Answers `503 SlowDown` with a `Retry-After`.
    #[must_use]
    pub fn slow_down(retry_after: Duration) -> Self {
        Self::Status {
            status: 503,
            code: "SlowDown".to_owned(),
            retry_after: Some(retry_after),
        }
    }

    /// Ends the body after so many bytes.
    #[must_use]
    pub const fn truncate_after(bytes: u64) -> Self {
        Self::TruncateBody {
            at: Position::Byte(bytes),
        }
    }

    /// Ends the body after half of it.
    #[must_use]
    pub const fn truncate_half() -> Self {
        Self::TruncateBody { at: Position::Half }
    }

    /// Breaks the body after so many bytes.
    #[must_use]
    pub const fn body_error_after(bytes: u64) -> Self {
        Self::BodyError {
            at: Position::Byte(bytes),
        }
    }

    /// Waits before the request is looked at.
    #[must_use]
    pub const fn stall(wait: Duration) -> Self {
        Self::Stall {
            at: None,
            wait: Some(wait),
        }
    }

    /// Sends so many bytes of the body and then nothing until the client gives up.
    #[must_use]
    pub const fn stall_after(bytes: u64) -> Self {
        Self::Stall {
            at: Some(Position::Byte(bytes)),
            wait: None,
        }
    }

    /// Does the request and then answers, or does not answer, as this action says.
    ///
    /// # Panics
    ///
    /// If it is another one than a status, a drop, a reset, or a stall before the answer: what harms a body or a request
    /// has its place already.
    #[must_use]
    pub fn after_commit(self) -> Self {
        let replaces_the_answer = matches!(
            self,
            Self::Status { .. } | Self::Drop | Self::Reset | Self::Stall { at: None, .. }
        );
        assert!(replaces_the_answer, "{self} is no answer after the deed");
        Self::AfterCommit(Box::new(self))
    }

    /// Answers 200 with an error in the body, and does nothing: what S3 can do to a completion and a copy.
    #[must_use]
    pub fn error_inside(code: &str) -> Self {
        Self::status(200, code)
    }

    /// Answers `400 RequestTimeout`: S3 has waited too long for the request's body.
    #[must_use]
    pub fn request_timeout() -> Self {
        Self::status(400, "RequestTimeout")
    }

    /// Answers `409 ConditionalRequestConflict`, as while two conditional writes of a key meet.
    #[must_use]
    pub fn conditional_conflict() -> Self {
        Self::status(409, "ConditionalRequestConflict")
    }

    /// Answers `403 RequestTimeTooSkewed`: the clocks differ.
    #[must_use]
    pub fn skewed() -> Self {
        Self::status(403, "RequestTimeTooSkewed")
    }

    /// Answers `400 ExpiredToken`.
    #[must_use]
    pub fn expired_token() -> Self {
        Self::status(400, "ExpiredToken")
    }

    /// Answers `301 PermanentRedirect` without saying where to.
    #[must_use]
    pub fn redirect_to_nowhere() -> Self {
        Self::status(301, "PermanentRedirect")
    }

    /// Carries the request out and never answers: nothing is closed, nothing is reset.
    #[must_use]
    pub fn parked_reply() -> Self {
        Self::Stall {
            at: None,
            wait: None,
        }
        .after_commit()
    }

    /// Sends the head, and all of the body, one byte at a time.
    #[must_use]
    pub const fn slow_loris(every: Duration) -> Self {
        Self::Trickle {
            bytes: 1,
            every,
            at: None,
        }
    }

    /// Sends white space for so long, a blank per second, and then the answer.
    #[must_use]
    pub const fn white_space(wait: Duration) -> Self {
        Self::WhiteSpace {
            wait,
            every: Duration::from_secs(1),
            code: None,
        }
    }

    /// Sends white space for so long, and then that it has failed after all.
    #[must_use]
    pub fn white_space_then(wait: Duration, code: &str) -> Self {
        Self::WhiteSpace {
            wait,
            every: Duration::from_secs(1),
            code: Some(code.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_replaces_an_answer_comes_after_the_deed() {
        let _ = FaultAction::stall(Duration::from_secs(1)).after_commit();
        for action in [
            FaultAction::LoseReply,
            FaultAction::stall_after(1),
            FaultAction::ChangedETag,
        ] {
            let text = action.to_string();
            let refused = std::panic::catch_unwind(|| action.after_commit());
            assert!(refused.is_err(), "{text}");
        }
    }
}
