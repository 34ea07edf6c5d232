//! Retry rules of the reference model: which failures are retried, how often, and the final error.

use super::client::Client;
use super::exception::{CallResult, Exception};
use super::quirk::Quirk;
use super::server::Failure;

/// Whether a failure is retried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is not retried.
    Fatal(Exception),
    /// It is retried if an attempt is left.
    Again,
    /// It is retried with the full number of attempts again, because bytes were received.
    Onward,
}

impl Client<'_> {
    /// Makes attempts until one succeeds, fails permanently, or no attempt is left.
    pub(crate) fn attempts<T>(
        &mut self,
        verdict: impl Fn(&Self, &Failure) -> Verdict,
        mut once: impl FnMut(&mut Self) -> Result<T, Failure>,
    ) -> CallResult<T> {
        let mut left = Some(self.retries);
        loop {
            let result = once(self);
            if let Some(result) = self.settle(&verdict, result, &mut left) {
                return result;
            }
        }
    }

    /// Makes attempts for many inputs in rounds, as if all ran concurrently. For equal inputs the client sends one
    /// request, and the reference one each.
    pub(crate) fn attempts_of_many<I: PartialEq, T: Clone>(
        &mut self,
        inputs: &[I],
        verdict: impl Fn(&Self, &Failure) -> Verdict,
        once: impl Fn(&mut Self, &I) -> Result<T, Failure>,
    ) -> Vec<CallResult<T>> {
        if self.fails_many {
            return inputs.iter().map(|_| Err(Exception::Other)).collect();
        }
        let mut results: Vec<Option<CallResult<T>>> = inputs.iter().map(|_| None).collect();
        let mut left = vec![Some(self.retries); inputs.len()];
        while results.iter().any(Option::is_none) {
            for (index, input) in inputs.iter().enumerate() {
                let twin = inputs[..index].iter().position(|other| other == input);
                match twin.filter(|_| !self.quirks.has(Quirk::RepeatedDownload)) {
                    Some(twin) => results[index] = results[twin].clone(),
                    None if results[index].is_some() => {}
                    None => {
                        let result = once(self, input);
                        results[index] = self.settle(&verdict, result, &mut left[index]);
                    }
                }
            }
        }
        results.into_iter().flatten().collect()
    }

    /// Returns the result of the call after an attempt; `None` if another attempt follows.
    fn settle<T>(
        &self,
        verdict: &impl Fn(&Self, &Failure) -> Verdict,
        result: Result<T, Failure>,
        left: &mut Option<u32>,
    ) -> Option<CallResult<T>> {
        let failure = match result {
            Ok(result) => return Some(Ok(result)),
            Err(failure) => failure,
        };
        *left = match verdict(self, &failure) {
            Verdict::Fatal(exception) => return Some(Err(exception)),
            Verdict::Again => left.and_then(|left| left.checked_sub(1)),
            Verdict::Onward => self.retries.checked_sub(1),
        };
        left.is_none().then_some(Err(Exception::Other))
    }

    /// Returns whether a call on one object retries a failure.
    pub(crate) fn verdict(&self, failure: &Failure) -> Verdict {
        let (status, code) = match failure {
            Failure::ErrorResponse { status, code } => (status, code),
            Failure::Truncated { moved: 1.. } if !self.quirks.has(Quirk::AttemptsInAll) => {
                return Verdict::Onward;
            }
            Failure::Truncated { .. } | Failure::Dropped => return Verdict::Again,
        };
        if self.quirks.has(Quirk::PermanentErrors) {
            return reference_verdict(*status, code);
        }
        promised_verdict(*status, code)
    }
}

/// Retry rule of the reference: it uses the code, or the status if there is no code, and retries unknown errors.
fn reference_verdict(status: u16, code: &str) -> Verdict {
    match (status, code) {
        (_, "NoSuchKey" | "NoSuchBucket") | (404, "") => Verdict::Fatal(Exception::NotFound),
        (_, "AccessDenied" | "AllAccessDisabled" | "InvalidAccessKeyId") | (403, "") => {
            Verdict::Fatal(Exception::AccessDenied)
        }
        (_, "InvalidRange") | (416, "") => Verdict::Fatal(Exception::InvalidRange),
        _ => Verdict::Again,
    }
}

/// Retry rule of the client: it retries transient errors only.
fn promised_verdict(status: u16, code: &str) -> Verdict {
    match (status, code) {
        (_, "NoSuchKey" | "NoSuchBucket") => Verdict::Fatal(Exception::NotFound),
        (
            _,
            "AccessDenied"
            | "AllAccessDisabled"
            | "InvalidAccessKeyId"
            | "SignatureDoesNotMatch"
            | "ExpiredToken"
            | "InvalidToken"
            | "RequestTimeTooSkewed",
        ) => Verdict::Fatal(Exception::AccessDenied),
        (_, "InvalidRange") => Verdict::Fatal(Exception::InvalidRange),
        (
            _,
            "SlowDown"
            | "RequestTimeout"
            | "InternalError"
            | "Throttling"
            | "ThrottlingException"
            | "ServiceUnavailable"
            | "RequestLimitExceeded"
            | "TooManyRequests"
            | "OperationAborted",
        ) => Verdict::Again,
        (404, _) => Verdict::Fatal(Exception::NotFound),
        (401 | 403, _) => Verdict::Fatal(Exception::AccessDenied),
        (416, _) => Verdict::Fatal(Exception::InvalidRange),
        (408 | 409 | 429 | 500 | 502..=599, _) => Verdict::Again,
        _ => Verdict::Fatal(Exception::Other),
    }
}
