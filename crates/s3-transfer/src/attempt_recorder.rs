//! Attempts of a call with a deadline, recorded for the error of the deadline.
//!
//! A deadline drops the retry layer with its log of attempts. So the attempts of such a call are recorded here as well.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use s3_core::{Attempt, AttemptLog, ByteCounter, Error, ErrorKind, Operation, Result, SharedStore};
use tokio::time::Instant;

use crate::attempt_snapshot::AttemptSnapshot;
use crate::{Job, Progress};

/// Records the attempts of one call. Clone is a reference count.
#[derive(Clone, Debug)]
pub(crate) struct AttemptRecorder(Arc<Mutex<AttemptHistory>>);

#[derive(Debug)]
struct AttemptHistory {
    /// When the call began.
    since: Instant,
    log: AttemptLog,
    in_flight: u32,
    /// An attempt has succeeded: the call had more to do when the deadline passed.
    has_succeeded: bool,
    /// The attempt that was started last.
    last: Option<StartedAttempt>,
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
        })))
    }

    fn history(&self) -> MutexGuard<'_, AttemptHistory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn started(&self, job: &impl Job) {
        let mut history = self.history();
        history.in_flight += 1;
        history.last = Some(StartedAttempt {
            at: Instant::now(),
            snapshot: AttemptSnapshot::of(job),
        });
    }

    fn succeeded(&self) {
        let mut history = self.history();
        history.has_succeeded = true;
        history.finish_one();
    }

    /// Records an attempt that has failed, or that a layer has cancelled.
    pub(crate) fn failed(&self, attempt: Attempt) {
        let mut history = self.history();
        history.log.push(attempt);
        history.finish_one();
    }

    /// Adds the attempts to the error of a deadline, including the one that it has cancelled.
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
        drop(history);
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

/// A job whose attempts are recorded if there is a recorder.
#[derive(Clone, Debug)]
pub(crate) struct RecordedJob<J> {
    pub(crate) job: J,
    pub(crate) recorder: Option<AttemptRecorder>,
}

impl<J: Job> Job for RecordedJob<J> {
    type Output = J::Output;

    fn operation(&self) -> Operation {
        self.job.operation()
    }

    fn resource(&self) -> &str {
        self.job.resource()
    }

    async fn run(self, store: SharedStore) -> Result<J::Output> {
        let Some(recorder) = self.recorder else {
            return self.job.run(store).await;
        };
        recorder.started(&self.job);
        let done = self.job.run(store).await;
        if done.is_ok() {
            recorder.succeeded();
        }
        done
    }

    fn boxed(self, store: SharedStore) -> BoxFuture<'static, Result<J::Output>> {
        match self.recorder {
            None => self.job.boxed(store),
            Some(_) => Box::pin(self.run(store)),
        }
    }

    fn progress(&self) -> Option<&Progress> {
        self.job.progress()
    }

    fn upload_bytes(&self) -> u64 {
        self.job.upload_bytes()
    }

    fn byte_counter(&self) -> Option<&ByteCounter> {
        self.job.byte_counter()
    }

    fn extra_stall_time(&self) -> Duration {
        self.job.extra_stall_time()
    }
}
