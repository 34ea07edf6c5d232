//! The error type of `s3-bench`: any error, shown as text.

use std::error::Error;

/// The result type of this crate.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;
