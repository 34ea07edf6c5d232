//! One error for every backend: what kind, whether to try again, and a text that says what to do.

mod attempt_log;
mod classify;
mod failure;
mod kind;
mod phase;

pub use attempt_log::{Attempt, AttemptLog};
pub use classify::classify;
pub use failure::{Error, Result};
pub use kind::{ErrorKind, Operation, Retryability};
pub use phase::Phase;
