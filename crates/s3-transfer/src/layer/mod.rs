//! The layers of the stack, for other tower users as well as for [`Transfer`](crate::Transfer).
//!
//! tower's own `Timeout` and `Hedge` erase the error and its limiter takes the permit before the request is known;
//! these keep the typed [`Error`](s3_core::Error) and take the permit for exactly one attempt. The retry
//! service and the budget are tower's; the policy is ours.

mod backoff;
mod deadline;
mod execute;
pub mod limit;
mod outage;
mod retry;
mod stall;

pub use backoff::Backoff;
pub use deadline::{Deadline, DeadlineLayer, before};
pub use execute::Execute;
pub use limit::{AdaptiveLimit, AdaptiveLimitLayer};
pub use retry::RetryPolicy;
pub use stall::{StallFuture, StallTimeout, StallTimeoutLayer};
