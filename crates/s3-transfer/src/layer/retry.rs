//! [`RetryPolicy`]: decides for tower's retry service whether and when a failed attempt is retried.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use s3_core::{Attempt, AttemptLog, Error, ErrorKind, Phase, Result, Retryability};
use tokio::time::{Instant, sleep};
use tower::retry::Policy;
use tower::retry::budget::{Budget, TpsBudget};

use super::Backoff;
use super::circuit_breaker::{CircuitBreaker, Decision};
use crate::attempt_recorder::AttemptRecorder;
use crate::{Event, Job, Observer, TransferConfig, WaitReason};

/// Upper bounds of the settings of tower's retry budget.
const MAX_RETRIES_PER_SECOND: u32 = i32::MAX as u32 - 1;
const MAX_RETRIES_PER_SUCCESS: f32 = 1000.0;

/// After this number of responses in a row with the same contradiction, retries stop: it is not a transmission error.
const MAX_CONTRADICTIONS: u32 = 5;

/// Retries a job while its error is retryable, attempts are left and the budget allows it.
///
/// Attempts are counted from the last one that made progress, so a large body over a bad link completes as long as each
/// attempt brings some bytes. All jobs of a client share one budget: successes pay for retries, with a small floor, so
/// a dead server does not get every input's full number of attempts at once. An attempt that made progress pays for
/// the next one.
///
/// While no attempt of the client succeeds, a circuit breaker delays retries, and neither attempts nor budget are used.
#[derive(Clone, Debug)]
pub(crate) struct RetryPolicy {
    rules: Arc<RetryRules>,
    /// Attempts of this job.
    attempts: u32,
    /// Attempts since the last one that made progress, which counts as the first.
    without_progress: u32,
    /// The job's bytes at the end of the last attempt.
    bytes: u64,
    /// Whether the last attempt made progress.
    progressed: bool,
    /// Whether the server has reported a damaged request body once.
    damaged: bool,
    /// Whether a response was not understood once.
    misunderstood: bool,
    /// The contradiction in the head of the last response, and its number of occurrences in a row.
    contradiction: Option<(Box<str>, u32)>,
    /// The first failure since the last progress.
    failing_since: Option<Instant>,
    /// Whether the job has waited for the circuit breaker since then.
    has_waited: bool,
    /// Bytes of the last attempt, if the job has progress.
    attempt_bytes: Option<u64>,
    /// When the call began, or else its first attempt.
    since: Option<Instant>,
    /// When the last attempt began.
    began: Option<Instant>,
    /// Failed attempts. Allocates with the first one.
    log: AttemptLog,
    recorder: Option<AttemptRecorder>,
    observer: Option<Arc<dyn Observer>>,
}

/// Retry rules of all jobs of a client. In one `Arc`, because each job clones its policy several times.
#[derive(Debug)]
struct RetryRules {
    backoff: Backoff,
    budget: TpsBudget,
    max_attempts: u32,
    /// Maximum time that a job may keep failing after it has waited for the circuit breaker: the sum of its longest
    /// backoffs.
    max_failing_time: Duration,
    breaker: CircuitBreaker,
    /// Whether the warning about a failed connection has been logged.
    has_warned: AtomicBool,
}

impl RetryPolicy {
    /// Creates the policy of a configuration. Its clones share the budget.
    pub(crate) fn new(config: &TransferConfig) -> Self {
        // The time over which successes pay for retries; tower's default.
        let window = Duration::from_secs(10);
        let max_failing_time = longest_wait(config);
        let rules = RetryRules {
            backoff: Backoff::new(config.backoff_base, config.backoff_cap, config.seed),
            budget: TpsBudget::new(
                window,
                config.retry_floor.min(MAX_RETRIES_PER_SECOND),
                config.retry_ratio.clamp(0.0, MAX_RETRIES_PER_SUCCESS),
            ),
            max_attempts: config.max_attempts.max(1),
            max_failing_time,
            breaker: CircuitBreaker::new(
                config.max_attempts,
                // Stalls are scanned for four times per timeout.
                config.stall_timeout.saturating_mul(5) / 4,
                config.backoff_base,
                max_failing_time,
            ),
            has_warned: AtomicBool::new(false),
        };
        Self {
            rules: Arc::new(rules),
            attempts: 0,
            without_progress: 0,
            bytes: 0,
            progressed: false,
            damaged: false,
            misunderstood: false,
            contradiction: None,
            failing_since: None,
            has_waited: false,
            attempt_bytes: None,
            since: None,
            began: None,
            log: AttemptLog::default(),
            recorder: None,
            observer: config.observer.clone(),
        }
    }

