//! When to try again: the policy for tower's retry service.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use s3_core::{Attempt, AttemptLog, Error, Result, Retryability};
use tokio::time::{Instant, sleep};
use tower::retry::Policy;
use tower::retry::budget::{Budget, TpsBudget};

use super::Backoff;
use super::outage::{News, Outage};
use crate::notes::Notes;
use crate::{Job, TransferConfig};

/// More than these tower's budget does not take.
const MOST_RETRIES_PER_SECOND: u32 = i32::MAX as u32 - 1;
const MOST_RETRIES_PER_SUCCESS: f32 = 1000.0;

/// Tries a job again while its error says that this can help, attempts are left and the budget allows it.
///
/// Attempts are counted from the last one that made progress, so a large body over a bad line gets through as long
/// as each attempt brings some bytes. The budget is shared by all jobs of a client: retries are paid by successes,
/// with a small floor, so that a dead server is not hammered by every input's full number of attempts at once. An
/// attempt that made progress pays for the next one itself.
///
/// While nothing succeeds at all, retries wait for the server at one gate, and neither attempts nor
/// budget are used up.
#[derive(Clone, Debug)]
pub struct RetryPolicy {
    rules: Arc<Rules>,
    /// Attempts of this job so far.
    made: u32,
    /// Attempts since the last one that made progress.
    fruitless: u32,
    /// Bytes moved when the last attempt ended.
    moved: u64,
    /// Whether the last attempt made progress.
    gained: bool,
    /// The server has found the bytes spoilt once.
    spoilt: bool,
    /// When the first failure was since the last progress.
    failing_since: Option<Instant>,
    /// Whether it has waited at the gate since then.
    has_waited: bool,
    /// What the last attempt brought, if that can be seen.
    brought: Option<u64>,
    /// When the call began, or its first attempt.
    since: Option<Instant>,
    /// When the last attempt began.
    began: Option<Instant>,
    /// What has failed so far: nothing is allocated before something has.
    log: AttemptLog,
    notes: Option<Notes>,
}

/// What all jobs share: one reference count per clone, of which each job makes several.
#[derive(Debug)]
struct Rules {
    backoff: Backoff,
    budget: TpsBudget,
    max_attempts: u32,
    /// How long a job that waits at the gate goes on failing: what the waits between its attempts can add up to.
    patience: Duration,
    outage: Outage,
}

impl RetryPolicy {
    /// Returns the policy of a configuration. Its clones share the budget.
    #[must_use]
    pub fn new(config: &TransferConfig) -> Self {
        // The window over which successes pay for retries; tower's own default.
        let window = Duration::from_secs(10);
        let patience = longest_wait(config);
        let rules = Rules {
            backoff: Backoff::new(config.backoff_base, config.backoff_cap, config.seed),
            budget: TpsBudget::new(
                window,
                config.retry_floor.min(MOST_RETRIES_PER_SECOND),
                config.retry_ratio.clamp(0.0, MOST_RETRIES_PER_SUCCESS),
            ),
            max_attempts: config.max_attempts.max(1),
            patience,
            outage: Outage::new(
                config.max_attempts,
                // The watch looks four times within the limit.
                config.stall_timeout.saturating_mul(5) / 4,
                config.backoff_base,
                patience,
            ),
        };
        Self {
            rules: Arc::new(rules),
            made: 0,
            fruitless: 0,
            moved: 0,
            gained: false,
            spoilt: false,
            failing_since: None,
            has_waited: false,
            brought: None,
            since: None,
            began: None,
            log: AttemptLog::default(),
            notes: None,
        }
    }

    /// Says from when the times in the log count, and where else attempts are to be noted.
    pub(crate) fn with_notes(mut self, since: Option<Instant>, notes: Option<Notes>) -> Self {
        (self.since, self.notes) = (since, notes);
        self
    }

    fn wait(&self, retryability: Retryability) -> Option<Duration> {
        match retryability {
            // Servers that ask for no wait at all would get every attempt within a moment.
            Retryability::Throttled { after: Some(after) } => {
                Some(self.rules.backoff.asked(after).max(self.usual_wait()))
            }
            Retryability::Throttled { after: None } | Retryability::Transient => {
                Some(self.usual_wait())
            }
            _ => None,
        }
    }

    fn usual_wait(&self) -> Duration {
        self.rules.backoff.wait(self.fruitless.saturating_sub(1))
    }

    fn note_attempt<J: Job>(&mut self, job: &J) {
        let moved = job.progress().map_or(0, crate::Progress::bytes);
        self.brought = job
            .progress()
            .map(|progress| progress.bytes().saturating_sub(self.moved));
        self.gained = moved > self.moved;
        self.fruitless = if self.gained { 1 } else { self.fruitless + 1 };
        self.moved = moved;
        self.made += 1;
    }

