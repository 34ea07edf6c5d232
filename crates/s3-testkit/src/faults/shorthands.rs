//! Constructors of common [`FaultAction`]s, such as `slow_down` or `truncate_half`.

use std::time::Duration;

use super::{FaultAction, Position};

impl FaultAction {
    /// Responds with an error.
    #[must_use]
    pub fn status(status: u16, code: &str) -> Self {
        Self::Status {
            status,
            code: code.to_owned(),
            retry_after: None,
        }
    }

    /// Responds `503 SlowDown` with a `Retry-After`.
    #[must_use]
    pub fn slow_down(retry_after: Duration) -> Self {
        Self::Status {
            status: 503,
            code: "SlowDown".to_owned(),
            retry_after: Some(retry_after),
        }
    }

    /// Truncates the body after `bytes`.
    #[must_use]
    pub const fn truncate_after(bytes: u64) -> Self {
        Self::TruncateBody {
            at: Position::Byte(bytes),
        }
    }

    /// Truncates the body after half of it.
    #[must_use]
    pub const fn truncate_half() -> Self {
        Self::TruncateBody { at: Position::Half }
    }

    /// Interrupts the body after `bytes`.
    #[must_use]
    pub const fn body_error_after(bytes: u64) -> Self {
        Self::BodyError {
            at: Position::Byte(bytes),
        }
    }

    /// Stalls before the request takes effect.
    #[must_use]
    pub const fn stall(wait: Duration) -> Self {
        Self::Stall {
            at: None,
            wait: Some(wait),
        }
    }

    /// Stalls after `bytes` of the body until the client closes the connection.
    #[must_use]
    pub const fn stall_after(bytes: u64) -> Self {
        Self::Stall {
            at: Some(Position::Byte(bytes)),
            wait: None,
        }
    }

    /// Applies this action after the request took effect.
    ///
    /// # Panics
    ///
    /// If the action is not a status, a drop, a reset, or a stall before the response. Other actions have their position in
    /// the request or the body.
    #[must_use]
    pub fn after_commit(self) -> Self {
        let replaces_the_response = matches!(
            self,
            Self::Status { .. } | Self::Drop | Self::Reset | Self::Stall { at: None, .. }
        );
        assert!(
            replaces_the_response,
            "{self} cannot be applied after the commit"
        );
        Self::AfterCommit(Box::new(self))
    }

    /// Responds 200 with an error in the body, as S3 can to CompleteMultipartUpload and CopyObject. No effect.
    #[must_use]
    pub fn error_inside(code: &str) -> Self {
        Self::status(200, code)
    }

    /// Responds `400 RequestTimeout`, as S3 does when the request body is late.
    #[must_use]
    pub fn request_timeout() -> Self {
        Self::status(400, "RequestTimeout")
    }

    /// Responds `409 ConditionalRequestConflict`, as S3 does to concurrent conditional writes of a key.
    #[must_use]
    pub fn conditional_conflict() -> Self {
        Self::status(409, "ConditionalRequestConflict")
    }

    /// Responds `403 RequestTimeTooSkewed`: the clocks differ.
    #[must_use]
    pub fn skewed() -> Self {
        Self::status(403, "RequestTimeTooSkewed")
    }

    /// Responds `400 ExpiredToken`.
    #[must_use]
    pub fn expired_token() -> Self {
        Self::status(400, "ExpiredToken")
    }

    /// Responds `301 PermanentRedirect` without a location.
    #[must_use]
    pub fn redirect_to_nowhere() -> Self {
        Self::status(301, "PermanentRedirect")
    }

    /// The request takes effect, but the response never arrives and the connection stays open.
    #[must_use]
    pub fn parked_reply() -> Self {
        Self::Stall {
            at: None,
            wait: None,
        }
        .after_commit()
    }

    /// Sends headers and body one byte at a time.
    #[must_use]
    pub const fn slow_loris(every: Duration) -> Self {
        Self::Trickle {
            bytes: 1,
            every,
            at: None,
        }
    }

    /// Sends white space, one space per second, and then the response.
    #[must_use]
    pub const fn white_space(wait: Duration) -> Self {
        Self::WhiteSpace {
            wait,
            every: Duration::from_secs(1),
            code: None,
        }
    }

    /// Sends white space, one space per second, and then an error.
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
    fn only_actions_that_replace_the_response_can_follow_the_commit() {
        let _ = FaultAction::stall(Duration::from_secs(1)).after_commit();
        for action in [
            FaultAction::LoseReply,
            FaultAction::stall_after(1),
            FaultAction::ChangedETag,
        ] {
            let text = action.to_string();
            let rejected = std::panic::catch_unwind(|| action.after_commit());
            assert!(rejected.is_err(), "{text}");
        }
    }
}