    /// Sets when the call began, for the times in the log, and the call's recorder.
    pub(crate) fn with_recorder(
        mut self,
        since: Option<Instant>,
        recorder: Option<AttemptRecorder>,
    ) -> Self {
        (self.since, self.recorder) = (since, recorder);
        self
    }

    /// Reports to this observer instead of the client's.
    pub(crate) fn with_observer(mut self, observer: Option<Arc<dyn Observer>>) -> Self {
        self.observer = observer.or(self.observer);
        self
    }

    fn report_wait(&self, error: &Error, reason: WaitReason) {
        if let Some(observer) = &self.observer {
            observer.on_event(&Event::Waiting {
                operation: error.operation(),
                resource: error.resource().unwrap_or_default(),
                reason,
            });
        }
    }

    /// Logs a warning about the client's first failed connection, because its retries may take minutes and look like a
    /// hang.
    fn warn_once(&self, error: &Error) {
        let rules = &self.rules;
        if error.phase() == Phase::Connect && !rules.has_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %error,
                attempts = rules.max_attempts,
                seconds = rules.max_failing_time.as_secs(),
                "no connection to the endpoint; an input fails after these attempts or seconds, or at the deadline"
            );
        }
    }

    fn wait(&self, retryability: Retryability) -> Option<Duration> {
        let backoff = &self.rules.backoff;
        let wait = || backoff.wait(self.without_progress.saturating_sub(1));
        match retryability {
            // At least the backoff: a server that requests a wait of zero would get all attempts at once.
            Retryability::Throttled { after: Some(after) } => {
                Some(backoff.asked(after).max(wait()))
            }
            Retryability::Throttled { after: None } | Retryability::Transient => Some(wait()),
            _ => None,
        }
    }

    fn count_attempt<J: Job>(&mut self, job: &J) {
        let bytes = job.progress().map(crate::Progress::bytes);
        self.attempt_bytes = bytes.map(|bytes| bytes.saturating_sub(self.bytes));
        self.progressed = self.attempt_bytes.is_some_and(|bytes| bytes > 0);
        self.bytes = bytes.unwrap_or_default();
        self.without_progress = if self.progressed {
            1
        } else {
            self.without_progress + 1
        };
        self.attempts += 1;
    }

    /// Logs the attempt that has failed, and the wait before the next one.
    fn log_failure(&mut self, error: &Error, wait: Option<Duration>) {
        let now = Instant::now();
        let began = self.began.unwrap_or(now);
        let since = self.since.unwrap_or(began);
        let after = began.saturating_duration_since(since);
        let took = now.saturating_duration_since(began);
        let mut attempt = Attempt::failed(error, after, took).with_bytes(self.attempt_bytes);
        attempt.wait = wait;
        if let Some(recorder) = &self.recorder {
            recorder.failed(attempt.clone(), error);
        }
        self.log.push(attempt);
    }

    /// Makes the first report of a damaged body retryable. A second one means that the body is damaged at the sender.
    fn retry_damaged_once(&mut self, error: Error) -> Error {
        let damaged = matches!(
            error.code(),
            Some("BadDigest" | "XAmzContentSHA256Mismatch" | "XAmzContentChecksumMismatch")
        );
        if damaged && !std::mem::replace(&mut self.damaged, true) {
            return error.with_retryability(Retryability::Transient);
        }
        error
    }

    /// Returns whether the same contradiction in the head of a response has occurred so often in a row that it is not a
    /// transmission error.
    fn repeats_contradiction(&mut self, error: &Error) -> bool {
        let is_of_head = error.kind() == ErrorKind::Integrity
            && error.phase() == Phase::Response
            && error.code().is_none();
        let now = error.message().filter(|_| is_of_head).map(Box::<str>::from);
        let before = self.contradiction.take();
        self.contradiction = now.map(|now| match before {
            Some((before, count)) if before == now => (now, count + 1),
            _ => (now, 1),
        });
        matches!(self.contradiction, Some((_, MAX_CONTRADICTIONS..)))
    }

    /// Decides about a failure: the wait before the next attempt and its reason, or the error for the caller.
    fn decide(&mut self, error: Error) -> std::result::Result<(Duration, Error), Error> {
        let rules = Arc::clone(&self.rules);
        let error = self.retry_damaged_once(error.with_attempts(self.attempts));
        let Some(wait) = self.wait(error.retryability()) else {
            if error.http_status().is_some() {
                // A server that sends an error response works.
                rules.breaker.record_success();
            }
            return Err(error);
        };
        if error.kind() == ErrorKind::Protocol {
            rules.breaker.record_success();
            // If two responses were not understood, the next one will not be either.
            let again = std::mem::replace(&mut self.misunderstood, true);
            return match !again && self.attempts < rules.max_attempts {
                true => Ok((wait, error)),
                false => Err(error.with_retryability(Retryability::Spent)),
            };
        }
        if self.repeats_contradiction(&error) {
            rules.breaker.record_success();
            return Err(error.with_retryability(Retryability::Spent));
        }
        if self.progressed {
            rules.breaker.record_success();
            (self.failing_since, self.has_waited) = (None, false);
        } else {
            let decision = rules.breaker.record_failure();
            let now = Instant::now();
            let failing = now - *self.failing_since.get_or_insert(now);
            let is_spent = self.has_waited && failing >= rules.max_failing_time;
            match decision {
                Decision::GiveUp => return Err(after_outage(error)),
                _ if is_spent => return Err(after_outage(error)),
                Decision::Wait => {
                    self.has_waited = true;
                    self.without_progress -= 1;
                    self.report_wait(&error, WaitReason::CircuitBreaker);
                    // The breaker paces the probes, but a wait that the server requested is kept.
                    let wait = match error.retryability() {
                        Retryability::Throttled { after: Some(_) } => wait,
                        _ => Duration::ZERO,
                    };
                    return Ok((wait, error));
                }
                Decision::Retry => {}
            }
        }
        if self.without_progress >= rules.max_attempts {
            return Err(error.with_retryability(Retryability::Spent));
        }
        if !self.progressed && !rules.budget.withdraw() {
            tracing::warn!(%error, "the retry budget is used up");
            let hint = "too many requests fail at once; the retry budget of this client is used up";
            return Err(error.with_retryability(Retryability::Spent).with_hint(hint));
        }
        Ok((wait, error))
    }
}

