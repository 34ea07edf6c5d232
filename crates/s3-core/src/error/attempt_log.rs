//! [`AttemptLog`]: records the first and last failed attempts of a call, and counts all of them.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use super::{Error, ErrorKind, Phase};

/// Maximum number of attempts that are kept from the beginning: the original failure.
const FIRST: usize = 4;
/// Maximum number of attempts that are kept from the end: the current failure.
const LAST: usize = 4;

/// An attempt that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// Its number, from 1.
    pub number: u32,
    /// When it started, relative to the start of the call.
    pub began: Duration,
    /// How long it took, including the wait for one of the client's concurrent request permits.
    pub took: Duration,
    /// The phase in which it failed.
    pub phase: Phase,
    /// How many bytes of the response were kept for the next attempt; `None` if unknown, as in uploads.
    pub bytes: Option<u64>,
    /// The kind of the error.
    pub kind: ErrorKind,
    /// The HTTP status, if there was a response.
    pub status: Option<u16>,
    /// S3's error code.
    pub code: Option<Box<str>>,
    /// The server's request id.
    pub request_id: Option<Box<str>>,
    /// The wait before the next attempt; `None` after the last one.
    pub wait: Option<Duration>,
}

impl Attempt {
    /// Returns an attempt that ended in `error`.
    #[must_use]
    pub fn failed(error: &Error, began: Duration, took: Duration) -> Self {
        Self {
            number: 0,
            began,
            took,
            phase: error.phase(),
            bytes: None,
            kind: error.kind(),
            status: error.http_status(),
            code: error.code().map(Into::into),
            request_id: error.request_id().map(Into::into),
            wait: None,
        }
    }

    /// Sets how many bytes of the response were kept.
    #[must_use]
    pub fn with_bytes(mut self, bytes: Option<u64>) -> Self {
        self.bytes = bytes;
        self
    }

    /// Sets the wait before the next attempt.
    #[must_use]
    pub fn with_wait(mut self, wait: Duration) -> Self {
        self.wait = Some(wait);
        self
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = Duration::as_secs_f64;
        write!(f, "attempt {} ", self.number)?;
        write!(
            f,
            "at {:.3} s: {}",
            seconds(&self.began),
            self.kind.describe()
        )?;
        write!(
            f,
            " after {:.3} s, phase {}",
            seconds(&self.took),
            self.phase
        )?;
        if let Some(status) = self.status {
            write!(f, ", status {status}")?;
        }
        if let Some(code) = &self.code {
            write!(f, " {code}")?;
        }
        if let Some(id) = &self.request_id {
            write!(f, ", request {id}")?;
        }
        if let Some(bytes) = self.bytes {
            write!(f, ", {bytes} bytes")?;
        }
        match self.wait {
            Some(wait) => write!(f, ", then a wait of {:.3} s", seconds(&wait)),
            None => Ok(()),
        }
    }
}

/// The failed attempts of a call: the first four, the last four, and how many there were.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use s3_core::{Attempt, AttemptLog, Error, Operation};
///
/// let error = Error::from_response(Operation::Get, 503, Some("SlowDown"));
/// let mut log = AttemptLog::default();
/// for second in 0..100 {
///     log.push(Attempt::failed(&error, Duration::from_secs(second), Duration::from_millis(20)));
/// }
/// assert_eq!((log.total(), log.iter().count(), log.left_out()), (100, 8, 92));
/// assert_eq!(log.iter().last().map(|attempt| attempt.number), Some(100));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttemptLog {
    first: Vec<Attempt>,
    last: VecDeque<Attempt>,
    total: u32,
}

impl AttemptLog {
    /// Appends an attempt and numbers it.
    pub fn push(&mut self, mut attempt: Attempt) {
        self.total = self.total.saturating_add(1);
        attempt.number = self.total;
        if self.first.len() < FIRST {
            return self.first.push(attempt);
        }
        if self.last.len() == LAST {
            self.last.pop_front();
        }
        self.last.push_back(attempt);
    }

    /// Returns how many attempts there were.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.total
    }

    /// Returns how many attempts in the middle are not kept.
    #[must_use]
    pub fn left_out(&self) -> u32 {
        let kept = self.first.len() + self.last.len();
        self.total
            .saturating_sub(u32::try_from(kept).unwrap_or(u32::MAX))
    }

    /// Returns the attempts that are kept, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Attempt> {
        self.first.iter().chain(&self.last)
    }
}

/// One line per attempt.
impl fmt::Display for AttemptLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for attempt in self.iter() {
            if attempt.number > 1 {
                writeln!(f)?;
            }
            let after_gap = self.left_out() > 0
                && self
                    .last
                    .front()
                    .is_some_and(|front| front.number == attempt.number);
            if after_gap {
                writeln!(f, "… {} more …", self.left_out())?;
            }
            write!(f, "{attempt}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Operation;

    fn log(count: u64) -> AttemptLog {
        let error =
            Error::from_response(Operation::Get, 503, Some("SlowDown")).with_request_id("4X");
        let mut log = AttemptLog::default();
        for second in 0..count {
            let began = Duration::from_secs(second);
            let attempt = Attempt::failed(&error, began, Duration::from_millis(20));
            log.push(
                attempt
                    .with_bytes(Some(7))
                    .with_wait(Duration::from_millis(980)),
            );
        }
        log
    }

    #[test]
    fn an_attempt_is_one_line_with_time_kind_phase_status_and_wait() {
        assert_eq!(
            log(1).to_string(),
            "attempt 1 at 0.000 s: throttled after 0.020 s, phase response, status 503 SlowDown, request 4X, 7 bytes, then a wait of 0.980 s"
        );
    }

    #[test]
    fn a_log_keeps_both_ends_and_counts_the_attempts_it_left_out() {
        for (count, kept) in [(0, 0), (1, 1), (8, 8), (9, 8), (1000, 8)] {
            let log = log(count);
            let numbers: Vec<u32> = log.iter().map(|attempt| attempt.number).collect();
            assert_eq!(numbers.len(), kept);
            assert_eq!(u64::from(log.total()), count);
            assert_eq!(log.left_out() as usize + kept, count as usize);
            assert_eq!(numbers.last().copied().unwrap_or(0), log.total());
        }
        let text = log(10).to_string();
        assert_eq!(text.lines().count(), 9);
        assert_eq!(text.lines().nth(4), Some("… 2 more …"));
    }
}
