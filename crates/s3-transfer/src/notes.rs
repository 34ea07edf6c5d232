//! What a call with a deadline has tried so far.
//!
//! The deadline drops whatever is under way, and the retry policy's own notes with it. So the attempts of such a call are
//! noted here as well, where the error of the deadline can read them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use s3_core::{Attempt, AttemptLog, ByteCounter, Error, ErrorKind, Result, SharedStore};
use tokio::time::Instant;

use crate::layer::before;
use crate::mark::Mark;
use crate::{CallOptions, Job, Progress};

use futures_util::future::BoxFuture;
use s3_core::Operation;

/// The attempts of one call. Clone is a reference count.
#[derive(Clone, Debug)]
pub(crate) struct Notes(Arc<Mutex<Tried>>);

#[derive(Debug)]
struct Tried {
    /// When the call began.
    since: Instant,
    log: AttemptLog,
    /// Attempts that have begun and have not come to an end.
    under_way: u32,
    /// An attempt has succeeded: the call had more to do when the deadline passed.
    has_succeeded: bool,
    /// The one that has begun last.
    last: Option<Begun>,
}

#[derive(Debug)]
struct Begun {
    at: Instant,
    mark: Mark,
}

impl Notes {
    fn new(since: Instant) -> Self {
        Self(Arc::new(Mutex::new(Tried {
            since,
            log: AttemptLog::default(),
            under_way: 0,
            has_succeeded: false,
            last: None,
        })))
    }

    fn tried(&self) -> MutexGuard<'_, Tried> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes an attempt that has failed: in its job, or in a layer that has dropped the job.
    pub(crate) fn push(&self, attempt: Attempt) {
        let mut tried = self.tried();
        tried.log.push(attempt);
        tried.end();
    }

    fn begin(&self, job: &impl Job) {
        let mut tried = self.tried();
        tried.under_way += 1;
        tried.last = Some(Begun {
            at: Instant::now(),
            mark: Mark::at(job),
        });
    }

    /// Adds what was tried to the error of a deadline, the attempt that it has cut short included.
    pub(crate) fn explain(&self, error: Error) -> Error {
        if error.attempt_log().is_some() {
            return error;
        }
        let tried = self.tried();
        let mut log = tried.log.clone();
        if let Some(begun) = tried.last.as_ref().filter(|_| tried.under_way > 0) {
            log.push(begun.cut_short(&error, tried.since));
        }
        // None means that nothing was sent.
        let attempts = log.total().max(u32::from(tried.has_succeeded));
        drop(tried);
        error.with_attempts(attempts).with_attempt_log(log)
    }
}

impl Tried {
    fn end(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }
}

impl Begun {
    fn cut_short(&self, error: &Error, since: Instant) -> Attempt {
        let began = self.at.saturating_duration_since(since);
        let cut = Error::new(ErrorKind::Timeout, error.operation()).with_phase(self.mark.phase());
        Attempt::failed(&cut, began, self.at.elapsed()).with_bytes(self.mark.kept())
    }
}

impl CallOptions {
    /// Returns the same options, with notes if there is a deadline.
    pub(crate) fn noted(&self) -> Self {
        let mut options = self.clone();
        if options.deadline.is_some() && options.notes.is_none() {
            options.notes = Some(Notes::new(options.began.unwrap_or_else(Instant::now)));
        }
        options
    }

    /// Runs the work of a whole call, whose jobs have these options, until it is done or the deadline has passed.
    ///
    /// # Errors
    ///
    /// Those of [`before`], with what was tried.
    pub(crate) async fn bound<T>(
        &self,
        operation: Operation,
        place: &str,
        work: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let done = before(self.deadline, operation, place, work).await;
        done.map_err(|error| self.explain(error))
    }

    pub(crate) fn explain(&self, error: Error) -> Error {
        match &self.notes {
            // Whatever else it is, it did not come from the deadline.
            Some(notes) if error.kind() == ErrorKind::Timeout => notes.explain(error),
            _ => error,
        }
    }
}

/// A job whose attempts are noted, where somebody keeps notes.
#[derive(Clone, Debug)]
pub(crate) struct Noted<J> {
    pub(crate) job: J,
    pub(crate) notes: Option<Notes>,
}

impl<J: Job> Job for Noted<J> {
    type Output = J::Output;

    fn operation(&self) -> Operation {
        self.job.operation()
    }

    fn resource(&self) -> &str {
        self.job.resource()
    }

    async fn run(self, store: SharedStore) -> Result<J::Output> {
        let Some(notes) = self.notes else {
            return self.job.run(store).await;
        };
        notes.begin(&self.job);
        let done = self.job.run(store).await;
        if done.is_ok() {
            let mut tried = notes.tried();
            tried.has_succeeded = true;
            tried.end();
        }
        done
    }

    fn boxed(self, store: SharedStore) -> BoxFuture<'static, Result<J::Output>> {
        match self.notes {
            None => self.job.boxed(store),
            Some(_) => Box::pin(self.run(store)),
        }
    }

    fn progress(&self) -> Option<&Progress> {
        self.job.progress()
    }

    fn sends(&self) -> u64 {
        self.job.sends()
    }

    fn moved(&self) -> Option<&ByteCounter> {
        self.job.moved()
    }

    fn allowance(&self) -> std::time::Duration {
        self.job.allowance()
    }
}