/// Adds a hint that the outage has lasted longer than the limit, and rules out further retries.
fn after_outage(error: Error) -> Error {
    let hint = "no request of this client has succeeded for as long as it retries; is the server reachable?";
    error.with_retryability(Retryability::Spent).with_hint(hint)
}

/// Returns the sum of the maximum waits between all attempts of a job.
fn longest_wait(config: &TransferConfig) -> Duration {
    let mut wait = config.backoff_base.min(config.backoff_cap);
    let mut total = Duration::ZERO;
    // The bound keeps the loop short.
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
                self.rules.breaker.record_success();
                return None;
            }
            Err(error) => std::mem::replace(error, Error::new(ErrorKind::Other, job.operation())),
        };
        let error = match error.resource() {
            Some(_) => error,
            None => error.with_resource(job.resource()),
        };
        self.count_attempt(job);
        match self.decide(error) {
            Ok((wait, error)) => {
                self.warn_once(&error);
                self.log_failure(&error, Some(wait));
                tracing::debug!(%error, ?wait, "retrying");
                if matches!(error.retryability(), Retryability::Throttled { .. }) {
                    self.report_wait(&error, WaitReason::Throttled);
                }
                if let Some(observer) = &self.observer {
                    let error = &error;
                    observer.on_event(&Event::Retrying { error, wait });
                }
                let rules = Arc::clone(&self.rules);
                Some(Box::pin(async move {
                    sleep(wait).await;
                    rules.breaker.wait_for_turn().await;
                }))
            }
            Err(error) => {
                self.log_failure(&error, None);
                *result = Err(error.with_attempt_log(std::mem::take(&mut self.log)));
                None
            }
        }
    }

    /// Called before each attempt.
    fn clone_request(&mut self, job: &J) -> Option<J> {
        let now = Instant::now();
        self.began = Some(now);
        self.since.get_or_insert(now);
        Some(job.clone())
    }
}