    /// Notes the attempt that has just failed, and the wait that follows if there is one.
    fn note_failure(&mut self, error: &Error, wait: Option<Duration>) {
        let now = Instant::now();
        let began = self.began.unwrap_or(now);
        let since = self.since.unwrap_or(began);
        let after = began.saturating_duration_since(since);
        let took = now.saturating_duration_since(began);
        let mut attempt = Attempt::failed(error, after, took).with_bytes(self.brought);
        attempt.wait = wait;
        if let Some(notes) = &self.notes {
            notes.push(attempt.clone());
        }
        self.log.push(attempt);
    }

    /// Bytes that were spoilt on their way may arrive the next time; spoilt twice, they are spoilt here.
    fn doubt(&mut self, error: Error) -> Error {
        let spoilt = matches!(
            error.code(),
            Some("BadDigest" | "XAmzContentSHA256Mismatch" | "XAmzContentChecksumMismatch")
        );
        if spoilt && !std::mem::replace(&mut self.spoilt, true) {
            return error.with_retryability(Retryability::Transient);
        }
        error
    }

    /// Decides about a failure: how long to wait before the next attempt and why, or what the caller gets.
    fn judge(&mut self, error: Error) -> std::result::Result<(Duration, Error), Error> {
        let error = self.doubt(error.with_attempts(self.made));
        let Some(wait) = self.wait(error.retryability()) else {
            if error.http_status().is_some() {
                // A server that refuses works.
                self.rules.outage.works();
            }
            return Err(error);
        };
        if self.gained {
            self.rules.outage.works();
            (self.failing_since, self.has_waited) = (None, false);
        } else {
            let news = self.rules.outage.fails();
            let now = Instant::now();
            let failing = now - *self.failing_since.get_or_insert(now);
            let spent = self.has_waited && failing >= self.rules.patience;
            match news {
                News::GiveUp => return Err(outlasted(error)),
                _ if spent => return Err(outlasted(error)),
                News::Wait => {
                    self.has_waited = true;
                    self.fruitless -= 1;
                    // The gate paces those who wait, but a server that asks for a pause gets it.
                    let wait = match error.retryability() {
                        Retryability::Throttled { after: Some(_) } => wait,
                        _ => Duration::ZERO,
                    };
                    return Ok((wait, error));
                }
                News::None => {}
            }
        }
        if self.fruitless >= self.rules.max_attempts {
            return Err(error.with_retryability(Retryability::Spent));
        }
        if !self.gained && !self.rules.budget.withdraw() {
            tracing::warn!(%error, "the retry budget is used up");
            let hint = "too many requests fail at once; the retry budget of this client is used up";
            return Err(error.with_retryability(Retryability::Spent).with_hint(hint));
        }
        Ok((wait, error))
    }
}

/// Says that the outage has lasted longer than anybody waits.
fn outlasted(error: Error) -> Error {
    let hint = "nothing that this client has asked for has succeeded for as long as it waits; is the server reachable?";
    error.with_retryability(Retryability::Spent).with_hint(hint)
}

/// Returns how long the waits between all attempts of a job are at most.
fn longest_wait(config: &TransferConfig) -> Duration {
    let mut wait = config.backoff_base.min(config.backoff_cap);
    let mut total = Duration::ZERO;
    // Far beyond any use; it keeps the sum finite.
    for _ in 1..config.max_attempts.min(10_000) {
        total = total.saturating_add(wait);
        wait = wait.saturating_mul(2).min(config.backoff_cap);
    }
    total
}

impl<J: Job> Policy<J, J::Output, Error> for RetryPolicy {
    type Future = BoxFuture<'static, ()>;

    fn retry(&mut self, job: &mut J, result: &mut Result<J::Output>) -> Option<Self::Future> {
        let error = match result {
            Ok(_) => {
                self.rules.budget.deposit();
                self.rules.outage.works();
                return None;
            }
            Err(error) => std::mem::replace(
                error,
                Error::new(s3_core::ErrorKind::Other, job.operation()),
            ),
        };
        let error = match error.resource() {
            Some(_) => error,
            None => error.with_resource(job.resource()),
        };
        self.note_attempt(job);
        match self.judge(error) {
            Ok((wait, error)) => {
                self.note_failure(&error, Some(wait));
                tracing::debug!(%error, ?wait, "trying again");
                let rules = Arc::clone(&self.rules);
                Some(Box::pin(async move {
                    sleep(wait).await;
                    rules.outage.pass().await;
                }))
            }
            Err(error) => {
                self.note_failure(&error, None);
                *result = Err(error.with_attempt_log(std::mem::take(&mut self.log)));
                None
            }
        }
    }

    /// Called when an attempt is about to begin.
    fn clone_request(&mut self, job: &J) -> Option<J> {
        let now = Instant::now();
        self.began = Some(now);
        self.since.get_or_insert(now);
        Some(job.clone())
    }
}
