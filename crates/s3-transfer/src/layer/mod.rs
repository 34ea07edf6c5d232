//! tower layers for S3 jobs: deadline, retry policy, adaptive concurrency limit, stall timeout.
//!
//! tower's `Timeout` erases the error type, and its limiter takes the permit before the request is known. These layers
//! keep the typed [`Error`](s3_core::Error) and hold a permit for exactly one attempt. The retry service and budget are
//! tower's.

mod backoff;
mod circuit_breaker;
mod deadline;
mod execute;
pub mod limit;
mod retry;
mod stall;

pub use backoff::Backoff;
pub use deadline::{Deadline, DeadlineLayer, before};
pub use execute::Execute;
pub use limit::{AdaptiveLimit, AdaptiveLimitLayer};
pub use retry::RetryPolicy;
pub use stall::{StallFuture, StallTimeout, StallTimeoutLayer};
