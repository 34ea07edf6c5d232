//! One error for every backend: what kind, whether to try again, and a text that says what to do.

mod classify;
mod failure;
mod kind;

pub use classify::classify;
pub use failure::{Error, Result};
pub use kind::{ErrorKind, Operation, Retryability};
