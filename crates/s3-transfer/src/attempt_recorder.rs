//! Records the attempts of a call that has a deadline, so that its timeout error lists them.
//!
//! When the deadline passes, the retry layer and its log of attempts are dropped, so attempts are also recorded here.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use s3_core::{Attempt, AttemptLog, Error, ErrorKind};
use tokio::time::Instant;

use crate::Job;
use crate::attempt_snapshot::AttemptSnapshot;

/// Records the attempts of one call. Clone is a reference count.
#[derive(Clone, Debug)]
pub(crate) struct AttemptRecorder(Arc<Mutex<AttemptHistory>>);

#[derive(Debug)]
struct AttemptHistory {
    /// When the call began.
    since: Instant,
    log: AttemptLog,
    in_flight: u32,
    /// Whether an attempt has succeeded. If the deadline passes nevertheless, the call had more to do.
    has_succeeded: bool,
    /// The attempt that was started last.
    last: Option<StartedAttempt>,
    /// The error of the last failed attempt.
    failure: Option<String>,
}

#[derive(Debug)]
struct StartedAttempt {
    at: Instant,
    snapshot: AttemptSnapshot,
}

impl AttemptRecorder {
    pub(crate) fn new(since: Instant) -> Self {
        Self(Arc::new(Mutex::new(AttemptHistory {
            since,
            log: AttemptLog::default(),
            in_flight: 0,
            has_succeeded: false,
            last: None,
            failure: None,
        })))
    }

    fn history(&self) -> MutexGuard<'_, AttemptHistory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that an attempt starts.
    pub(crate) fn started(&self, job: &impl Job) {
        let mut history = self.history();
        history.in_flight += 1;
        history.last = Some(StartedAttempt {
            at: Instant::now(),
            snapshot: AttemptSnapshot::of(job),
        });
    }

    /// Records that an attempt has succeeded.
    pub(crate) fn succeeded(&self) {
        let mut history = self.history();
        history.has_succeeded = true;
        history.finish_one();
    }

    /// Records an attempt that has failed, or that a layer has cancelled.
    pub(crate) fn failed(&self, attempt: Attempt, error: &Error) {
        let mut history = self.history();
        history.failure = error.message().map(str::to_owned);
        history.log.push(attempt);
        history.finish_one();
    }

    /// Adds the attempts to a deadline error, including the attempt that the deadline cancelled.
    pub(crate) fn add_attempts(&self, error: Error) -> Error {
        if error.attempt_log().is_some() {
            return error;
        }
        let history = self.history();
        let mut log = history.log.clone();
        if let Some(last) = history.last.as_ref().filter(|_| history.in_flight > 0) {
            log.push(last.cancelled(&error, history.since));
        }
        // 0 means that no request was sent.
        let attempts = log.total().max(u32::from(history.has_succeeded));
        let failure = history.failure.clone();
        drop(history);
        let error = match (failure, error.message()) {
            (Some(failure), Some(message)) => {
                let text = format!("{message}; before it: {failure}");
                error.with_message(text)
            }
            _ => error,
        };
        error.with_attempts(attempts).with_attempt_log(log)
    }
}

impl AttemptHistory {
    fn finish_one(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }
}

impl StartedAttempt {
    fn cancelled(&self, error: &Error, since: Instant) -> Attempt {
        let began = self.at.saturating_duration_since(since);
        let timeout =
            Error::new(ErrorKind::Timeout, error.operation()).with_phase(self.snapshot.phase());
        Attempt::failed(&timeout, began, self.at.elapsed()).with_bytes(self.snapshot.bytes_kept())
    }
}
