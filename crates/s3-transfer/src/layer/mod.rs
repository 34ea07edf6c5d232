//! Layers around a job: deadline, retry policy, circuit breaker, concurrency limit, stall monitor.
//!
//! The retry service and its budget are tower's. tower's own limiter takes the permit before the request is known, and
//! its `Timeout` erases the error type, so our own service, [`AttemptService`], does both for one attempt.

mod attempt;
mod backoff;
mod circuit_breaker;
mod deadline;
pub(crate) mod limit;
mod retry;
mod stall;

pub(crate) use attempt::AttemptService;
use backoff::Backoff;
pub(crate) use deadline::before;
pub(crate) use retry::RetryPolicy;
